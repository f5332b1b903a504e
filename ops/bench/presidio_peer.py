"""Microsoft Presidio's own recognisers by pattern, as a peer: no language model, no context words.

Its Korean recognisers are switched off in its default configuration; here they are on. A span that several claim
counts once, for the surest.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from consumers.analysis.personal_data.lines import Line

_RECOGNISERS = {
    "CreditCardRecognizer": "card",
    "EmailRecognizer": "email",
    "PhoneRecognizer": "phone",
    "UsSsnRecognizer": "ssn",
    "UsBankRecognizer": "account",
    "KrRrnRecognizer": "rrn",
    "KrFrnRecognizer": "frn",
    "KrPassportRecognizer": "passport",
    "KrDriverLicenseRecognizer": "driver_license",
    "KrBrnRecognizer": "business_number",
}
_LEAST_SCORE = 0.3
"""Below are patterns that say themselves that they need context words, which need a language model."""


class PresidioFinder:
    """Finds personal data line by line, as Presidio does."""

    def __init__(self) -> None:
        _stay_offline()
        known = import_module("presidio_analyzer.predefined_recognizers")
        available = ((getattr(known, name, None), kind) for name, kind in _RECOGNISERS.items())
        self._recognisers: list[tuple[Any, str]] = [(cls(), kind) for cls, kind in available if cls]

    def __call__(self, lines: Sequence[Line], language: str) -> list[tuple[int, int, int, str]]:
        """(line, start, end, type) of every span; the language chooses nothing, all recognisers run."""
        del language
        return [(n, *span) for n, line in enumerate(lines) for span in self._spans(line.text)]

    def _spans(self, text: str) -> list[tuple[int, int, str]]:
        found = [
            (result.score, result.start, result.end, kind)
            for recogniser, kind in self._recognisers
            for result in recogniser.analyze(text, recogniser.supported_entities, None) or ()
            if result.score >= _LEAST_SCORE
        ]
        kept: list[tuple[int, int, str]] = []
        for _, start, end, kind in sorted(found, reverse=True):
            if all(end <= s or e <= start for s, e, _ in kept):
                kept.append((start, end, kind))
        return kept


def _stay_offline() -> None:
    """Its e-mail recogniser would fetch the list of public suffixes; the list that comes with it will do."""
    tldextract: Any = import_module("tldextract")
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
