"""What ``callytics show`` prints of a document for people."""

import io

from rich.console import Console

from ops.cli.show import print_document
from schemas.document import CallDocument
from tests.unit.test_document_contract import printed


def shown() -> str:
    out = io.StringIO()
    print_document(CallDocument.model_validate(printed()), Console(file=out, width=160, no_color=True))
    return out.getvalue()


def test_brackets_of_the_call_and_of_metrics_are_no_markup() -> None:
    """Rich would take ``[step=greeting]`` for a style and leave it out."""
    said = shown()
    assert "[NAME]" in said
    assert "quality.script[step=closing].said" in said


def test_what_a_reviewer_asks_first_is_there() -> None:
    said = shown()
    card = printed()["scorecard"]
    assert f"outcome  {printed()['outcome']['label']}" in said
    assert "escalation  " in said
    assert f"score {card['total']:.0f} of 100, by {card['automatic_points']:.0f} points" in said
    for item in card["items"]:
        assert item["title"] in said
