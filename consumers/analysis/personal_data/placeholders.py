"""What stands in a text for a personal value, and how it is told from other words in brackets."""

import re

from schemas.personal_data import PersonalDataType

_KINDS = sorted((kind.upper() for kind in PersonalDataType), key=len, reverse=True)
PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(_KINDS)})(?::[0-9a-f]+)?\]")
"""``[CARD]``, or with what the policy keeps of the value: ``[CARD:4242]``."""
TAG = "W_SERIAL"
"""The part of speech of a placeholder: Kiwi's own for serial numbers, which no pattern takes for a word."""
