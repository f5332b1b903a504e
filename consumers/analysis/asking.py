"""Whether a Korean sentence that is finished, and behind which nobody wrote a mark, asks.

Some endings ask whatever stands before them (-까요, -냐). Those that serve both (-어요, -죠, -세요) ask with a
question word or 혹시, and about what the hearer did (신청하셨어요), would do (주문하시겠어요) or may do: not
about a third person (기사님이 오셨어요), and not in sympathy (속상하시겠어요).
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from consumers.analysis.question_words import GLUED, HONOURING, asks_what, is_over
from consumers.analysis.tokens import Token

_ASKING = re.compile(
    r"[ㅂ습십]니까$|[ㄹ을]까요?$|[ㄴ은는던]가요?$|나요$|(?<!구)나$|(?<!더)니$|냐(?:고요?)?$|노$|[ㄴ는]교$"
)
_SERVES_BOTH = re.compile(r"(?<!잖)[어아여]요?$|[에예세셔대래]요$|(?<!던)데요$|[죠지야]$|지요$|ㄴ데$|라고$")
_WILLING = ("ㄹ래요", "을래요")
_POLITE = ("세요", "셔요")
_CHECKING = ("죠", "지요")
_CHECKED = frozenset({"시", "으시", "맞", "되", "이", "있", "그렇", "하"})
_OBLIGING = ("야죠", "야지요")
_GRANTED = "당연"
_ASKED = frozenset("있 없 어떻 어떠 괜찮 계시 맞 들리 보이 알 아 필요 원하".split())  # noqa: SIM905 -- reads as the list it is
"""Predicates that are no request in -세요: one cannot be told to be well."""
_STAY = (("계", "이", "세요"), ("계세", "요"))
"""What Kiwi makes of 계세요."""
_FAVOUR = "주"
_COPULAR_CONNECTIVES = frozenset({"ㄴ데", "라고"})

_YOU = frozenset({"고객", "본인", "회원", "손님", "어머님", "아버님", "선생", "선생님", "어르신"})
_ELDERS = frozenset({"어머니", "아버지", "할머니", "할아버지", "엄마", "아빠", "부모"})
_TITLING = frozenset({"님", "분"})
_SUBJECT_TAGS = frozenset({"JKS", "JKC"})
"""Kiwi takes 이 before 되 for a complement's."""
_REPORTING = frozenset({"하", "말씀", "그러"})
_FEELINGS = frozenset(
    "놀라 당황 지치 화 화나 걱정 고생 상하 실망 짜증 짜증나 염려 난처 스트레스 신경 힘들".split()  # noqa: SIM905 -- reads as the list it is
)
_WISHED = frozenset({"괜찮", "어떻", "어떠", "가능", "필요", "편"})
"""Adjectives that ask in -시겠어요, where others sympathise."""
_THANKED = frozenset({"고생", "수고"})
_REACH = 4
"""How many tokens before the ending a feeling may stand: 화가 많이 나시겠어요."""


def asks(words: Sequence[Token]) -> bool:
    """Whether a sentence asks; ``words``: its tokens without marks, the last of which is its ending."""
    last, verb = words[-1].form, _form(words, 2)
    if is_southern(words) or _ASKING.search(last) or (last in GLUED and verb.endswith("냐고")):
        return True
    if last in _WILLING:
        return verb in HONOURING or verb == _FAVOUR or asks_what(words)
    if last not in GLUED and not _SERVES_BOTH.search(last):
        return False
    if last.endswith(_POLITE):
        return verb != _FAVOUR and (asks_what(words) or _asks_of_state(words[:-1]) or _asks_where(words))
    if asks_what(words) or _wonders(words) or _asks_where(words):
        return True
    return _checks(last, words[:-1]) or (last.endswith(("어요", *_CHECKING)) and _about_you(words[:-1]))


def is_copular_question(words: Sequence[Token]) -> bool:
    """Whether words that end in a copula's connective ask all the same: 뭔데, 언제 되는 건데, 뭐라고."""
    copular = words[-1].form in _COPULAR_CONNECTIVES and words[-2:-1] and words[-2].tag == "VCP"
    return bool(copular) and asks_what(words)


