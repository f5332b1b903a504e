"""What a number is, by its structure and by what is asked for.

Structures: resident and foreigner registration numbers begin with a date and their seventh digit tells which of
the two they are (their check digit proves nothing: since October 2020 it is random); cards by Luhn (ISO/IEC
7812-1); business numbers by their check digit; telephone numbers by prefix. Numbers that anybody may call, 15xx
to 18xx, 080 and toll-free ones, are nobody's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from schemas.personal_data import PersonalDataType as Kind

Verdict = tuple[Kind, float]
"""Type and confidence."""

_BRN_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_FREEPHONE = ("0800", "0808", "03", "0845")
_TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")
_SURE, _LIKELY, _PARTLY, _UNKNOWN = 0.99, 0.9, 0.7, 0.5
_UNEXPLAINED = range(10, 20)
_AREA = re.compile(r"02|0[3-6][1-5]|070|050\d?|060")
_LOCAL_LENGTHS = range(7, 9)
_DIALLED_LENGTHS = range(7, 13)
_ABROAD_LENGTHS = range(10, 14)
"""With a country's code and without."""
_MOBILE_LENGTHS = frozenset({(3, 4, 4), (3, 8), (11,)})
_LAST_FOUR = 4
_CARD_LENGTHS = range(13, 20)
_CARD_LEAST = 8
"""So many digits of a card under its topic are the card, the rest of it lost by the recogniser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """The digits of a candidate, the lengths of its groups, and whether the call is Korean."""

    digits: str
    lengths: tuple[int, ...]
    korean: bool
    tail_asked: bool = False
    """Whether only the last digits of the number are talked about."""

    two_asked: bool = False
    """Whether two digits are talked about, as of a password."""

    @property
    def size(self) -> int:
        """How many digits."""
        return len(self.digits)


def luhn(digits: str) -> bool:
    """The check of ISO/IEC 7812-1."""
    doubled = (int(d) * (2 if n % 2 else 1) for n, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0  # noqa: PLR2004 -- the digit sum of two digits


def business_check(digits: str) -> bool:
    """The check digit of a Korean business registration number."""
    total = sum(int(d) * w for d, w in zip(digits, _BRN_WEIGHTS, strict=False)) + int(digits[8]) * 5 // 10
    return (10 - total % 10) % 10 == int(digits[9])


def is_date(digits: str) -> bool:
    """YYMMDD or YYYYMMDD with a possible month and day."""
    month, day = int(digits[-4:-2]), int(digits[-2:])
    century = len(digits) == 6 or digits[:2] in {"19", "20"}  # noqa: PLR2004 -- YYMMDD
    return century and 1 <= month <= 12 and 1 <= day <= 31  # noqa: PLR2004 -- months and days


def is_public(digits: str, *, korean: bool) -> bool:
    """Whether this is a service number that anybody may call."""
    if korean:
        represented = len(digits) == 8 and digits[0] == "1" and digits[1] in "568"  # noqa: PLR2004 -- 1588-0000
        return represented or (digits.startswith("080") and len(digits) in {10, 11})
    toll_free = digits.removeprefix("1").startswith(_TOLL_FREE) and len(digits) in {10, 11}
    return toll_free or (digits.startswith(_FREEPHONE) and len(digits) in {10, 11})


def structure(number: Number) -> Verdict | None:
    """What the number shows by itself."""
    rules = _KOREAN_STRUCTURES if number.korean else _ENGLISH_STRUCTURES
    return next((verdict for rule in rules if (verdict := rule(number))), None)


def classify(number: Number, topics: Sequence[str]) -> Verdict | None:
    """What the number is where these are the topics; None: nothing personal.

    A mobile number in its usual groups is one even where the talk is of things (고객센터에서 010-1234-5678로 …).
    """
    if is_public(number.digits, korean=number.korean):
        return None
    if topics[:1] == ("none",):
        return _mobile(number) if number.lengths in _MOBILE_LENGTHS else None
    if topics[:1] == ("thing",):
        return structure(number)
    if shown := structure(number):
        return shown
    for topic in topics:
        rule = _BY_TOPIC.get(topic)
        if rule and (verdict := rule(number)):
            return verdict
    return (Kind.NUMBER, _UNKNOWN) if not topics and _unexplained(number) else None


def _unexplained(number: Number) -> bool:
    return number.size in _UNEXPLAINED and not is_date(number.digits[:8])


def _registration(n: Number) -> Verdict | None:
    if n.size == 13 and is_date(n.digits[:6]) and n.digits[6] in "12345678" and _parted(n, 6):  # noqa: PLR2004 -- the law's format
        return (Kind.RRN if n.digits[6] in "1234" else Kind.FRN), _SURE
    return None


def _registration_head(n: Number) -> Verdict | None:
    """Date of birth and the digit behind the hyphen, which many forms ask for."""
    if n.lengths == (6, 1) and is_date(n.digits[:6]) and n.digits[6] in "12345678":
        return (Kind.RRN if n.digits[6] in "1234" else Kind.FRN), _LIKELY
    return None


def _parted(n: Number, place: int) -> bool:
    """Whether a group ends at ``place``, or the digits are not parted in a telling way."""
    sums = {sum(n.lengths[: k + 1]) for k in range(len(n.lengths))}
    return place in sums or len(n.lengths) == 1


def _mobile(n: Number) -> Verdict | None:
    digits = "0" + n.digits.removeprefix("82") if n.digits.startswith("8210") else n.digits
    size = 11 if digits[:3] == "010" else 10
    found = digits[:2] == "01" and digits[2:3] in set("016789") and len(digits) in {size, 11}
    found = found and _parted(n, 3 + len(n.digits) - len(digits))
    return (Kind.PHONE, _SURE) if found else None


def _landline(n: Number) -> Verdict | None:
    area = _AREA.match(n.digits)
    if area is None or len(n.lengths) < 2:  # noqa: PLR2004 -- an area code and the number
        return None
    ends = {area.end(), 3} if n.digits.startswith("050") else {area.end()}
    shaped = any(n.size - end in {7, 8} and _parted(n, end) for end in ends)
    return (Kind.PHONE, _LIKELY) if shaped else None


def _card(n: Number) -> Verdict | None:
    issued = n.size == 16 or (n.size == 15 and n.digits[:2] in {"34", "37"})  # noqa: PLR2004 -- American Express: 15
    if issued and luhn(n.digits) and n.digits[0] in "3456":
        return Kind.CARD, _SURE
    return (Kind.CARD, _LIKELY) if n.lengths in {(4, 4, 4, 4), (4, 6, 5)} else None


def _driver(n: Number) -> Verdict | None:
    return (Kind.DRIVER_LICENSE, _LIKELY) if n.lengths == (2, 2, 6, 2) else None


def _business(n: Number) -> Verdict | None:
    found = n.lengths == (3, 2, 5) and business_check(n.digits)
    return (Kind.BUSINESS_NUMBER, _LIKELY) if found else None


def _ssn(n: Number) -> Verdict | None:
    return (Kind.SSN, _LIKELY) if n.lengths == (3, 2, 4) else None


def _american_phone(n: Number) -> Verdict | None:
    return (Kind.PHONE, _LIKELY) if n.lengths in {(3, 3, 4), (1, 3, 3, 4)} else None


def _british_mobile(n: Number) -> Verdict | None:
    national = "0" + n.digits.removeprefix("44") if n.digits.startswith("447") else n.digits
    found = national.startswith("07") and len(national) == 11  # noqa: PLR2004 -- 07xxx xxxxxx
    return (Kind.PHONE, _LIKELY) if found else None


def _expiry(n: Number) -> bool:
    months = {n.digits[:2], n.digits[-2:]}
    return n.size == 4 and any("01" <= month <= "12" for month in months)  # noqa: PLR2004 -- month and year


def _rrn_part(n: Number) -> Verdict | None:
    if n.size in {7, 13}:
        return Kind.RRN, _LIKELY
    if n.size == 6:  # noqa: PLR2004 -- the half before the hyphen
        return (Kind.BIRTH_DATE if is_date(n.digits) else Kind.RRN), _LIKELY
    return None


def _phone_part(n: Number) -> Verdict | None:
    local = n.size in _LOCAL_LENGTHS
    abroad = not n.korean and n.size in _ABROAD_LENGTHS
    if local or abroad or (n.digits[0] == "0" and n.size in _DIALLED_LENGTHS):
        return Kind.PHONE, _LIKELY
    return (Kind.PHONE, _PARTLY) if n.size == _LAST_FOUR and n.tail_asked else None


def _card_part(n: Number) -> Verdict | None:
    if n.size in _CARD_LENGTHS:
        return Kind.CARD, _SURE if luhn(n.digits) else _LIKELY
    return (Kind.CARD, _PARTLY) if _CARD_LEAST <= n.size < _CARD_LENGTHS.start else None


def _sized(kind: Kind, *sizes: int) -> Callable[[Number], Verdict | None]:
    def rule(n: Number) -> Verdict | None:
        return (kind, _LIKELY) if n.size in sizes else None

    return rule


def _birth(n: Number) -> Verdict | None:
    return (Kind.BIRTH_DATE, _LIKELY) if n.size in {6, 8} and _is_birth(n) else None


def _is_birth(n: Number) -> bool:
    if n.korean:
        return is_date(n.digits)
    return 1 <= int(n.digits[:2]) <= 12 or 1 <= int(n.digits[2:4]) <= 12  # noqa: PLR2004 -- month first or day first


def _is_today(n: Number) -> bool:
    """Whether it is a date of this century in eight digits."""
    return n.size == 8 and n.digits.startswith("20") and is_date(n.digits)  # noqa: PLR2004 -- YYYYMMDD


def _secret(kind: Kind) -> Callable[[Number], Verdict | None]:
    def rule(n: Number) -> Verdict | None:
        asked = n.two_asked and n.size == 2  # noqa: PLR2004 -- the two digits that are asked for
        return (kind, _LIKELY) if asked or n.size in range(4, 9) else None

    return rule


def _whole_birth(n: Number) -> Verdict | None:
    """Eight digits of a date in the last century."""
    found = n.lengths == (8,) and n.digits.startswith("19") and is_date(n.digits)
    return (Kind.BIRTH_DATE, _PARTLY) if found else None


_KOREAN_STRUCTURES = (
    _registration,
    _registration_head,
    _mobile,
    _landline,
    _card,
    _driver,
    _business,
    _whole_birth,
)
_ENGLISH_STRUCTURES = (_card, _ssn, _american_phone, _british_mobile)
_BY_TOPIC: Mapping[str, Callable[[Number], Verdict | None]] = {
    "rrn": _rrn_part,
    "frn": _sized(Kind.FRN, 7, 13),
    "passport": _sized(Kind.PASSPORT, 7, 8, 9),
    "driver_license": _sized(Kind.DRIVER_LICENSE, *range(8, 14)),
    "card": _card_part,
    "code": lambda n: (Kind.CVC if n.size == 3 else Kind.OTP, _PARTLY) if n.size in range(3, 9) else None,  # noqa: PLR2004 -- a card's
    "zip": _sized(Kind.ADDRESS, 5, 9),
    "sort_code": _sized(Kind.ACCOUNT, 6),
    "account": lambda n: None if _is_today(n) else _sized(Kind.ACCOUNT, *range(7, 18))(n),
    "cvc": _sized(Kind.CVC, 3, 4),
    "card_expiry": lambda n: (Kind.CARD_EXPIRY, _LIKELY) if _expiry(n) else None,
    "pin": _secret(Kind.PIN),
    "otp": _secret(Kind.OTP),
    "phone": _phone_part,
    "business_number": _sized(Kind.BUSINESS_NUMBER, 9, 10),
    "birth_date": _birth,
    "ssn": _sized(Kind.SSN, 4, 9),
}
