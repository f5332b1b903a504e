"""Personal data in a call: what kind, where and when. Never the value."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.records import Milliseconds, Record


class PersonalDataType(StrEnum):
    """The classes that are told apart. The first six, and biometric data, must be stored encrypted in Korea.

    Biometric data has no class: it is never spoken, and voices are no part of a document.
    """

    RRN = "rrn"
    """Korean resident registration number, or its second half."""
    PASSPORT = "passport"
    DRIVER_LICENSE = "driver_license"
    FRN = "frn"
    """Korean registration number of a foreigner."""
    CARD = "card"
    ACCOUNT = "account"
    CVC = "cvc"
    CARD_EXPIRY = "card_expiry"
    PIN = "pin"
    OTP = "otp"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    BIRTH_DATE = "birth_date"
    NAME = "name"
    AGENT_NAME = "agent_name"
    """The name by which the agent introduces themselves."""
    VEHICLE_PLATE = "vehicle_plate"
    BUSINESS_NUMBER = "business_number"
    SSN = "ssn"
    """United States social security number, or its last four digits."""
    NUMBER = "number"
    """Ten digits or more of which nothing tells what they are."""


class RedactionAction(StrEnum):
    """What becomes of the value in the document."""

    MASK = "mask"
    HASH = "hash"
    """A keyed hash, so that calls with the same value can be linked."""
    KEEP_LAST_FOUR = "keep_last_four"
    KEEP = "keep"


class PersonalData(Record):
    """One mention. Its times are those of its words, widened by the policy's padding for muting the audio.

    Without word times they are the turn's. ``start_char`` and ``end_char`` count in the turn's text as the
    document has it, thus around the placeholder where the value was replaced.
    """

    type: PersonalDataType
    action: RedactionAction
    turn_id: str
    sentence_id: str | None = None
    start_ms: Milliseconds
    end_ms: Milliseconds
    start_char: Annotated[int, Field(ge=0)]
    end_char: Annotated[int, Field(ge=0)]
    channel: int | None = None
    """Where each party has a channel of its own, the one to mute."""
    confidence: Annotated[float, Field(ge=0, le=1)]
