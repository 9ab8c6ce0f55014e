"""The phrases that announce an answer: one table per language, a row per phrase, each with an example that is a test.

A row is the phrase as it is written, with a slot at the answer: `{answer}` is what follows up to the end of the
sentence, `{option}` an option's letter or several. `[x/y]` may be there, `(x/y)` has to be; a space is any space or
emphasis, and a colon is one of either width. A language is another table, and another way to say it another row.

Sample: `[final/correct] (answer/ans) (is/are/:) {answer}` is in "The **final answer** is: 45."
"""

import re
from collections.abc import Sequence
from typing import NamedTuple


class Phrase(NamedTuple):
    """A way to announce an answer.

    Attributes:
        form: As the module says.
        example: A text with the phrase.
        answer: Of the example.
    """

    form: str
    example: str
    answer: str


ENGLISH = (
    Phrase(
        "<[final/correct] (answer/ans) (should be/would be/must be/is/are/:/=) {answer}",
        "So the final answer is 45.",
        "45",
    ),
    Phrase(
        "<(correct/right) (option/choice) (should be/would be/must be/is/are/:/=) {answer}",
        "The correct option is B.",
        "B",
    ),
    Phrase("<[final/correct] (answer/ans) {formula}", r"Answer $\frac{1}{2}$.", r"\frac{1}{2}"),
    Phrase("<(correct/right) (option/choice) {formula}", "The right choice $B$.", "B"),
    Phrase("#### {number}", "3 + 4 = 7\n#### 7", "7"),
    Phrase("(option/choice) {option} (is correct/is right/is the correct/is the right)", "Option B is correct.", "B"),
    Phrase("<{option} is [the] (correct/right)", "So (B) is the right one.", "B"),
    Phrase("<(choose/select/pick) [option] {option}", "We choose option C.", "C"),
    Phrase("<(is/are/be)[:] ({option})>", "The smallest angle is (D).", "D"),
)

_ANSWER = "[最终/最后/正确/标准/参考/本题/该题/此题/这道题/题目/所以][的]答案"
_IS = "(选择/应该是/应该为/应该选/应是/应为/应选/就是/便是/即为/即是/则为/则是/是/为/选/:/=)"
_RIGHT = "(正确/对的/对/符合题意/符合条件/符合要求/符合/满足题意/满足条件/满足要求/成立/当选/入选/可选/无误/没错)"
_WHAT = "[选项/答案/结论/说法/判断/命题/描述/一项/那项/项/选择/图形/图像/图象/序号]"

CHINESE = (
    Phrase(f"{_ANSWER}[选项/编号/序号/依次/分别/应该/应]{_IS}[选项/选择/:]{{answer}}", "因此答案为60°。", "60°"),
    Phrase("【[参考/正确/标准]答案】[:]{answer}", "【答案】B", "B"),
    Phrase(f"{_ANSWER}[选项/填空]:{{answer}}", "最终答案：x=3", "x=3"),
    Phrase("!选[择/项/取][答案/选项][:]{option}~", "由此得出，选B。", "B"),
    Phrase("选(出/定/取)[的][答案/选项][是/为][:]{option}", "可以选出B", "B"),
    Phrase("(故/应/因此/所以)[本题][应](选择/选)^[:]{answer}", "故选①③", "①③"),
    Phrase("(故/应/所以/因此/综上/从而/则)填[写/入][:/为]{answer}", "故填：12", "12"),
    Phrase("[最终/最后][的/计算/化简](结果/结论)(是/为/等于/:){answer}", "最终结果为25。", "25"),
    Phrase("答:[解:]{answer}", "答：这个数是7。", "7"),
    Phrase("[选项/答案]{option}[选项/项/答案][就/才][是/为][一项/的说法/的结论/说法/结论]" + _RIGHT, "选项B正确", "B"),
    Phrase(_RIGHT + "[的]" + _WHAT + "[应该/应/就/只有/只/便]" + _IS + "[选项/选择/项][:]{option}", "正确的是B", "B"),
    Phrase(_RIGHT + "[的]" + _WHAT + "[就/只]有[选项]{option}", "符合条件的只有C", "C"),
    Phrase("{option}[选项/项][就/才](是/为)[本题/唯一/该题/此题][的][正确/最终/最佳][的](答案/正解/选项/选择/结果)",
           "可见B为正确答案。", "B"),
    Phrase("(对应/相当于/即/就是/也就是/正是/便是)[的/于/了]选项[的/是/为][:]{option}", "对应选项D", "D"),
    Phrase("(与/和/同)[选项/答案]{option}[选项/项][的][值/结果](一致/相符/相同/吻合/匹配/相等)", "与选项C一致", "C"),
    Phrase("对应[的/于][答案/选项][是/为][:]{option}", "这个值对应C。", "C"),
    Phrase("(选项/答案)[应该/应/就/即][是/为/选][:]{option}>", "答案选项应该是B", "B"),
    Phrase("{option}(选项/项)>", "所以是B选项", "B"),
)  # fmt: skip

TABLES = {"en": ENGLISH, "zh": CHINESE}

_LETTERS = r"[A-H](?:[\s,，、和与及&)）(（]*[A-H])*+"
_OPTION = rf"(?<![a-zA-Z∠△])(?P<option>{_LETTERS})(?![a-zA-Z'_\d=])"
_SLOTS = {
    "{answer}": r"(?P<answer>)",
    "{formula}": r"(?P<answer>)(?=\\\[|\\\(|\$)",
    "{number}": r"(?P<answer>)(?=[-$\\]?\.?\d)",
    "({option})": rf"\({_OPTION}\)",
    "{option}": rf"[\s*$（(【“\"'‘]*{_OPTION}[\s*$）)】”\"'’]*+",
}
_SIGNS = {
    "<": r"(?<![a-zA-Z])",
    ">": r"(?=[\s.。!！*$）)]*(?:$|\n))",
    "~": r"(?!(?:选项|项)?(?:的?(?:说法|结论))?[是为也均都]?(?:错|不|误|排除|非))",
    "^": r"(?![项中出取])",
    "!": r"(?<![可任不别未无])(?<!可以)(?<!不能)(?<!不应)(?<!不该)(?<!不会)",
    "【": r"[【\[]",
    "】": r"[】\]]",
    "[": "(?:",
    "]": ")?",
    "(": "(?:",
    ")": ")",
    "/": "|",
    ":": "[:：]",
    " ": r"[\s*]*",
}
"""What signs of a form stand for; `<` is where a word begins, `>` where a text or a line ends, `~` where no denial
follows, `!` where none comes before, `^` where the word does not go on."""
_PARTS = re.compile("|".join(map(re.escape, (*_SLOTS, *_SIGNS))))


def pattern(phrases: Sequence[Phrase], flags: str = "") -> re.Pattern[str]:
    """One pattern for phrases: each has a group, `answer` or `option` and its place, where its slot is."""
    rows = []
    for place, phrase in enumerate(phrases):
        row, end = "", 0
        for part in _PARTS.finditer(phrase.form):
            row += re.escape(phrase.form[end : part.start()]) + (_SLOTS.get(part[0]) or _SIGNS[part[0]])
            end = part.end()
        row += re.escape(phrase.form[end:])
        rows.append(re.sub(r"\(\?P<(answer|option)>", rf"(?P<\g<1>_{place}>", row))
    return re.compile(f"(?{flags}:{'|'.join(rows)})" if flags else "|".join(rows))
