"""The rules of the demo grammar."""

from random import Random

import pytest

from ops.models.grammar import LANGUAGES, agrees, is_held_out, load_grammar, words_of


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 # reproducible, not secret


def sentences(language: str, count: int = 4_000) -> list[str]:
    grammar, rng = load_grammar(language), seeded(7)
    return [grammar.draw(grammar.draw_category(rng), rng) for _ in range(count)]


@pytest.mark.parametrize(("language", "forms"), [("ko", 608), ("en", 310)])
def test_the_vocabulary_is_closed_and_of_known_size(language: str, forms: int) -> None:
    vocabulary = load_grammar(language).vocabulary()
    spoken = {word for sentence in sentences(language) for word in words_of(sentence)}
    assert spoken <= vocabulary
    assert len(vocabulary) == forms


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_tenth_of_all_sentences_is_held_out(language: str) -> None:
    distinct = set(sentences(language))
    share = sum(map(is_held_out, distinct)) / len(distinct)
    assert share == pytest.approx(0.1, abs=0.02)


def test_the_held_out_sentences_never_change() -> None:
    """The shipped models were trained with exactly this split."""
    held_out = ("네 그렇게 해 주세요.", "그러면 책임자 바꿔 주세요.", "Okay, I understand.")
    trained = ("네 알겠습니다.", "책임자 바꿔 주세요.", "I see, thank you.")
    assert all(map(is_held_out, held_out))
    assert not any(map(is_held_out, trained))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_slot_of_every_template_can_be_filled(language: str) -> None:
    grammar, rng = load_grammar(language), seeded(1)
    for templates in grammar.templates.values():
        for template in templates:
            assert "{" not in grammar.say(template, rng)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_category_has_a_role_and_templates(language: str) -> None:
    grammar = load_grammar(language)
    assert set(grammar.templates) == set(grammar.categories)
    assert {category.role for category in grammar.categories.values()} == {"agent", "customer"}


@pytest.mark.parametrize(
    ("value", "following", "fits"),
    [
        ("운동화", "가 아직", True),
        ("노트북", "가 아직", False),
        ("가방", "를", False),
        ("이메일", "로 안내", True),
        ("카카오톡", "로 안내", False),
        ("지난주에", "부터 안 돼요", False),
        ("어제", "부터 안 돼요", True),
        ("만 원", "은 오늘", True),
        ("laptop", " is", True),
    ],
)
def test_a_slot_takes_only_values_that_its_particle_fits(value: str, following: str, fits: bool) -> None:
    assert agrees(value, following) is fits


def test_fixed_values_are_used_where_they_fit() -> None:
    grammar = load_grammar("ko")
    template = "{item}는 {until} 배송될 예정입니다."
    said = grammar.say(template, seeded(1), fixed={"item": "의자", "until": "내일까지"})
    assert said == "의자는 내일까지 배송될 예정입니다."
    other = grammar.say(template, seeded(1), fixed={"item": "노트북", "until": "내일까지"})
    assert not other.startswith("노트북")


def test_an_opener_lowers_the_sentence_but_not_a_name() -> None:
    grammar = load_grammar("en")
    assert grammar.say("May I have it?", seeded(1), opener="Okay,") == "Okay, may I have it?"
    assert grammar.say("I see.", seeded(1), opener="Okay,") == "Okay, I see."


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no grammar for language 'fr'"):
        load_grammar("fr")
