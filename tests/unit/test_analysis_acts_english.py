"""English acts: what is done with a sentence, and what only looks like it."""

from itertools import product

import pytest

from tests.unit.test_analysis_acts import acts


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("greeting", "Good morning"),
        ("self_introduction", "My name is Sarah"),
        ("recording_notice", "This call may be recorded"),
        ("need_check", "How can I help you today?"),
        ("identity_check", "Can I take your full name and date of birth?"),
        ("empathy", "I completely understand your frustration"),
        ("apology", "I apologise for the inconvenience"),
        ("cushion", "I'm afraid that is sold out"),
        ("refusal", "We can't do that"),
        ("alternative", "You could move it to another date instead"),
        ("offer", "Would you like me to change it?"),
        ("promise", "I'll call you back on Wednesday"),
        ("hold_notice", "One moment please"),
        ("hold_thanks", "Thanks for holding"),
        ("transfer_notice", "I'll put you through"),
        ("further_help", "Is there anything else?"),
        ("closing", "Have a great day"),
        ("abuse_warning", "Please watch your language"),
        ("blame", "You should have given us the right postcode"),
        ("conflict_phrase", "You need to calm down"),
    ],
)
def test_english_agent_acts(act: str, text: str) -> None:
    assert act in acts(text, language="en")


@pytest.mark.parametrize(
    ("act", "stems", "endings"),
    [
        (
            "refusal",
            ["we have no", "we've got no", "I have no"],
            ["{} rooms left for that night", "{} slots this week", "{} way of changing that"],
        ),
        (
            "refusal",
            ["we don't pay for", "we don't reimburse", "we don't refund"],
            ["{} travel expenses", "{} the delivery"],
        ),
        (
            "refusal",
            ["there's nothing", "there is nothing"],
            ["{} before Friday", "{} more to be done about it", "{} in stock"],
        ),
        (
            "alternative",
            [
                "we can't refund it, but",
                "I'm afraid that can't be restored, but",
                "we can't do it by phone though",
            ],
            ["{} I can put you first in line", "{} you could exchange it", "{} we can send a form"],
        ),
        (
            "identity_check",
            ["would you mind giving me", "could you read me", "I'd appreciate you giving me"],
            ["{} your membership number", "{} your date of birth"],
        ),
        (
            "empathy",
            ["that must have been", "that must feel", "it must be"],
            ["{} awful", "{} very frightening", "{} so stressful"],
        ),
        (
            "apology",
            ["we", "I"],
            ["{} got that wrong", "{} messed up", "{} made a mistake", "{} gave you the wrong date"],
        ),
        (
            "blame",
            ["you"],
            [
                "{} never told us",
                "{} should've read the terms",
                "{} put the wrong date in",
                "{} left it too late",
            ],
        ),
        (
            "need_check",
            ["which size", "what date", "where"],
            ["{} were you after", "{} are you looking at", "{} are you thinking of"],
        ),
        (
            "self_introduction",
            ["Valley Pharmacy,", "Oakwood Garage,", "Flexfit billing,"],
            ["{} who am I speaking with?", "{} this is Omar, what's your email?", "{} how can I help?"],
        ),
        ("offer", ["would you like"], ["{} an email receipt", "{} another one", "{} some help with it"]),
    ],
)
def test_an_english_act_is_told_by_kinds_of_words_too(act: str, stems: list[str], endings: list[str]) -> None:
    said = [ending.format(stem) for stem, ending in product(stems, endings)]
    assert [text for text in said if act not in acts(text, language="en")] == []


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("refusal", "There's nothing to worry about."),
        ("refusal", "I have no problem with that."),
        ("alternative", "I'd love to but I can't do that."),
        ("empathy", "You must have read it wrong."),
        ("empathy", "Are you okay to hold?"),
        ("apology", "It's not our mistake, the bank returned it."),
        ("blame", "If you'd like, I can check that."),
        ("blame", "You put the card in and press the green button."),
        ("conflict_phrase", "You have to listen for the click."),
        ("abuse_warning", "If you hang up I'll ring you back."),
        ("hold_notice", "It's been on hold since March."),
        ("transfer_notice", "I'll pass on your thanks."),
        ("self_introduction", "I'm sending it in the post."),
        ("self_introduction", "I'll just put you through to billing."),
        ("closing", "We have a smaller one available."),
    ],
)
def test_what_only_looks_like_an_english_act(act: str, text: str) -> None:
    assert act not in acts(text, language="en")
