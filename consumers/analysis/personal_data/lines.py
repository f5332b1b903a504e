"""The working types of detection: lines of a call, and places in them."""

from dataclasses import dataclass

from schemas.personal_data import PersonalDataType
from schemas.records import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A turn as detection sees it."""

    text: str
    speaker: str
    role: Role
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """Personal data in line ``line``, characters ``[start, end)``."""

    line: int
    start: int
    end: int
    type: PersonalDataType
    confidence: float

    def overlaps(self, other: "Mention") -> bool:
        """Whether the two share a character."""
        return self.line == other.line and self.start < other.end and other.start < self.end
