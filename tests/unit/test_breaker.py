"""The breaker: a bad deploy pours no topic into the dead letters, a few bad calls stop no service."""

import asyncio

import pytest

from infra.bus.breaker import Breaker, BreakerRules, BreakerState

RULES = BreakerRules(consecutive=5, ratio=0.5, window=8, pause_s=10)


class Rig:
    """A breaker with a clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.changes: list[BreakerState] = []
        self.breaker = Breaker(RULES, on_change=self.changes.append, clock=lambda: self.now_s)

    def see(self, outcomes: str) -> BreakerState:
        for outcome in outcomes:
            (self.breaker.succeeded if outcome == "+" else self.breaker.failed)()
        return self.breaker.state


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("----", BreakerState.CLOSED),
        ("-----", BreakerState.OPEN),
        ("----+----", BreakerState.OPEN),
        ("+-+-+-+", BreakerState.CLOSED),
        ("+++++++--+", BreakerState.CLOSED),
        ("++++----", BreakerState.OPEN),
    ],
)
def test_it_opens_after_so_many_in_a_row_or_such_a_share_of_a_full_window(
    outcomes: str, state: BreakerState
) -> None:
    assert Rig().see(outcomes) is state


def test_open_takes_nothing_half_open_takes_one_and_one_success_closes() -> None:
    rig = Rig()
    assert rig.breaker.limit(8) == 8
    rig.see("-----")
    assert rig.breaker.limit(8) == 0
    rig.see("+")
    assert rig.breaker.state is BreakerState.OPEN, "an older call that succeeds proves nothing"
    rig.now_s = 10
    assert rig.breaker.limit(8) == 1
    rig.see("+")
    assert rig.breaker.limit(8) == 8
    assert rig.changes == [BreakerState.OPEN, BreakerState.CLOSED]


def test_a_failure_while_half_open_starts_the_pause_anew() -> None:
    rig = Rig()
    rig.see("-----")
    rig.now_s = 10
    rig.see("-")
    assert rig.breaker.state is BreakerState.OPEN
    rig.now_s = 20
    assert rig.breaker.state is BreakerState.HALF_OPEN


async def test_one_call_at_a_time_tries() -> None:
    rig = Rig()
    trying, most = 0, 0

    async def attempt() -> None:
        nonlocal trying, most
        async with rig.breaker.trial():
            trying += 1
            most = max(most, trying)
            await asyncio.sleep(0)
            trying -= 1

    await asyncio.gather(*(attempt() for _ in range(5)))
    assert most == 1
