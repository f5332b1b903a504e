"""The fence between an old assignment and a new one: who lost a partition must not act for it any more."""

from collections.abc import Callable

Fence = Callable[[], bool]
"""Whether this member still holds the record's partition, or holds it again."""


class Superseded(Exception):  # noqa: N818 -- it is no fault: another member does the record again
    """The partition was given up while the record was worked on; nothing may be published for it."""
