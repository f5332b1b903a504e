"""``callytics redact-audio``: a recording without the personal data that its document names."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import ErrorCode, Poison
from ops.cli.documents import document_of

if TYPE_CHECKING:
    from infra.audio.encode import Silence
    from schemas.document import CallDocument

app = typer.Typer()

SUFFIXES = (".wav", ".flac")


@app.command(
    name="redact-audio", epilog="Example: callytics redact-audio call.wav document.json --output redacted.wav"
)
def redact_audio(
    recording: Annotated[Path, typer.Argument(help="The recording of the call.")],
    document: Annotated[Path, typer.Argument(help="Its document as JSON: callytics show CALL_ID --json.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="A new .wav or .flac file.")],
    all_channels: Annotated[
        bool, typer.Option("--all-channels", help="Mute every channel, not only the speaker's.")
    ] = False,
) -> None:
    """Write a copy of a recording in which the spans of personal data are muted.

    Rate and channels stay. Where each party has a channel of its own, only the speaking party's is muted.
    """
    if output.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter("the file must end in .wav or .flac", param_hint="--output")
    from infra.audio.encode import write_muted  # noqa: PLC0415 -- not needed for --help

    silences = _silences(document_of(document), all_channels=all_channels)
    write_muted(_bytes(recording), output, silences)
    typer.echo(f"{output}: {len(silences)} spans muted")


def _silences(document: "CallDocument", *, all_channels: bool) -> "list[Silence]":
    """What to mute; Poison for a document whose words were never searched for personal data."""
    from infra.audio.encode import Silence  # noqa: PLC0415 -- as above
    from schemas.personal_data import RedactionAction  # noqa: PLC0415 -- as above

    unsearched = [s for s in document.skipped if s.feature in {"pii", "turns.text"}]
    if unsearched or "pii.policy" not in document.provenance.versions:
        why = unsearched[0].message if unsearched else "it was analysed before there was such a search"
        raise Poison(
            ErrorCode.CONTRACT, f"this document tells nothing of personal data: {why}; analyse the call again"
        )
    return [
        Silence(start_ms=found.start_ms, end_ms=found.end_ms, channel=None if all_channels else found.channel)
        for found in document.pii
        if found.action is not RedactionAction.KEEP
    ]


def _bytes(recording: Path) -> bytes:
    """The recording. Whoever names it may read it: its own folder is allowed, no other."""
    from infra.audio.sources import read_recording  # noqa: PLC0415 -- as above
    from infra.settings import Settings  # noqa: PLC0415 -- as above
    from infra.speech import recording_policy  # noqa: PLC0415 -- as above

    real = recording.resolve()
    return read_recording(str(real), replace(recording_policy(Settings()), allowed_roots=(real.parent,)))
