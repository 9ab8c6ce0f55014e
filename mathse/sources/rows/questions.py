"""A question's text: its image placeholders, and the options that many sources write into it.

Sample: `Find x. Choices: (A) 30 (B) 45 (C) 60`  ->  `Find x.` and `("30", "45", "60")`
"""

# ruff: noqa: RUF001 (questions come in every script)
import re
import unicodedata
from collections.abc import Sequence

from mathse.sources.rows.raw import Faulty

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

PLACEHOLDER = re.compile(r"<(?:image|img)[ _-]?(\d{0,3})>", re.IGNORECASE)
_EDGE = re.compile(r"^(?:\s*<(?:image|img)[ _-]?\d{0,3}>)+|(?:<(?:image|img)[ _-]?\d{0,3}>\s*)+$", re.IGNORECASE)
_BULLET = r"(?:[-*•·–][ \t]+)?"
_BRACKETED = r"[(（\[【]([A-H])[)）\]】]"
_POINTED = r"\*{0,2}([A-H])\*{0,2}(?:[.．](?![A-Z]\.)|[、:：)）])\*{0,2}"
_APART = tuple(re.compile(rf"(?:(?<=\s)|^){_BULLET}{mark}[ \t]*") for mark in (_BRACKETED, _POINTED))
_GLUED = tuple(re.compile(rf"(?<![A-Z]){mark}[ \t]*") for mark in (_BRACKETED, _POINTED))
"""Options that nothing parts from what stands before them: `等于（  ）A．30°B．45°`."""
_OPENS = re.compile(r"[)）\]】?？。.．:：,，;；=_>\s]\Z")
"""What may stand before the first of these."""
_SEPARATORS = (";", "；", ",", "，")
"""What may part options that stand in one line."""
_BLANK = re.compile(r"[(（]\s*[)）]\s*[.。:：]?\s*\Z")
"""The place where the option's letter is to be written: options follow."""
_HEADING = re.compile(
    r"(?:^|(?<=\s))(?:answer )?(?:choices|options|选项)(?: are| below|如下)?[ \t]*[:：]\s*$", re.IGNORECASE
)
_LABEL = re.compile(rf"{_BULLET}(?:{_BRACKETED}|{_POINTED})\s*")
_LETTER = re.compile(r"(?:故?选项?|[Oo]ption )?[(\[【]?([A-Z])[)\]】]?[.:、。]?")
_LONGEST_OPTION = 500
_WHAT = "(?:答案?|证明?|解析?|解答|过程|步骤|作图|画图|图形?|[本此]题|[:：,，;；、 ])"
_NO_ANSWERS = (
    r"proof|prove[dn]?|to be prove[dn]|q\.?e\.?d|omitted|skipped|<?n[./]?a>?|none|null|nil|nan|unknown|tbd|todo",
    r"answer|solution",
    r"no answer(?: .{1,20})?|no (?:solution|explanation)s? (?:is |was )?(?:provided|given|available)",
    r"not (?:available|applicable|given|provided|known)",
    r"to be determined|open[- ]ended|same as (?:above|before)",
    r"answers? (?:vary|varies|may vary|will vary)|(?:see|refer to|as shown|shown (?:in|on|above|below)) ?.{0,40}",
    r"(?:the )?(?:answer|proof|solution|explanation)s? (?:is |are )?(?:omitted|above|below|not .{1,20}|left .{1,40})",
    rf"{_WHAT}*(?:略去?|省略|从略|看图|如图(?:所示)?|同上)",
    rf"(?:{_WHAT}|[请具体详])*参?见.{{0,3}}(?:解析|解答|详解|答案|分析|证明|过程|图|上|下|题|书|附件)[^\d]{{0,4}}",
    r"left (?:to the (?:reader|student)|as an exercise).{0,40}|open[- ]ended(?: question)?",
    r"(?:暂?无|没有|暂缺)(?:答案|解析|.{0,2}答案)|未知|未提供|未给出|待定|待补充?|不详|开放(?:题|性试题)|(?:答案)?不唯一",
    r"证毕|得证|证明题?|[画作]图题?|解析|解答|答案?",
    r"(?:証明)?省?略|解説(?:を)?参照|図(?:を)?参照|(?:풀이|해설|그림) ?참[조고]|생략|증명|доказательство|см\. .{1,30}",
    r"нет ответа|(?:voir|siehe|véase|veja|vedi) .{1,30}|sin respuesta|sem resposta|sans réponse|ohne antwort",
)
"""What stands for an answer where a source has none, a row for each form; English, Chinese, others."""
_NO_ANSWER = re.compile("|".join(_NO_ANSWERS))
_SIMPLIFIED = str.maketrans("見參請詳體證過驟圖畫題無開給", "见参请详体证过骤图画题无开给")
"""The characters of these forms that are written in another way in traditional Chinese."""
_EMPTY = " \t\r\n.。,，;；:：!！?？…·_-–—~*#/\\|'\"“”‘’`()[]{}（）【】《》「」$"
_IN_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf|boxed)\s*\{([^{}]*)\}")


