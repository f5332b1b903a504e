"""Personal data out of error texts, which travel in headers and logs: long numbers and e-mail addresses."""

import re

from infra.errors import CallyticsError

_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\+?\d(?:[ .\-]?\d){5,}")
MASK = "***"
_SEE_DOCUMENT = "the recording; the call's document says what is wrong: callytics show CALL_ID"


def scrubbed(text: str) -> str:
    """The text with e-mail addresses and runs of six or more digits masked."""
    return _PERSONAL.sub(MASK, text)


def loggable(error: CallyticsError) -> str:
    """An error's message for the log, unless it names the recording: file names often hold telephone numbers."""
    return _SEE_DOCUMENT if error.code.startswith("input") else scrubbed(error.message)
