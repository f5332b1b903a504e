"""What becomes of each class of personal data, and the placeholder that takes its place."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from consumers.analysis.personal_data.digits import digits_of, runs
from schemas.personal_data import PersonalDataType, RedactionAction

POLICY = "pii.policy.yaml"
HASH_DIGITS = 16
"""Hexadecimal digits of a hash that are shown: 64 bits."""
_LAST_FOUR = 4
_BARE = re.compile(r"[\W_]+")


class RedactionPolicy(BaseModel):
    """The content of ``pii.policy.yaml``: an action for every class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    padding_ms: Annotated[int, Field(ge=0, le=2_000)]
    actions: Mapping[PersonalDataType, RedactionAction]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = sorted(set(PersonalDataType) - set(self.actions))
        if missing:
            raise ValueError(f"actions lacks {', '.join(missing)}; give each class one of the actions")
        return self


@dataclass(frozen=True, slots=True)
class Redactor:
    """Applies a policy. ``key`` is the installation's; each tenant's is derived from it."""

    policy: RedactionPolicy
    tenant: str
    key: SecretStr | None = None

    def action(self, kind: PersonalDataType) -> RedactionAction:
        """What is done with a class; hashing without a key is masking."""
        action = self.policy.actions[kind]
        unkeyed = action is RedactionAction.HASH and self.key is None
        return RedactionAction.MASK if unkeyed else action

    def placeholder(self, kind: PersonalDataType, value: str) -> str:
        """What stands for the value: ``[CARD]``, ``[CARD:4242]`` with its last four, ``[CARD:9f86…]`` hashed."""
        name = kind.upper()
        match self.action(kind):
            case RedactionAction.KEEP:
                return value
            case RedactionAction.HASH:
                return f"[{name}:{self._hash(kind, value)}]"
            case RedactionAction.KEEP_LAST_FOUR:
                last = _digits(value)
                # Of a value that is hardly longer than four digits they would be too much of it.
                return f"[{name}:{last[-_LAST_FOUR:]}]" if len(last) >= 2 * _LAST_FOUR else f"[{name}]"
        return f"[{name}]"

    def _hash(self, kind: PersonalDataType, value: str) -> str:
        """HMAC-SHA-256 (RFC 2104) of the digits, however they were said, else of the letters."""
        assert self.key is not None, "action() gives HASH only with a key"  # noqa: S101 -- told to the type checker
        secret = self.key.get_secret_value().encode()
        tenant_key = hmac.digest(secret, self.tenant.encode(), hashlib.sha256)
        canonical = _digits(value) or _BARE.sub("", value).casefold()
        return hmac.new(tenant_key, f"{kind}:{canonical}".encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS]


def _digits(value: str) -> str:
    korean = any("가" <= character <= "힣" for character in value)
    return "".join(digits_of(run) for run in runs(value, 0, korean=korean))