def split_options(text: str) -> tuple[str, tuple[str, ...]]:
    """The question and the values of its options; none if it has none.

    Options are marked `(A)`, `A.`, `A、`, `A:` or `- A:` in the order of the alphabet. Where neither a heading
    (`Choices:`) nor an empty bracket opens them, they have to stand on lines of their own or to be three at least, as
    prose has letters too.
    """
    for pattern in (*_APART, *_GLUED):
        marks = _run(list(pattern.finditer(text)))
        if not marks:
            continue
        ends = [mark.start() for mark in marks[1:]] + [len(text)]
        options = tuple(text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True))
        if all(option[-1:] in _SEPARATORS for option in options[:-1]):
            options = tuple(option.rstrip("".join(_SEPARATORS)).strip() for option in options)
        before = text[: marks[0].start()]
        heading = _HEADING.search(before)
        sure = heading is not None or _BLANK.search(before) is not None or len(marks) > 2
        if pattern in _GLUED:
            sure = sure and (not before or _OPENS.search(before) is not None)
        else:
            sure = sure or all(not text[: mark.start()].rpartition("\n")[2].strip() for mark in marks)
        if sure and all(0 < len(option) <= _LONGEST_OPTION for option in options):
            return (before[: heading.start()] if heading else before).strip(), options
    return text.strip(), ()


def unlabelled(options: Sequence[str]) -> tuple[str, ...]:
    """The options without the letters before them, where every option has its own."""
    labels = [_LABEL.match(option) for option in options]
    if any(label is None or letter not in label.groups() for label, letter in zip(labels, LETTERS, strict=False)):
        return tuple(options)
    return tuple(option[label.end() :].strip() for option, label in zip(options, labels, strict=True) if label)


def is_no_answer(answer: str) -> bool:
    """Whether a gold answer says that there is none: `proof`, `见解析`, `N/A`, or nothing but punctuation."""
    text = _IN_TEXT.sub(r"\1", unicodedata.normalize("NFKC", answer).casefold()).strip()
    bare = text.strip(_EMPTY)
    return not bare or any(_NO_ANSWER.fullmatch(form) for form in (bare, bare.translate(_SIMPLIFIED)))


def letter(answer: str) -> str | None:
    """The option letter that an answer is and nothing else: `B`, `(B)`, `B.`, `选B`; None if it is none."""
    match = _LETTER.fullmatch(unicodedata.normalize("NFKC", answer).strip(" \t\r\n*"))
    return match[1] if match else None


def labelled(answer: str) -> tuple[str, str] | None:
    """Letter and value of an answer that has both: `B. 45°`; None if it has not."""
    match = _LABEL.match(answer.strip())
    value = answer.strip()[match.end() :].strip() if match else ""
    return ((match[1] or match[2]), value) if match and value else None


def letter_at(place: int, choices: Sequence[str], field: str) -> str:
    """The letter of the option at the place that a field of the row says.

    Raises:
        Faulty: There is no option.
    """
    if not 0 <= place < min(len(choices), len(LETTERS)):
        raise Faulty("gold is not among the choices", f"{field} {place} of {len(choices)}")
    return LETTERS[place]


def placeholders(question: str) -> list[int]:
    """The numbers of the images that the question refers to, from 1, in the order of the text.

    `<image1>` has its number; the n-th `<image>` is image n.
    """
    numbers: list[int] = []
    plain = 0
    for placeholder in PLACEHOLDER.finditer(question):
        if not placeholder[1]:
            plain += 1
        numbers.append(int(placeholder[1]) if placeholder[1] else plain)
    return numbers


def without_placeholders(question: str) -> str:
    """The question as a model may be asked it: what stands for an image is markup to some models.

    A placeholder at the start or end goes, as images are put before the question; one within it becomes `(image 2)`.
    """
    if "<" not in question:
        return question.strip()
    numbers = iter(placeholders(question))
    marked = PLACEHOLDER.sub(lambda _: f"<image{next(numbers)}>", question.strip())
    return PLACEHOLDER.sub(lambda placeholder: f"(image {placeholder[1]})", _EDGE.sub("", marked)).strip()


def _run(marks: list[re.Match[str]]) -> list[re.Match[str]]:
    """The last sequence A, B, ... that goes on to the end of the marks."""
    marks = marks[-len(LETTERS) :]
    starts = [place for place, mark in enumerate(marks) if mark[1] == "A"]
    for start in reversed(starts):
        run = marks[start:]
        if len(run) > 1 and all(mark[1] == LETTERS[place] for place, mark in enumerate(run)):
            return run
    return []
