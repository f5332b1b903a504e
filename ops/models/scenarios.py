"""How calls go: who says what kind of sentence in which order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One turn: the categories of its sentences, all of one role; ``hold_s`` is the wait before it."""

    says: tuple[str, ...]
    hold_s: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of call. ``customer_rate`` and ``customer_pitch_range`` colour the customer's voice."""

    name: str
    steps: tuple[Step, ...]
    direction: str = "inbound"
    customer_rate: int = 168
    customer_pitch_range: int = 50
    roles: tuple[str, ...] = field(default=("agent", "customer"))


def _flow(*turns: str) -> tuple[Step, ...]:
    """Steps of ``"category"`` or ``"category+category"``."""
    return tuple(Step(says=tuple(turn.split("+"))) for turn in turns)


_HAPPY: Final = Scenario(
    name="happy",
    customer_pitch_range=65,
    steps=_flow(
        "agent_open", "inquiry", "lookup", "thanks", "solve", "thanks", "identity_a", "identity_c",
        "solve", "thanks", "close",
    ),
)  # fmt: skip # a call reads in lines of dialogue
_ANGRY: Final = Scenario(
    name="angry",
    customer_rate=180,
    customer_pitch_range=70,
    steps=_flow(
        "agent_open", "problem+anger", "empathy+apology", "anger", "identity_a", "identity_c",
        "apology", "anger", "solve", "anger", "apology+solve", "ack", "close",
    ),
)  # fmt: skip # the same
_LONG_HOLD: Final = Scenario(
    name="long_hold",
    steps=(
        *_flow("agent_open", "problem", "identity_a", "identity_c", "hold"),
        Step(says=("hold_return",), hold_s=(11.5, 14.5)),
        *_flow("solve", "thanks", "close"),
    ),
)
_VOICEMAIL: Final = Scenario(
    name="voicemail",
    roles=("customer",),
    steps=_flow("problem", "identity_c", "problem", "anger", "identity_c", "inquiry", "anger", "thanks"),
)
_ENQUIRY: Final = Scenario(
    name="enquiry",
    steps=_flow(
        "agent_open", "inquiry", "lookup", "solve", "inquiry", "identity_a", "identity_c", "solve",
        "thanks", "close",
    ),
)  # fmt: skip # the same
_CALLBACK: Final = Scenario(
    name="callback",
    direction="outbound",
    steps=_flow(
        "introduction", "thanks", "identity_a", "identity_c", "solve", "inquiry", "solve", "thanks", "close"
    ),
)

SCENARIOS: Final[Mapping[str, Scenario]] = {
    scenario.name: scenario for scenario in (_HAPPY, _ANGRY, _LONG_HOLD, _VOICEMAIL, _ENQUIRY, _CALLBACK)
}
