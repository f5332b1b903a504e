"""One embedded stack for all tests of the store, a database for each."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from infra.settings import Settings
from infra.stack import EmbeddedStack
from infra.store import Store


@pytest.fixture(scope="session")
def stack() -> Iterator[EmbeddedStack]:
    """Servers that go on running: a test that stops one has a stack of its own."""
    with EmbeddedStack() as running:
        yield running


@pytest.fixture
def settings(stack: EmbeddedStack, request: pytest.FixtureRequest) -> Settings:
    """Each test has a database of its own."""
    database = f"t{abs(hash(request.node.nodeid)):x}"[:30]
    return Settings(mongo_url=SecretStr(stack.addresses.mongo_url), mongo_database=database)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """A store that is ready for use."""
    store = Store(settings)
    await store.prepare()
    yield store
    store.close()
