"""Where an exception comes from, without what it says: its text may quote the customer."""

from types import TracebackType


def innermost(error: BaseException) -> str:
    """The function and line that raised."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return place(traceback) if traceback is not None else "an unknown place"


def place(traceback: TracebackType) -> str:
    """One frame: function and line."""
    return f"{traceback.tb_frame.f_code.co_qualname}, line {traceback.tb_lineno}"
