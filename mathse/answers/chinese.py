"""What a Chinese sentence concludes with: words are not parted by spaces there, and no verb stands at an end.

A value is the longest end of the sentence that is mathematics (`因此∠B的度数是` **`45°`**); else what stands last of
it in the sentence; else, where there is none, the words behind the verb. An option's letter that stands alone is named,
unless something is denied.
"""

import re

from mathse.answers.notation import canonical
from mathse.answers.read import read
from mathse.answers.values import Family, Matrix, Named, Region, Several, Value, Words
from mathse.answers.words import known_word, option_letters

_HAN = re.compile("[\u3400-\u9fff]")
_NO_FORMULA = re.compile(r"[\u3400-\u9fff∵∴]|^\W*$")
_CHINESE = re.compile("[\u3400-\u9fff∵∴，。]")
_SENTENCE_END = re.compile(r"[。！？；\n]|(?<=[\u3400-\u9fff])[!?;.]")
_WORDS = re.compile("[\u3400-\u9fff]{2}")
_CLAUSE_END = re.compile(r"[，,;；]\s*")
_OPTION = re.compile(
    r"(?<![A-Za-z∠△点角边线段圆弧⊙∥⊥≌∽=\\_^\d])[（(]?\s*([A-H](?:\s*[,，、和与及]?\s*[A-H])*)\s*[）)]?(?![A-Za-z'’_\d₀-₉=∥⊥点])"
)
_SAYING = re.compile("(?!理由|因为|其中|单位|所以|也就是)[\u3400-\u9fff]{4,}")
_JUDGED = re.compile(
    r"(?:^|[\n；;。，,])\s*(?:选项)?([A-H])\s*[.、:：)）]\s*[^\n；;。]{0,60}?(正确|错误|不正确|√|×|符合|不符合|对|错)(?=[\n；;。]|$)"
)
_LETTER_ALONE = re.compile(r".{0,2}[（(]?[A-H][）)]?\s*")
_DENIED = re.compile("错|不|误|排除|并非|否|除了|舍去")
_STARTS = re.compile(
    r"(?<=[\u3400-\u9fff∴∵，,：:])(?<!\d[:,])(?=[^\u3400-\u9fff∴∵，,：:。、\s])|(?<=[是为于得到成有共约即填要了叫做可：:，,])(?=[\u3400-\u9fff])"
)
_VERB = re.compile("[是为叫作属于成选]")
_PROSE = re.compile("[是为所因故则解即由∵∴，。；：？！]|^(?:填|等于|得到?|约|共有?|有|需要?)|选")
_RUN = re.compile(r"[^\u3400-\u9fff，。；：、∴∵]+(?:平方|立方)?[\u3400-\u9fff]{0,3}?(?=[\u3400-\u9fff，。；：、]|$)")
_NOT = re.compile("不[是为能可选应该会]|不等于|并非|≠|舍去[，,]?$")
_NUMBERED = re.compile(r"[\u3400-\u9fff]{1,4}\s*\d{1,3}|(?:\d+年)?(?:\d+月)?(?:\d+[日号])?(?:周.|星期.|[上下]午)?")
"""Something that has a number as its name, or a date."""
_MOST_STARTS = 24
_LONGEST_WORDS = 20


def is_chinese(text: str) -> bool:
    """Whether a text has Chinese signs, or those of a proof as Chinese books write it."""
    return not text.isascii() and _CHINESE.search(text) is not None


def conclusion(text: str) -> str | None:
    """What the last sentence says that says something: an option, a value, or words."""
    head = text.partition("【")[0].strip(" .。")  # an answer, and notes behind it
    if head != text.strip() and head and len(head) <= _LONGEST_WORDS and is_answer(head):
        return head
    if option := _judged_right(text):
        return option
    sentences = [sentence for sentence in _SENTENCE_END.split(text[-600:]) if sentence.strip()]
    if not sentences:
        return None
    if letters := _option(sentences[-1]):
        return letters
    return next((value for sentence in reversed(sentences[-3:]) if (value := value_in(sentence))), None)


def announced(phrase: str) -> str | None:
    """What a phrase behind an announcement says: all of it, its first clause, or what it concludes with."""
    phrase = phrase.strip()
    if not phrase:
        return None
    if _is_mathematics(read(phrase)) or _are_words(phrase):
        return phrase
    if len(phrase) <= 2 * _LONGEST_WORDS and all(map(_SAYING.fullmatch, _CLAUSE_END.split(phrase))):
        return phrase  # a theorem has several clauses
    ends = (end.start() for end in _CLAUSE_END.finditer(phrase) if _WORDS.match(phrase, end.end()))
    head = phrase[: next(ends, 0)]
    if head and (_is_mathematics(read(head)) or _are_words(head)):
        return head
    return (value_in(head) if head else None) or value_in(phrase)


