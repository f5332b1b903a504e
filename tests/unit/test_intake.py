"""What may be taken on: the bound, the due times of retries, replays behind live calls."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from infra.bus.intake import Intake
from infra.bus.ledger import Partition
from schemas.topics import CALLS_ENDED, RETRIES, Lane, replay_topic

LIVE = Partition(CALLS_ENDED.name, 0)
RETRY = Partition(RETRIES[0].name, 0)
REPLAY = Partition(replay_topic(CALLS_ENDED).name, 0)
ALL = (LIVE, RETRY, REPLAY)
LANES = {LIVE: Lane.LIVE, RETRY: Lane.RETRY, REPLAY: Lane.REPLAY}
BOUND, REPLAYS = 4, 2


class IntakeMachine(RuleBasedStateMachine):
    """Records arrive on three lanes, end in any order, time passes: every retry is taken, none before it is due."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self.intake = Intake(limit=lambda: BOUND, max_replays=REPLAYS, clock_ms=lambda: self.now_ms)
        self.in_flight = dict.fromkeys(Lane, 0)
        self.queue: list[int] = []
        self.last_due_ms = 0

    @rule(delay=st.integers(0, 50))
    def postpone(self, delay: int) -> None:
        """Records of one tier come due in the order in which they were sent."""
        self.last_due_ms = max(self.last_due_ms, self.now_ms + delay)
        self.queue.append(self.last_due_ms)

    @rule(partition=st.sampled_from([LIVE, REPLAY]))
    def arrive(self, partition: Partition) -> None:
        if partition in self.intake.closed(ALL):
            return
        if self.intake.admits(partition, ()):
            self._enter(LANES[partition])

    @precondition(lambda self: self.queue)
    @rule()
    def poll_retry(self) -> None:
        if RETRY in self.intake.closed(ALL):
            return
        due_ms = self.queue[0]
        if self.intake.admits(RETRY, [("x-not-before", b"%d" % due_ms)]):
            assert due_ms <= self.now_ms, "taken before it was due"
            self.queue.pop(0)
            self._enter(Lane.RETRY)
        else:
            assert due_ms > self.now_ms

    @rule(lane=st.sampled_from([Lane.LIVE, Lane.RETRY, Lane.REPLAY]))
    def end(self, lane: Lane) -> None:
        if self.in_flight[lane]:
            self.in_flight[lane] -= 1
            self.intake.leave(lane)

    @rule(passed=st.integers(1, 60))
    def wait(self, passed: int) -> None:
        self.now_ms += passed

    def _enter(self, lane: Lane) -> None:
        if lane is Lane.REPLAY:
            assert self.in_flight[Lane.LIVE] == self.in_flight[Lane.RETRY] == 0, "a live call waits"
        self.in_flight[lane] += 1
        self.intake.enter(lane)

    @invariant()
    def the_bound_holds(self) -> None:
        assert self.intake.in_flight == sum(self.in_flight.values()) <= BOUND
        assert self.in_flight[Lane.REPLAY] <= REPLAYS

    @invariant()
    def a_partition_is_closed_only_for_a_reason(self) -> None:
        closed = self.intake.closed(ALL)
        if self.intake.free:
            assert LIVE not in closed
            assert RETRY not in closed or (self.queue and self.queue[0] > self.now_ms)

    def teardown(self) -> None:
        """Whatever happened, every postponed record is taken on in the end."""
        for lane, count in self.in_flight.items():
            for _ in range(count):
                self.intake.leave(lane)
        self.now_ms = max(self.now_ms, self.last_due_ms)
        for due_ms in self.queue:
            assert RETRY not in self.intake.closed(ALL)
            assert self.intake.admits(RETRY, [("x-not-before", b"%d" % due_ms)])


TestIntakeMachine = IntakeMachine.TestCase
TestIntakeMachine.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, derandomize=True
)


def test_nothing_is_taken_on_while_the_limit_says_so() -> None:
    """An open breaker's limit is 0: every partition is closed, whatever is in flight."""
    limit = BOUND
    intake = Intake(limit=lambda: limit, max_replays=REPLAYS, clock_ms=lambda: 0)
    assert intake.closed(ALL) == set()
    limit = 0
    assert intake.closed(ALL) == set(ALL)
    assert not intake.admits(LIVE, ())


def test_a_record_of_a_retry_topic_without_a_time_is_due() -> None:
    """Whoever put it there by hand wants it tried."""
    intake = Intake(limit=lambda: BOUND, max_replays=REPLAYS, clock_ms=lambda: 0)
    assert intake.admits(RETRY, ())
    assert intake.admits(RETRY, [("x-not-before", b"soon")])


def test_a_partition_given_up_is_forgotten() -> None:
    intake = Intake(limit=lambda: BOUND, max_replays=REPLAYS, clock_ms=lambda: 0)
    assert not intake.admits(RETRY, [("x-not-before", b"9")])
    assert RETRY in intake.closed(ALL)
    intake.forget(RETRY)
    assert RETRY not in intake.closed(ALL)
