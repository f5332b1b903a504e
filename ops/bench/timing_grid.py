"""The timing of a labelled dialogue, reckoned on a grid of one millisecond and by nothing of the analysis.

What needs judgement is the author's: which turns are backchannels, interrupt or cut off, which pauses call for a
backchannel, which gaps are announced. The grid only measures what the labels name, one sample after the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.records import Record

Grid = NDArray[np.bool_]
Edges = tuple[int, int]
Truth = dict[str, Any]
Rates = list[list[Any]]

PARTIES = ("agent", "customer")


class LabelledTurn(Record):
    """A turn with the times of its words, and what its author says of it.

    ``backchannel``, ``interrupts`` and ``cuts_off`` are about the turn; ``after_…`` about the gap or pause before
    it; ``…@ms`` about a pause or gap within it that begins at that time. ``syllables``: as a Korean reads it aloud.
    """

    speaker: str
    words: tuple[tuple[str, int, int], ...]
    syllables: int | None = None
    labels: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is said."""
        return " ".join(word for word, _, _ in self.words)

    @property
    def edges(self) -> Edges:
        """From its first word to its last."""
        return self.words[0][1], self.words[-1][2]


class Dialogue(Record):
    """A labelled dialogue; ``truth`` is what ``reckon`` makes of it, kept in the file for readers."""

    id: str
    language: str
    channels: int
    roles: Mapping[str, str]
    turns: tuple[LabelledTurn, ...]
    truth: Mapping[str, Any] = {}

    def of(self, party: str) -> list[LabelledTurn]:
        """The turns of a party."""
        return [turn for turn in self.turns if self.roles[turn.speaker] == party]


def reckon(dialogue: Dialogue) -> Truth:
    """Every metric of the dialogue, ratios and rates rounded as the document has them."""
    size = max(turn.edges[1] for turn in dialogue.turns)
    start = min(turn.edges[0] for turn in dialogue.turns)
    talk = {party: _talk(dialogue.of(party), size) for party in PARTIES}
    return (
        _shares(talk, start, size)
        | _silence(dialogue, talk, start, size)
        | _turn_taking(dialogue, talk, size - start)
        | _listening(dialogue, talk)
        | _rates(dialogue)
        | {"monologue": [_monologue(talk, party, start) for party in PARTIES]}
        | {"first_response": min(turn.edges[0] for turn in dialogue.of("agent"))}
        | {"reliability": "high" if dialogue.channels > 1 else "low"}
    )


def _spread(spans: Sequence[Edges], size: int, *, closing: int) -> Grid:
    """Samples that any of the spans covers, with gaps of up to ``closing`` samples filled."""
    grid = np.zeros(size, dtype=bool)
    for start, end in spans:
        grid[start:end] = True
    for start, end in _runs(~grid):
        if start > 0 and end < size and end - start <= closing:
            grid[start:end] = True
    return grid


def _runs(grid: Grid) -> list[Edges]:
    """Where a grid is true, from edge to edge."""
    steps = np.flatnonzero(np.diff(np.concatenate(([0], grid.astype(np.int8), [0]))))
    return [(int(start), int(end)) for start, end in zip(steps[::2], steps[1::2], strict=True)]


def _talk(turns: Sequence[LabelledTurn], size: int) -> Grid:
    grid = _spread([(a, b) for turn in turns for _, a, b in turn.words], size, closing=300)
    for start, end in _runs(grid):
        if end - start < 150:  # noqa: PLR2004 -- an island, as the definition has it
            grid[start:end] = False
    return grid


def _shares(talk: Mapping[str, Grid], start: int, size: int) -> Truth:
    agent, customer = (int(talk[party].sum()) for party in PARTIES)
    both, any_talk = (
        int(g.sum()) for g in (talk["agent"] & talk["customer"], talk["agent"] | talk["customer"])
    )
    duration = size - start
    return {
        "duration": duration,
        "talk_time": [agent, customer],
        "talk_share": round(agent / (agent + customer), 4),
        "talk_share_of_duration": [round(agent / duration, 4), round(customer / duration, 4)],
        "overlap": [both, round(both / any_talk, 4)],
    }


def _silence(dialogue: Dialogue, talk: Mapping[str, Grid], start: int, size: int) -> Truth:
    silent = ~(talk["agent"] | talk["customer"])
    silent[:start] = False
    gaps = [[a, b] for a, b in _runs(silent) if b - a > 3000]  # noqa: PLR2004 -- by definition
    long = [b - a for a, b in gaps if b - a > 5000]  # noqa: PLR2004 -- by definition
    lengths = [b - a for a, b in gaps]
    holds = set(_labelled_ends(dialogue, "hold"))
    return {
        "non_talk": [
            len(gaps),
            sum(lengths),
            max(lengths, default=0),
            round(sum(lengths) / (size - start), 4),
        ],
        "long_gaps": [len(long), sum(long)],
        "hold": [gap for gap in gaps if gap[1] in holds],
        "dead_air": [gap for gap in gaps if gap[1] in set(_labelled_ends(dialogue, "dead_air"))],
    }


