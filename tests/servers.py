"""The real servers, one set for all tests of a session."""

import os
from collections.abc import Iterator

import pytest

from infra.maven import how_to_install, missing_tools
from infra.real_stack import RealStack


@pytest.fixture(scope="session")
def real_stack() -> Iterator[RealStack]:
    """Apache Kafka, the durable store and a registry, started when a test first asks for them.

    Without ``java`` and ``mvn`` the tests are skipped, with the reason; in CI, which has to have them, they fail.
    A test that stops a server starts it again. The store's commands can be made to fail (``configureFailPoint``).
    """
    if missing := missing_tools():
        reason = f"{' and '.join(missing)} missing: {how_to_install(missing)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with RealStack(test_commands=True) as stack:
        yield stack