def is_answer(text: str) -> bool:
    """Whether a short text is nothing but an answer: mathematics, or a few words that state nothing."""
    if "∵" in text or "∴" in text:
        return False
    return _is_mathematics(read(text)) or known_word(canonical(text)) is not None or _are_words(text)


def value_in(sentence: str) -> str | None:
    """The value that a sentence concludes with, or the words behind its verb."""
    sentence = sentence.strip(" \t*。.：:，,∴∵")
    if not sentence:
        return None
    starts = [0, *(match.start() for match in _STARTS.finditer(sentence))][-_MOST_STARTS:]
    for start in starts:
        candidate = sentence[start:].strip(" *：:，,")
        clause = max(sentence.rfind(sign, 0, start) for sign in "，,")
        if not candidate or _NOT.search(sentence, clause + 1, start):
            continue
        value = read(candidate)
        if _is_mathematics(value) and not _is_enumeration(value):
            return candidate
    ends = (sentence[place:] for place in range(max(0, len(sentence) - 8), len(sentence) - 1))
    if word := next((end for end in ends if known_word(end)), None):
        return word
    clauses = [clause for clause in _CLAUSE_END.split(sentence) if not _NOT.search(clause)]
    if any(sign.isdigit() or sign == "=" for sign in sentence):
        runs = [run[0].strip(" *") for clause in reversed(clauses) for run in reversed(list(_RUN.finditer(clause)))]
        return next((run for run in runs if any(map(str.isdigit, run)) and _is_mathematics(read(run))), None)
    _, *behind = _VERB.split(clauses[-1] if clauses else "")
    words = behind[-1].strip() if behind else ""
    return words if _are_words(words) else None


def _judged_right(text: str) -> str | None:
    """The one option that is right where each is judged: `A. 错误；B. 正确；C. 错误`."""
    judged = _JUDGED.findall(text[-600:])
    right = [letter for letter, verdict in judged if verdict in ("正确", "√", "符合", "对")]
    return right[0] if len(judged) > 1 and len(right) == 1 else None


def _option(sentence: str) -> str | None:
    """The option that the last clause that names one names, of those in which nothing is denied."""
    is_denied = False
    for clause in reversed(_CLAUSE_END.split(sentence)):
        if len(clause) > 40 or not clause.strip():
            return None
        letters = {match[1] for match in _OPTION.finditer(clause) if _are_options(match[1], clause)}
        # What denies one letter denies those that stand before it: `A, C, D错误`.
        is_denied = _DENIED.search(clause) is not None or (is_denied and _LETTER_ALONE.fullmatch(clause) is not None)
        if letters and is_denied:
            continue
        if any(sign.isdigit() or sign in "=°$\\" for sign in clause):
            return None
        return letters.pop() if len(letters) == 1 else None
    return None


def _are_options(letters: str, clause: str) -> bool:
    """Whether several letters are options rather than a segment: in order, and parted or at the end; one letter is."""
    if len(letters) == 1:
        return True
    return bool(option_letters(letters)) and (not letters.isalpha() or clause.strip(" )）.").endswith(letters))


def _are_words(text: str) -> bool:
    if len(text) > _LONGEST_WORDS or not _HAN.search(text) or _PROSE.search(text):
        return False
    return not any(map(str.isdigit, text)) or _NUMBERED.fullmatch(text) is not None


def _is_mathematics(value: Value) -> bool:
    """Whether a value is read to its last part."""
    if isinstance(value, Several):
        return all(map(_is_mathematics, value.items))
    if isinstance(value, Named | Region) and _HAN.search(value.name):
        return False
    if isinstance(value, Named | Family):
        return _is_mathematics(value.value)
    if isinstance(value, Words):
        return not _NO_FORMULA.search(value.text) and (bool(value.letters) or not value.text.isalpha())
    return not isinstance(value, Matrix) or all(_is_mathematics(cell) for row in value.rows for cell in row)


def _is_enumeration(value: Value) -> bool:
    """Whether values of several things are named one after another, of which the last is what was asked for."""
    names = [item.name for item in value.items if isinstance(item, Named)] if isinstance(value, Several) else []
    return len(names) > 1 and not all(len(name.partition("_")[0]) == 1 and name.islower() for name in names)