def _labelled_ends(dialogue: Dialogue, label: str) -> Iterator[int]:
    """When the gaps and pauses end that bear a label."""
    for turn in dialogue.turns:
        if f"after_{label}" in turn.labels:
            yield turn.edges[0]
        for own in turn.labels:
            name, _, at = own.partition("@")
            if name == label and at:
                yield min(a for _, a, _ in turn.words if a > int(at))


def _turn_taking(dialogue: Dialogue, talk: Mapping[str, Grid], duration: int) -> Truth:
    overlaps = {party: _overlaps(dialogue, talk, party, "interrupts") for party in PARTIES}
    changes = list(_changes(dialogue, talk))
    waits = [[start - end for who, end, start in changes if who == party] for party in PARTIES]
    lengths = [turn.edges[1] - turn.edges[0] for turn in dialogue.turns]
    return {
        "interruptions": [[list(o[:2]) for o in overlaps[party]] for party in PARTIES],
        "interruptions_per_minute": [_per_minute(len(overlaps[party]), duration, 2) for party in PARTIES],
        "cut_offs": [
            [[start, silence] for start, _, silence in _overlaps(dialogue, talk, party, "cuts_off")]
            for party in PARTIES
        ],
        "latency": [_quantiles(party) for party in waits],
        "turns": [len(lengths), round(sum(lengths) / len(lengths))],
        "switches": [len(changes), _per_minute(len(changes), duration, 2)],
    }


def _overlaps(
    dialogue: Dialogue, talk: Mapping[str, Grid], party: str, label: str
) -> list[tuple[int, int, int]]:
    """Start of each turn of a party that bears a label, end of the overlap, and when the other falls silent."""
    other = talk[PARTIES[party == "agent"]]
    found = []
    for turn in dialogue.of(party):
        if label in turn.labels:
            start = turn.edges[0]
            both = np.flatnonzero(~(talk[party] & other)[start:])
            silence = np.flatnonzero(~other[start:])
            end = talk[party].size
            found.append(
                (
                    start,
                    start + int(both[0]) if both.size else end,
                    start + int(silence[0]) if silence.size else end,
                )
            )
    return found


def _changes(dialogue: Dialogue, talk: Mapping[str, Grid]) -> Iterator[tuple[str, int, int]]:
    """Each floor change: who gets the floor, when the other one ended, when they began."""
    signs = {turn.edges for turn in dialogue.turns if "backchannel" in turn.labels}
    runs = sorted((start, end, party) for party in PARTIES for start, end in _runs(talk[party]))
    last: tuple[int, int, str] | None = None
    for start, end, party in runs:
        other = talk[PARTIES[party == "agent"]]
        if (start, end) in signs or other[start:end].all():
            continue
        if last is not None and last[2] != party:
            yield party, last[1], start
        last = (start, end, party)


def _quantiles(waits: Sequence[int]) -> list[int]:
    if not waits:
        return [0, 0, 0]
    return [round(float(np.percentile(waits, q))) for q in (50, 90)] + [len(waits)]


def _listening(dialogue: Dialogue, talk: Mapping[str, Grid]) -> Truth:
    found: Truth = {"backchannels": [], "opportunities": []}
    for party, other in zip(PARTIES, reversed(PARTIES), strict=True):
        signs = sum("backchannel" in turn.labels for turn in dialogue.of(party))
        found["backchannels"].append([signs, _per_minute(signs, int(talk[other].sum()), 2)])
        names = [label.split("@")[0] for turn in dialogue.of(other) for label in turn.labels]
        covered = names.count("covered") + names.count("after_covered")
        missed = names.count("opportunity") + names.count("after_opportunity")
        found["opportunities"].append([covered + missed, covered])
    return found


def _rates(dialogue: Dialogue) -> Truth:
    speech: Rates = []
    speaking: Rates = []
    for party in PARTIES:
        turns = dialogue.of(party)
        size = max(turn.edges[1] for turn in turns)
        words = [(a, b) for turn in turns for _, a, b in turn.words]
        voiced = int(_spread(words, size, closing=250).sum())
        spoken = int(_spread([turn.edges for turn in turns], size, closing=0).sum())
        for rates, time in ((speech, voiced), (speaking, spoken)):
            syllables = sum(turn.syllables or 0 for turn in turns) if dialogue.language == "ko" else None
            per_minute = None if syllables is None else _per_minute(syllables, time, 1)
            rates.append([per_minute, _per_minute(len(words), time, 1), time])
    pace = [rate[0] if rate[0] is not None else rate[1] for rate in speech]
    gap = round((pace[0] - pace[1]) / pace[1], 4)
    return {"speech_rate": speech, "speaking_rate": speaking, "rate_gap": gap}


def _monologue(talk: Mapping[str, Grid], party: str, start: int) -> int:
    alone = ~talk[PARTIES[party == "agent"]]
    alone[:start] = False
    own = [np.flatnonzero(talk[party][a:b]) for a, b in _runs(alone)]
    return max((int(heard[-1] - heard[0]) + 1 for heard in own if heard.size), default=0)


def _per_minute(count: int, time_ms: int, digits: int) -> float:
    return round(count * 60_000 / time_ms, digits)
