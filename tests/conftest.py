"""What holds for every test."""

import os

import pytest

from tests.servers import real_stack  # noqa: F401 -- a fixture of several folders

_OURS = ("CALLYTICS_", "OTEL_")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the settings of the machine that it runs on."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)
