"""Points in time as people write them."""

import re
from datetime import datetime

import typer

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGO = re.compile(r"(\d+)([smhd])")


def moment(text: str, *, now_ms: int) -> int:
    """Milliseconds since the epoch of ``2h`` (ago; s, m, h, d) or of an ISO 8601 time.

    A time without a zone is local. A usage error when it is neither.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now_ms - int(ago[1]) * _UNITS_MS[ago[2]]
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: write 30m, 24h, 3d or 2026-11-24T09:00") from None


def written(at_ms: int) -> str:
    """A time for people, local and to the minute."""
    return datetime.fromtimestamp(at_ms / 1000).astimezone().strftime("%m-%d %H:%M")
