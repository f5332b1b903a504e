"""``callytics rules``: check rule files, and try one on calls."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import ErrorCode, Fatal, Poison
from ops.cli.exits import Exit
from ops.cli.output import JsonLines, Result, clock

if TYPE_CHECKING:
    from consumers.analysis.rule_files import RuleFile
    from schemas.document import CallDocument, Sentence, Turn

app = typer.Typer(help="Lexicons and rules: check a file, try it on calls.", no_args_is_help=True)

RuleFiles = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rule files.", show_default=False)]
SHOWN_ENTRIES = ("acts", "profanity", "sentiment")


@app.command(epilog="Example: callytics rules check rules/categories.yaml rules/acme/acts.ko.yaml")
def check(files: RuleFiles) -> None:
    """Check rule files; errors as file:line:column. Exit 1 when one is wrong.

    A file's kind is told by its name (categories.yaml, acts.ko.yaml) or by kind: at its top.
    """
    from consumers.analysis.rule_files import read  # noqa: PLC0415 -- keeps --help fast

    read_files = [read(file) for file in files]
    for file in read_files:
        for complaint in file.complaints:
            typer.echo(complaint.at(str(file.path)), err=True)
        if file.table is not None:
            typer.echo(f"{file.path}: {file.kind}, version {getattr(file.table, 'version', '-')}: no errors")
    if any(file.complaints for file in read_files):
        raise typer.Exit(Exit.SOME_FAILED)


@app.command("test", epilog="Example: callytics rules test rules/categories.yaml --calls transcripts/")
def try_out(
    file: Annotated[Path, typer.Argument(help="A rule file.", show_default=False)],
    *,
    calls: Annotated[
        Path,
        typer.Option(help="Folder of inputs of `callytics analyze`: *.json, *.jsonl.", show_default=False),
    ],
    json_lines: JsonLines = False,
) -> None:
    """Analyse a folder of calls with a rule file in place of the shipped one, and write what matches, where."""
    from consumers.analysis.rule_files import sound  # noqa: PLC0415 -- keeps --help fast

    rules = sound(file)
    counts: dict[str, set[str]] = {}
    number = 0
    for number, document in enumerate(_documents(rules, calls), start=1):  # noqa: B007 -- it is told below
        for match in _matches(document, rules.kind):
            counts.setdefault(match["rule"], set()).add(document.call_id)
            typer.echo(json.dumps(match, ensure_ascii=False) if json_lines else _line(match))
    for rule, matched in sorted(counts.items()):
        typer.echo(f"{rule}: {len(matched)} of {number} calls", err=True)
    if not counts:
        typer.echo(f"nothing matches in {number} calls", err=True)


def _documents(rules: "RuleFile", folder: Path) -> "Iterator[CallDocument]":
    from consumers.analysis.engine import AnalysisEngine  # noqa: PLC0415 -- loads the tokenisers
    from consumers.analysis.tables import Tables  # noqa: PLC0415 -- the same
    from consumers.analysis.transcript import analyse_turns  # noqa: PLC0415 -- the same

    inputs = sorted(path for path in folder.glob("*.json*") if path.suffix in {".json", ".jsonl"})
    if not inputs:
        raise Fatal(
            ErrorCode.INPUT_MISSING, f"{folder} holds no *.json and no *.jsonl; give a folder of calls"
        )
    engine = AnalysisEngine(tables=Tables(replaced={rules.name: rules.path}))
    for path in inputs:
        for payload in _payloads(path):
            yield analyse_turns(engine, payload)


def _payloads(path: Path) -> Iterator[object]:
    text = path.read_text(encoding="utf-8")
    values = [text] if path.suffix == ".json" else [line for line in text.splitlines() if line.strip()]
    for number, value in enumerate(values, start=1):
        try:
            yield json.loads(value)
        except ValueError as error:
            raise Poison(ErrorCode.DECODE, f"{path}: call {number} is no JSON") from error


def _matches(document: "CallDocument", kind: str) -> Iterator[Result]:
    """What the rules of a kind found in a call: rule, place and words of each piece of evidence."""
    if kind == "categories":
        yield from _categories(document)
    elif kind == "roles":
        for participant in document.participants:
            yield {
                "call_id": document.call_id,
                "rule": participant.role.value,
                "speaker": participant.speaker,
            }
    elif kind in SHOWN_ENTRIES:
        for turn in document.turns:
            for sentence in turn.sentences:
                for rule in _of_sentence(document, sentence, kind):
                    yield _match(document, rule, turn, sentence)
    else:
        raise Fatal(
            ErrorCode.CONTRACT,
            f"rules of the kind {kind} show nothing here; use `callytics analyze` with CALLYTICS_RULES_DIR",
        )


def _categories(document: "CallDocument") -> Iterator[Result]:
    places = {s.id: (turn, s) for turn in document.turns for s in turn.sentences}
    for category in document.categories:
        if not category.evidence:
            yield {"call_id": document.call_id, "rule": category.name}
        for evidence in category.evidence:
            if evidence.sentence_id in places:
                yield _match(document, category.name, *places[evidence.sentence_id])
            else:
                span = {"start_ms": evidence.start_ms, "end_ms": evidence.end_ms}
                yield {"call_id": document.call_id, "rule": category.name, **span}


def _of_sentence(document: "CallDocument", sentence: "Sentence", kind: str) -> Iterable[str]:
    if kind == "acts":
        return [act for act in sentence.acts if act != "profanity"]
    if kind == "profanity":
        return [f"tier {found.tier}" for found in document.profanity if found.sentence_id == sentence.id]
    return [evidence.entry for evidence in (sentence.sentiment.evidence if sentence.sentiment else ())]


def _match(document: "CallDocument", rule: str, turn: "Turn", sentence: "Sentence") -> Result:
    return {
        "call_id": document.call_id,
        "rule": rule,
        "turn_id": turn.id,
        "role": turn.role.value,
        "start_ms": sentence.start_ms,
        "end_ms": sentence.end_ms,
        "text": sentence.text.strip(),
    }


def _line(match: Result) -> str:
    """A match for people: call, rule, when, who, what."""
    when = clock(match["start_ms"]) if "start_ms" in match else "-"
    who = match.get("role") or match.get("speaker") or "-"
    return f"{match['call_id']}  {match['rule']}  {when}  {who}  {match.get('text', '')}".rstrip()
