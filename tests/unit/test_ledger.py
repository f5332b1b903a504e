"""Which offsets may be committed, against the mistakes that other trackers are known for."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from infra.bus.ledger import Ledger, Partition, Ticket

P = Partition("calls.ended", 0)
Q = Partition("calls.ended", 1)
partitions = st.sampled_from([P, Q])


class LedgerMachine(RuleBasedStateMachine):
    """Assignments, calls that end in any order, and calls that end after their assignment did.

    The model keeps, for each partition that is held, every offset taken on in order and whether it is done.
    """

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.held: dict[Partition, dict[int, bool]] = {}
        self.next_offset = dict.fromkeys((P, Q), 0)
        self.current: set[Ticket] = set()
        self.early: dict[Partition, set[int]] = {P: set(), Q: set()}

    @rule(partition=partitions)
    def assign(self, partition: Partition) -> None:
        self.ledger.assign(partition)
        self._forget(partition)
        self.held[partition] = {}

    @rule(partition=partitions)
    def revoke(self, partition: Partition) -> None:
        self.ledger.revoke(partition)
        self._forget(partition)

    def _forget(self, partition: Partition) -> None:
        self.held.pop(partition, None)
        self.next_offset[partition] = 0
        self.early[partition] = set()
        self.current = {ticket for ticket in self.current if ticket.partition != partition}

    @rule(target=tickets, partition=partitions, gap=st.integers(0, 3))
    def start(self, partition: Partition, gap: int) -> object:
        offset = self.next_offset[partition] + gap
        ticket = self.ledger.start(partition, offset)
        if partition not in self.held:
            assert ticket is None
            return multiple()
        self.next_offset[partition] = offset + 1
        if offset in self.early[partition]:
            assert ticket is None, "it was done before it came again"
            self.held[partition][offset] = True
            return multiple()
        assert ticket is not None
        self.held[partition][offset] = False
        self.current.add(ticket)
        return ticket

    @rule(partition=partitions, back=st.integers(1, 4))
    def deliver_again(self, partition: Partition, back: int) -> None:
        """An offset that was taken on already, or that lies before one, is not taken on twice."""
        offset = self.next_offset[partition] - back
        if offset >= 0:
            assert self.ledger.start(partition, offset) is None

    @rule(ticket=consumes(tickets))
    def complete(self, ticket: Ticket) -> None:
        before = self.ledger.committable()
        is_current = ticket in self.current
        assert self.ledger.complete(ticket) is is_current
        if is_current:
            self.held[ticket.partition][ticket.offset] = True
        else:
            assert self.ledger.committable() == before
            if ticket.partition in self.held and ticket.offset >= self.next_offset[ticket.partition]:
                self.early[ticket.partition].add(ticket.offset)

    @rule()
    def commit(self) -> None:
        self.ledger.committed(self.ledger.committable())
        assert self.ledger.committable() == {}

    @invariant()
    def commits_stop_before_the_first_unfinished_offset(self) -> None:
        for partition, offset in self.ledger.committable().items():
            undone = [taken for taken, done in self.held[partition].items() if not done]
            assert offset <= min(undone, default=offset)

    @invariant()
    def a_finished_prefix_is_committable_to_its_end(self) -> None:
        for partition, offsets in self.held.items():
            state = self.ledger._assignments[partition]
            undone = [taken for taken, done in offsets.items() if not done]
            end = max(offsets) + 1 if offsets else None
            expected = min(undone) if undone else end
            assert self.ledger.committable().get(partition, state.committed) == expected

    @invariant()
    def unfinished_offsets_are_counted(self) -> None:
        for partition in (P, Q):
            undone = [done for done in self.held.get(partition, {}).values() if not done]
            assert self.ledger.unfinished(partition) == len(undone)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, derandomize=True
)


def _started(ledger: Ledger, *offsets: int) -> list[Ticket]:
    tickets = [ledger.start(P, offset) for offset in offsets]
    assert None not in tickets
    return [ticket for ticket in tickets if ticket is not None]


def _assigned() -> Ledger:
    ledger = Ledger()
    ledger.assign(P)
    return ledger


def test_nothing_that_was_merely_taken_on_moves_the_commit() -> None:
    """Committable is the first incomplete offset, not the highest seen (parallel-consumer 826)."""
    ledger = _assigned()
    first, second, third = _started(ledger, 10, 11, 12)
    ledger.complete(third)
    assert ledger.committable() == {P: 10}
    ledger.complete(first)
    assert ledger.committable() == {P: 11}
    ledger.complete(second)
    assert ledger.committable() == {P: 13}


def test_no_commit_across_a_gap_at_the_head() -> None:
    """However many later calls are done, the head that is not done holds the commit (Faust 355)."""
    ledger = _assigned()
    head, *rest = _started(ledger, *range(5, 105))
    for ticket in rest:
        ledger.complete(ticket)
    assert ledger.committable() == {P: 5}
    ledger.complete(head)
    assert ledger.committable() == {P: 105}


def test_what_is_confirmed_is_what_was_sent_and_not_what_has_grown_since() -> None:
    """A commit stands for the offsets it was sent with: progress during it is still to commit (894)."""
    ledger = _assigned()
    first, second = _started(ledger, 0, 1)
    ledger.complete(first)
    sent = ledger.committable()
    ledger.complete(second)
    assert sent == {P: 1}
    ledger.committed(sent)
    assert ledger.committable() == {P: 2}


def test_a_commit_that_failed_is_offered_again() -> None:
    ledger = _assigned()
    (ticket,) = _started(ledger, 3)
    ledger.complete(ticket)
    assert ledger.committable() == ledger.committable() == {P: 4}


def test_consumption_goes_on_after_a_rebalance() -> None:
    """The same offset may be taken on in the next assignment, which is not thought done (857)."""
    ledger = _assigned()
    _started(ledger, 7)
    ledger.revoke(P)
    assert ledger.start(P, 7) is None
    ledger.assign(P)
    assert ledger.committable() == {}
    (again,) = _started(ledger, 7)
    assert ledger.complete(again)
    assert ledger.committable() == {P: 8}


def test_a_late_completion_of_an_old_epoch_changes_nothing() -> None:
    """A partition that comes straight back is a new epoch: its old tickets are void (PostHog 68804)."""
    ledger = _assigned()
    (old,) = _started(ledger, 7)
    ledger.revoke(P)
    ledger.assign(P)
    (new,) = _started(ledger, 7)
    assert not ledger.complete(old)
    assert ledger.committable() == {P: 7}
    assert ledger.unfinished(P) == 1
    assert ledger.complete(new)


def test_an_assignment_without_a_revocation_is_a_new_epoch_too() -> None:
    """A member that was thrown out is assigned again without having been told of the loss."""
    ledger = _assigned()
    (old,) = _started(ledger, 7)
    ledger.assign(P)
    assert not ledger.complete(old)
    assert ledger.committable() == {}


def test_only_partitions_that_grew_are_named_in_a_commit() -> None:
    """Explicit offsets for the partitions concerned, never all positions (FastStream's ack)."""
    ledger = _assigned()
    ledger.assign(Q)
    (ticket,) = _started(ledger, 0)
    assert Q not in ledger.committable()
    ledger.complete(ticket)
    assert ledger.committable() == {P: 1}
    ledger.committed({P: 1})
    assert ledger.committable() == {}


def test_offsets_may_have_gaps() -> None:
    """Transaction markers and compaction leave holes: the next offset to read is the last done plus one."""
    ledger = _assigned()
    first, second = _started(ledger, 0, 5)
    ledger.complete(first)
    assert ledger.committable() == {P: 5}
    ledger.complete(second)
    assert ledger.committable() == {P: 6}


def test_a_commit_that_comes_back_after_the_revocation_is_ignored() -> None:
    ledger = _assigned()
    (ticket,) = _started(ledger, 0)
    ledger.complete(ticket)
    sent = ledger.committable()
    ledger.revoke(P)
    ledger.committed(sent)
    assert ledger.committable() == {}


def test_work_that_ends_after_its_partition_came_back_is_done_when_its_record_comes_again() -> None:
    """A call is adopted and not started twice, even if its record was not delivered again yet."""
    ledger = _assigned()
    (first, second) = _started(ledger, 5, 6)
    ledger.revoke(P)
    ledger.assign(P)
    assert not ledger.complete(second)
    assert ledger.committable() == {}
    again = ledger.start(P, 5)
    assert again is not None
    assert ledger.start(P, 6) is None
    assert ledger.committable() == {P: 5}
    assert not ledger.complete(first)
    assert ledger.committable() == {P: 5}, "the head is being worked on again"
    assert ledger.complete(again)
    assert ledger.committable() == {P: 7}


def test_a_partition_is_held_from_its_assignment_to_its_revocation() -> None:
    ledger = Ledger()
    assert not ledger.holds(P)
    ledger.assign(P)
    assert ledger.holds(P)
    ledger.revoke(P)
    assert not ledger.holds(P)
