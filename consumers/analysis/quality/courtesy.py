"""What the agent owes the customer and gives: cushions, empathy, apologies, alternatives, repeating back.

``exchange`` says what counts; here it is counted.
"""

from collections.abc import Callable, Iterable, Mapping

from consumers.analysis.act_rules import LANGUAGES
from consumers.analysis.acts import place
from consumers.analysis.quality.courtesy_rules import courtesy_cues
from consumers.analysis.quality.exchange import Exchange, Occasion
from consumers.analysis.skips import Part, skip, without_parties
from consumers.analysis.tables import Tables
from consumers.analysis.view import CallView
from schemas.document import SkipReason
from schemas.quality import Courtesy, Coverage, Finding, Findings
from schemas.records import Role


def versions(tables: Tables) -> Mapping[str, str]:
    """Of each language's cues."""
    return {f"courtesy.{each}": courtesy_cues(tables, each).table.version for each in LANGUAGES}


def courtesy(call: CallView) -> Part:
    """``courtesy`` of ``quality``."""
    reason = call.wordless or without_parties(call, both=True)
    if call.language not in LANGUAGES:
        reason = reason or SkipReason.UNSUPPORTED_LANGUAGE
    if reason is not None:
        return {}, [skip("quality.courtesy", reason)]
    exchange = Exchange(call)
    found = Courtesy(
        cushion=_coverage(exchange.cushions()),
        empathy=_coverage(exchange.empathy()),
        apology=_coverage(exchange.apologies()),
        alternative=_coverage(exchange.alternatives()),
        repeat_back=_coverage(exchange.repeats()),
        negative_phrasing=_findings(exchange, exchange.is_bluntly_negative),
        blame=_findings(exchange, lambda at: "blame" in exchange.acts[at]),
        conflict=_findings(exchange, lambda at: "conflict_phrase" in exchange.acts[at]),
        ownership=_findings(exchange, lambda at: "ownership" in exchange.cues[at]),
        name_use=_findings(exchange, exchange.uses_name),
        promises=sum("promise" in acts for acts in exchange.acts),
        promises_with_time=sum(map(exchange.promises_when, range(len(exchange.agent)))),
    )
    return {"courtesy": found}, []


def _coverage(occasions: Iterable[Occasion]) -> Coverage:
    all_due = list(occasions)
    met = sum(one.met for one in all_due)
    return Coverage(
        due=len(all_due),
        met=met,
        ratio=round(met / len(all_due), 3) if all_due else None,
        missed=tuple(place(*one.first) for one in all_due if not one.met),
    )


def _findings(exchange: Exchange, counts: Callable[[int], bool]) -> Findings:
    found = [Finding(**place(*one).model_dump()) for at, one in enumerate(exchange.agent) if counts(at)]
    total = _sentences_of_agent(exchange.call)
    return Findings(
        count=len(found),
        per_100_sentences=round(100 * len(found) / total, 2) if total else None,
        instances=tuple(found),
    )


def _sentences_of_agent(call: CallView) -> int:
    agents = set(call.speakers(Role.AGENT))
    return sum(len(call.sentences[turn.id]) for turn in call.speech.turns if turn.speaker in agents)
