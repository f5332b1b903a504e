"""A replay finds its calls on real servers, in whichever framing they were published."""

import asyncio

import pytest

from infra.envelope import now_ms
from infra.real_stack import RealStack
from infra.settings import Settings
from infra.store import Selection
from ops.cli.publish import publish_events
from ops.local import prepare
from producers.call_ended import request_from
from producers.replay import ALL, select

pytestmark = pytest.mark.real


@pytest.mark.parametrize("framing", ["registry", "single-object"])
def test_a_published_call_is_found(real_stack: RealStack, framing: str) -> None:
    """Passed over as unreadable it would be left out of the replay without a word."""
    settings = Settings.model_validate(real_stack.addresses.settings())
    prepare(settings)
    publisher = settings if framing == "registry" else settings.model_copy(update={"registry_url": None})
    call_id = f"replayed-{framing}"
    event = request_from({"call_id": call_id, "recording": "/nowhere.wav"}, where="test").event()
    asyncio.run(publish_events([event], publisher))
    selection = Selection(stage=ALL, call_ids=(call_id,), until_ms=now_ms() + 60_000)
    found = asyncio.run(select(selection, settings))
    assert set(found) == {("default", call_id)}
