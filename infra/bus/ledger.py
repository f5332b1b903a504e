"""Which offsets may be committed. Pure bookkeeping: no I/O, no clock.

Calls end out of order; only the contiguous prefix of what has ended may be committed, or a crash loses the
calls before it. Every assignment of a partition has an *epoch*: a call that ends after its partition was taken
away and given back must not mark anything in the new assignment.
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to complete one offset in one assignment."""

    partition: Partition
    epoch: int
    offset: int


@dataclass(slots=True)
class _Assignment:
    epoch: int
    unfinished: set[int] = field(default_factory=set)
    ended_early: set[int] = field(default_factory=set)
    """Done by work of an earlier assignment, before their records came again."""
    next_offset: int | None = None
    committed: int | None = None

    def committable(self) -> int | None:
        return min(self.unfinished) if self.unfinished else self.next_offset


class Ledger:
    """Offsets of the partitions that this member holds."""

    def __init__(self) -> None:
        self._assignments: dict[Partition, _Assignment] = {}
        self._epoch = 0

    def assign(self, partition: Partition) -> None:
        """Begin a new epoch of a partition; whatever an earlier epoch left is forgotten."""
        self._epoch += 1
        self._assignments[partition] = _Assignment(self._epoch)

    def revoke(self, partition: Partition) -> None:
        """The partition is no longer ours: its tickets complete nothing any more."""
        self._assignments.pop(partition, None)

    def start(self, partition: Partition, offset: int) -> Ticket | None:
        """Take on an offset. None when nothing is to do for it: not ours, taken on already, or done already."""
        assignment = self._assignments.get(partition)
        if assignment is None or offset < (assignment.next_offset or 0):
            return None
        assignment.next_offset = offset + 1
        if offset in assignment.ended_early:
            assignment.ended_early.discard(offset)
            return None
        assignment.unfinished.add(offset)
        return Ticket(partition, assignment.epoch, offset)

    def complete(self, ticket: Ticket) -> bool:
        """Mark an offset done. False when its assignment is over.

        When the partition has come back meanwhile, the call counts as done once its record is delivered again.
        """
        assignment = self._assignments.get(ticket.partition)
        if assignment is None:
            return False
        if assignment.epoch != ticket.epoch:
            if ticket.offset >= (assignment.next_offset or 0):
                assignment.ended_early.add(ticket.offset)
            return False
        assignment.unfinished.discard(ticket.offset)
        return True

    def holds(self, partition: Partition) -> bool:
        """Whether the partition is ours now, in whichever assignment."""
        return partition in self._assignments

    def next_offset(self, partition: Partition) -> int | None:
        """The offset after the last one taken on; None before the first."""
        assignment = self._assignments.get(partition)
        return assignment.next_offset if assignment else None

    def committable(self) -> dict[Partition, int]:
        """The next offset to read for each partition whose committable prefix has grown."""
        grown = {}
        for partition, assignment in self._assignments.items():
            offset = assignment.committable()
            if offset is not None and offset != assignment.committed:
                grown[partition] = offset
        return grown

    def committed(self, offsets: dict[Partition, int]) -> None:
        """The broker has taken these commits."""
        for partition, offset in offsets.items():
            if partition in self._assignments:
                self._assignments[partition].committed = offset

    def unfinished(self, partition: Partition) -> int:
        """How many offsets of a partition are taken on and not done."""
        assignment = self._assignments.get(partition)
        return len(assignment.unfinished) if assignment else 0
