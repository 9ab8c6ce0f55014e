"""What a model thinks and what it answers, where it sets the two apart by tags.

What is thought is no answer, and no part of a solution: it is neither judged, nor trained on, nor searched. What stands
in the tags of an answer is the answer.

Sample: `<think>Is it 30? No.</think>So it is <answer>45</answer>.`
"""

import re

_NAMES = r"think(?:ing)?|thoughts?|seed:think"
_OPENING = rf"<(?P<name>{_NAMES})>|◁think▷|\[THINK\]|<\|channel\|>analysis<\|message\|>"
_CLOSING = rf"</(?:{_NAMES})>|◁/think▷|\[/THINK\]|<\|end\|>|<\|channel\|>final<\|message\|>"
_THOUGHT = re.compile(rf"(?:{_OPENING}).*?(?:{_CLOSING})\s*", re.DOTALL | re.IGNORECASE)
_REST_OF_A_THOUGHT = re.compile(rf"\A.*(?:</(?:{_NAMES})>|◁/think▷|\[/THINK\])\s*", re.DOTALL | re.IGNORECASE)
_UNFINISHED = re.compile(rf"(?:{_OPENING}).*\Z", re.DOTALL | re.IGNORECASE)
_STEPS = re.compile(r"<(reasoning|reflection|analysis|summary|caption)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_ANSWER_NAMES = "final[ _-]?answer|answer|ans|conclusion"
_ANSWER = re.compile(
    rf"<(?P<name>{_ANSWER_NAMES})>(?P<text>(?:(?!<(?:{_ANSWER_NAMES})>).)*?)(?:</(?P=name)>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_ALL = re.compile(
    rf"\A\s*<(?P<name>{_ANSWER_NAMES})>\s*(?P<text>(?:(?!</?(?:{_ANSWER_NAMES})>).)*?)\s*(?:</(?P=name)>\s*)?\Z",
    re.DOTALL | re.IGNORECASE,
)
_BOX = re.compile(r"<\|begin_of_box\|>(?P<text>.*?)(?:<\|end_of_box\|>|\Z)", re.DOTALL)
_BOX_SIGN = re.compile(r"<\|(?:begin|end)_of_box\|>")
_FINAL = re.compile(r"\A(?:<\|start\|>assistant)?<\|channel\|>final<\|message\|>|<\|return\|>\s*\Z")


def without_thought(text: str) -> str:
    """A reply without the thought in it, and without the tags around it where all the rest is tagged as the answer.

    A thought whose beginning is the prompt's is left out too. One that was cut off before it ended is all there is, and
    stays: see `concluding`.
    """
    reply = _unthought(text)
    match = _ALL.match(reply)
    return _BOX_SIGN.sub("", match["text"]) if match else reply


def concluding(text: str) -> str:
    """The part of a reply in which an answer may stand: without thoughts, cut off or not, and without tagged steps."""
    reply = _UNFINISHED.sub("", _unthought(text))
    return _STEPS.sub("", reply).strip() or reply.strip()


def _unthought(text: str) -> str:
    if not any(sign in text for sign in ("<", "◁", "[")):
        return text
    return _FINAL.sub("", _REST_OF_A_THOUGHT.sub("", _THOUGHT.sub("", text), count=1))


def tagged_answer(text: str) -> str | None:
    """What stands in the last tags of an answer, or in the last box of special tokens; None if there are none."""
    for pattern in (_ANSWER, _BOX):
        contents = [match["text"].strip() for match in pattern.finditer(text)]
        if content := next((content for content in reversed(contents) if content), None):
            return _BOX_SIGN.sub("", content).strip() or None
    return None
