"""What the exit code says; scripts rely on it."""

from enum import IntEnum

from infra.errors import CallyticsError, Poison


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    SOME_FAILED = 1
    """At least one input failed; the others are done."""
    USAGE = 2
    """The command line is wrong."""
    ENVIRONMENT = 3
    """A server, a model or a file that the command needs cannot be used."""


def exit_of(error: CallyticsError) -> Exit:
    """The exit code of an error that ended a command: the input's fault, else the environment's."""
    return Exit.SOME_FAILED if isinstance(error, Poison) else Exit.ENVIRONMENT
