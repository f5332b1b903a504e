"""Hold told from dead air: a long gap is a hold when the agent announces it or gives thanks for it."""

from collections.abc import Sequence
from typing import NamedTuple

from consumers.analysis.act_rules import LANGUAGES
from consumers.analysis.acts import said
from consumers.analysis.intervals import Interval
from consumers.analysis.skips import without_parties
from consumers.analysis.view import CallView
from schemas.document import SkipReason
from schemas.records import Role

NOTICE_MS = 3000
"""A notice announces a gap that begins at most this long after it."""
THANKS_MS = 5000
"""Thanks are for a gap that ended at most this long before them."""


class Told(NamedTuple):
    """The gaps of one call by what they are."""

    hold: list[Interval]
    dead_air: list[Interval]


def why_untold(call: CallView) -> SkipReason | None:
    """Why hold and dead air cannot be told apart in this call; None: they can."""
    reason = call.wordless or without_parties(call, both=not call.speakers(Role.AGENT))
    return reason or (None if call.language in LANGUAGES else SkipReason.UNSUPPORTED_LANGUAGE)


def told_apart(call: CallView, gaps: Sequence[Interval]) -> Told:
    """Hold: ``hold_notice`` of the agent ends at most 3 s before, or ``hold_thanks`` begins within 5 s after."""
    notices, thanks = _said_by_agent(call, "hold_notice"), _said_by_agent(call, "hold_thanks")
    found = Told([], [])
    for gap in gaps:
        announced = any(s.start_ms < gap.start_ms <= s.end_ms + NOTICE_MS for s in notices)
        thanked = any(s.start_ms - THANKS_MS <= gap.end_ms < s.end_ms for s in thanks)
        (found.hold if announced or thanked else found.dead_air).append(gap)
    return found


def _said_by_agent(call: CallView, act: str) -> list[Interval]:
    agents = call.speakers(Role.AGENT)
    return [s.span for turn, s in said(call) if turn.speaker in agents and act in call.acts[s.id]]