def is_southern(words: Sequence[Token]) -> bool:
    """Whether the last word is 교 of 갔는교, which Kiwi takes for a noun."""
    glued = words[-2:-1] and words[-2].tag == "ETM" and words[-2].end == words[-1].start
    return bool(glued) and words[-1].form == "교"


def _asks_of_state(stem: Sequence[Token]) -> bool:
    """Whether -세요 asks what the hearer cannot do at will: 있으세요, 본인이세요."""
    verb, before = _form(stem, 1), _form(stem, 2)
    if verb == "이":
        return before in _YOU | _TITLING
    threat = before == "게" and verb in {"알", "아"}
    return not threat and bool({verb, before} & _ASKED)


def _asks_where(words: Sequence[Token]) -> bool:
    """쓰고 계세요 and 댁에 계세요, not 끊지 말고 계세요 nor 안녕히 계세요."""
    forms = tuple(token.form for token in words)
    stay = next((stay for stay in _STAY if forms[-len(stay) :] == stay), ())
    before = forms[: len(forms) - len(stay)]
    return bool(stay) and before[-1:] in {("고",), ("에",)} and before[-2:-1] != ("말",)


def _wonders(words: Sequence[Token]) -> bool:
    """Whether 혹시 makes a question: not in 혹시 몰라서, nor where its clause is over (혹시 되나 해서요)."""
    return any(
        token.form == "혹시" and after.form != "모르" and not is_over(words, place)
        for place, (token, after) in enumerate(pairwise(words))
    )


def _checks(last: str, stem: Sequence[Token]) -> bool:
    """Whether -죠 wants to be confirmed: not what somebody ought to do, nor what goes without saying."""
    if not last.endswith(_CHECKING) or last.endswith(_OBLIGING) or _form(stem, 2) == _GRANTED:
        return False
    return _form(stem, 1) in _CHECKED


def _about_you(stem: Sequence[Token]) -> bool:
    """Whether what stands before -어요 is what the hearer did, would do, can do for one or allows."""
    mood, before, verb = _form(stem, 1), _form(stem, 2), stem[:-2]
    if mood == "되" and before in {"어도", "아도"}:
        return _form(verb, 1) not in HONOURING
    if mood in {"있", "없"} and before == "수":
        return _form(verb, 3 if _form(verb, 2) in HONOURING else 2) == _FAVOUR
    if before not in HONOURING or not verb:
        return False
    if mood == "겠":
        return not _sympathises(verb)
    return mood == "었" and not (_of_favour_or_thing(verb) or _about_another(verb))


def _sympathises(verb: Sequence[Token]) -> bool:
    near = {token.form for token in verb[-_REACH:]}
    return bool(near & _FEELINGS) or (verb[-1].tag in {"VA", "XSA"} and not near & _WISHED)


def _of_favour_or_thing(verb: Sequence[Token]) -> bool:
    """Favours received (찾아 주셨어요), thanks (고생 많으셨어요), and what happens to things (접수되셨어요)."""
    done = (verb[-1].form, verb[-1].tag) == ("되", "XSV")
    return done or verb[-1].form == _FAVOUR or _form(verb, 2) in _THANKED


def _about_another(verb: Sequence[Token]) -> bool:
    """Whether a third person is the subject, or somebody's words are reported."""
    reported = any(token.form.endswith(("다고", "라고")) for token in verb[-3:])
    if reported and {token.form for token in verb[-2:]} & _REPORTING:
        return True
    return any(_is_third(verb[:place], particle) for place, particle in enumerate(verb) if place)


def _is_third(noun: Sequence[Token], particle: Token) -> bool:
    """Whether the particle makes a subject of a person who is not the hearer."""
    last = noun[-1]
    if last.form in _YOU or _form(noun, 2) in _YOU:
        return False
    if last.form == "아무" or particle.form == "께서":
        return True
    titled = last.form in _TITLING or (last.form.endswith("님") and last.tag.startswith("N"))
    return particle.tag in _SUBJECT_TAGS and (titled or last.form in _ELDERS)


def _form(words: Sequence[Token], back: int) -> str:
    """The form of the token so far from the end; empty where there is none."""
    return words[-back].form if len(words) >= back else ""
