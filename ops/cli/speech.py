"""One recording or transcript at a time, without broker and store: ``transcribe``, ``diarize``, ``analyze``."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import ErrorCode, Fatal, Poison
from ops.cli.output import Form, Json, JsonLines, Result, attempt, clock, form_of, write

if TYPE_CHECKING:
    from consumers.analysis.engine import AnalysisEngine
    from infra.audio.waveform import Waveform
    from infra.profiles import Profile
    from infra.settings import Settings

app = typer.Typer()

Recordings = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Recordings.", show_default=False)]
ProfileName = Annotated[
    str | None,
    typer.Option("--profile", "-p", help="Models to use; default: that of the profiles file."),
]


@app.command(epilog="Example: callytics transcribe --profile small --language ko --jsonl call.wav other.mp3")
def transcribe(
    files: Recordings,
    *,
    profile: ProfileName = None,
    language: Annotated[str | None, typer.Option(help="Such as ko or en; default: detect it.")] = None,
    json_lines: JsonLines = False,
    json_array: Json = False,
) -> None:
    """Write what is said in recordings, with the time of each word."""
    form = form_of(json_lines=json_lines, json_array=json_array)
    settings, chosen = _chosen(profile)
    from consumers.transcription.engine import FasterWhisperEngine  # noqa: PLC0415 -- seconds to import

    engine = FasterWhisperEngine()

    def result(file: Path) -> Result:
        waveform = _waveform(file, settings)
        transcript = engine.transcribe(waveform, chosen.transcription, language=language)
        segments = [
            segment.model_dump(mode="json", exclude={"confidence"}) for segment in transcript.segments
        ]
        return {"language": transcript.language, **_audio(waveform), "segments": segments}

    write((attempt({"file": str(file)}, partial(result, file)) for file in files), form, _show_transcript)


@app.command(epilog="Example: callytics diarize --profile small --speakers 2 --jsonl call.wav")
def diarize(
    files: Recordings,
    *,
    profile: ProfileName = None,
    speakers: Annotated[
        int | None, typer.Option(min=1, max=32, help="Their number, where it is known.")
    ] = None,
    json_lines: JsonLines = False,
    json_array: Json = False,
) -> None:
    """Write who speaks when in recordings."""
    form = form_of(json_lines=json_lines, json_array=json_array)
    settings, chosen = _chosen(profile)
    from consumers.diarization.engine import PyannoteEngine  # noqa: PLC0415 -- seconds to import

    engine = PyannoteEngine()

    def result(file: Path) -> Result:
        waveform = _waveform(file, settings)
        found = engine.diarize(waveform, chosen.diarization, speakers=speakers)
        segments = [segment.model_dump(mode="json") for segment in found.segments]
        return {**_audio(waveform), "segments": segments}

    write((attempt({"file": str(file)}, partial(result, file)) for file in files), form, _show_speakers)


@app.command(epilog="Example: callytics analyze --jsonl transcripts.jsonl > documents.jsonl")
def analyze(
    file: Annotated[Path, typer.Argument(help="JSON or JSON Lines; - is standard input.", allow_dash=True)],
    *,
    json_lines: JsonLines = False,
) -> None:
    """Analyse transcripts whose speakers are known, and write their documents.

    Each object has call_id and turns (speaker, start_ms, end_ms, text, optional words), and optionally
    language, direction, channels and roles (speaker to agent, customer or other).
    """
    payloads = _payloads(file)
    from consumers.analysis.engine import AnalysisEngine  # noqa: PLC0415 -- loads the tokenisers
    from infra.settings import Settings  # noqa: PLC0415 -- not needed for --help

    engine = AnalysisEngine(rules_dir=Settings().rules_dir)
    single = len(payloads) == 1 and not json_lines
    documents = (_document(engine, file, line, text) for line, text in payloads)
    form = Form.JSON_LINES if json_lines else Form.TEXT if single else Form.JSON
    write(documents, form, _show_document)


def _chosen(name: str | None) -> "tuple[Settings, Profile]":
    from infra.profiles import load_profiles  # noqa: PLC0415 -- not needed for --help
    from infra.settings import Settings  # noqa: PLC0415 -- the same

    settings = Settings()
    book = load_profiles(settings.profiles_file, model_cache=settings.model_cache)
    try:
        return settings, book.get(name or book.default)
    except Poison as error:
        raise typer.BadParameter(error.message, param_hint="--profile") from None


def _waveform(file: Path, settings: "Settings") -> "Waveform":
    """The recording. Whoever names it on the command line may read it: its own folder is allowed, no other."""
    from infra.audio.load import load_recording  # noqa: PLC0415 -- not needed for --help
    from infra.speech import recording_policy  # noqa: PLC0415 -- the same

    try:
        real = file.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise Poison(ErrorCode.INPUT_MISSING, f"{file} cannot be found: {error}") from error
    return load_recording(str(real), replace(recording_policy(settings), allowed_roots=(real.parent,)))


def _audio(waveform: "Waveform") -> Result:
    return {"duration_ms": waveform.duration_ms, "layout": str(waveform.layout)}


def _payloads(file: Path) -> list[tuple[int, str]]:
    """(line, JSON text) of each object: the whole file when it is one value, else each line that has text."""
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Fatal(ErrorCode.INPUT_MISSING, f"{file} cannot be read: {error}") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not lines:
        raise Fatal(ErrorCode.CONTRACT, f"{file} is empty: give one JSON object, or one a line")
    return [(1, text)] if len(lines) > 1 and _is_json(text) else lines


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _document(engine: "AnalysisEngine", file: Path, line: int, text: str) -> Result:
    from consumers.analysis.transcript import analyse_turns  # noqa: PLC0415 -- not needed for --help

    def work() -> Result:
        try:
            payload = json.loads(text)
        except ValueError as error:
            raise Poison(ErrorCode.DECODE, f"line {line} is no JSON: {error}") from None
        return analyse_turns(engine, payload).model_dump(mode="json")

    result = attempt({"file": str(file), "line": line}, work)
    # A document is written as it is stored; only an error has to say where it comes from.
    return result if "error" in result else {k: v for k, v in result.items() if k not in {"file", "line"}}


def _show_document(document: Result) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _show_transcript(result: Result) -> None:
    rows = [
        (clock(s["start_ms"]), clock(s["end_ms"]), str(s["channel"]), s["text"]) for s in result["segments"]
    ]
    _table(
        f"{_heading(result)}, {result['language'] or 'no speech'}", ("from", "to", "channel", "text"), rows
    )


def _show_speakers(result: Result) -> None:
    rows = [(clock(s["start_ms"]), clock(s["end_ms"]), s["speaker"]) for s in result["segments"]]
    _table(_heading(result), ("from", "to", "speaker"), rows)


def _heading(result: Result) -> str:
    return f"{result['file']}: {clock(result['duration_ms'])}, {result['layout']}"


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from ops.cli.tables import show_table  # noqa: PLC0415 -- not needed for --help

    show_table(title, columns, rows)
