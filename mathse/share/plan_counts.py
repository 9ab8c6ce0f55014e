"""What one request and one training row take in tokens: counted on sample problems, before anything is run.

Prompts are the run's own, filled in with problems of its sources. They are counted by the model's tokenizer and chat
template where its folder is at hand, else by a stated number of characters per token; images by their family's rule in
either case. A solution is the solver's where the solver teaches, else one of a stated length.

Sample: `Means(solve_in=158.2, path=54.0, judge_in=401.7, verdict=57.1, reflect_in=446.9, row=212.2, longest=260)`
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Protocol

from mathse.loop import annotate, reflect
from mathse.loop.ask import prompts, replies
from mathse.loop.ask.engines.local.families import Family, image_settings
from mathse.loop.ask.requests import judge_turn
from mathse.params import FigureSource, Params, Problems
from mathse.sources import figures
from mathse.synthetic.figures import figure
from mathse.synthetic.mistakes import wrong_solution
from mathse.synthetic.review import review
from mathse.tables.schemas import Image, Message, Problem, Status

FRAME = 12
"""Tokens of a chat template around a question and its answer, where no tokenizer counts them."""
_STEP = "Step 2: 50 + 60 = 120."
_ANALYSIS = "50 + 60 is 110, not 120."


@dataclass(frozen=True)
class Means:
    """Mean tokens over the sample; images are counted wherever a model sees them.

    Attributes:
        solve_in: A problem as the student is asked.
        teacher_in: A problem as the teacher is asked, `solve@1`.
        path: A solution.
        judge_in: A path with its problem, as the judge is asked.
        annotate_in: The same, as the teacher is asked to mark it.
        verdict: A judge's reply; half of the paths are wrong, with a step named.
        reflect_in: A wrong path with its problem, as the teacher is asked to reconsider it.
        row: A training row of a student.
        judge_row: A training row of the ORM, half of them of wrong paths.
        longest: The longest training row of the sample, of either kind.
    """

    solve_in: float
    teacher_in: float
    path: float
    judge_in: float
    annotate_in: float
    verdict: float
    reflect_in: float
    row: float
    judge_row: float
    longest: float


@dataclass(frozen=True)
class Sample:
    """Problems, with what is said of them.

    Attributes:
        problems: Drawn or read from the run's sources.
        images: By id.
        paths: A solution to each.
        doubts: The wrong step of a mistaken solution to each, and what is wrong with it.
    """

    problems: Sequence[Problem]
    images: dict[str, Image]
    paths: Sequence[str]
    doubts: Sequence[tuple[str, str]]

    @property
    def image_bytes(self) -> float:
        """Mean size of an encoded image."""
        return sum(len(image.data) for image in self.images.values()) / len(self.images)


def sample(settings: Params, size: int, path_chars: int) -> Sample:
    """Problems of the run's sources, with solutions.

    Args:
        settings: The whole of params.
        size: How many problems.
        path_chars: Length of a solution where the teacher is not the solver.
    """
    problems, images = _problems(settings.problems, size)
    solver = settings.teacher.engine == "solver"
    paths = [one.solution or "" if solver else _stretched(one.solution or one.question, path_chars) for one in problems]
    doubts = [_doubt(problem) for problem in problems]
    return Sample(problems, {image.image_id: image for image in images}, paths, doubts)


def _doubt(problem: Problem) -> tuple[str, str]:
    """A wrong step and its analysis, as a reviewer of the figure words them."""
    scene = figure(problem.source_id)
    found = review(scene, wrong_solution(scene, random.Random(0)) or "")
    return (found.step, found.analysis) if found else (_STEP, _ANALYSIS)


def _problems(settings: Problems, size: int) -> tuple[list[Problem], list[Image]]:
    share = math.ceil(size / len(settings.sources))
    problems: list[Problem] = []
    images: list[Image] = []
    for source in settings.sources:
        # Of a data set nothing is read here: drawn figures stand for its problems.
        seed = source.seed if isinstance(source, FigureSource) else 0
        fewer = FigureSource(name="figures", seed=seed, train=share, orm=1, test=1)
        drawn, pictures = figures.load(fewer)
        problems += drawn
        images += pictures
    return problems, images


def _stretched(text: str, length: int) -> str:
    """A text of a given length with the words of another."""
    return "".join(islice(cycle(f"{text}\n"), length))


class Tokens(Protocol):
    """Counts tokens."""

    def turn(self, messages: Sequence[Message], images: Sequence[Image], reply: str = "") -> int:
        """Tokens of a conversation, up to where the reply begins, or with it."""
        ...


class ByRatio:
    """Counts characters."""

    def __init__(self, family: Family, image: Mapping[str, int], chars_per_token: float) -> None:
        """Count by a family's images, within the limits of `base.image`, and a number of characters per token."""
        self._family, self._ratio = family, chars_per_token
        self._settings = family.limited({}, image)

    def turn(self, messages: Sequence[Message], images: Sequence[Image], reply: str = "") -> int:
        """See `Tokens`."""
        text = sum(len(message.content) for message in messages) + len(reply)
        seen = sum(self._family.image_tokens(image.height, image.width, self._settings) for image in images)
        return math.ceil(text / self._ratio) + FRAME + seen


class ByTokenizer:
    """Counts with a model folder's own tokenizer, chat template and image settings."""

    def __init__(self, folder: Path, family: Family) -> None:
        """Load the processor; no weights."""
        from mathse.loop.ask.engines.local.loading import load_processor

        self._processor: Any = load_processor(folder)
        self._family, self._settings = family, image_settings(folder)

    def turn(self, messages: Sequence[Message], images: Sequence[Image], reply: str = "") -> int:
        """See `Tokens`."""
        from mathse.loop.ask.engines.runtimes.transformers import conversation

        said = [*messages, Message(role="assistant", content=reply)] if reply else messages
        text = self._processor.apply_chat_template(
            conversation(said, len(images)), tokenize=False, add_generation_prompt=not reply
        )
        seen = sum(self._family.image_tokens(image.height, image.width, self._settings) - 1 for image in images)
        return len(self._processor.tokenizer(text, add_special_tokens=False)["input_ids"]) + seen


class ByApi:
    """Counts as a teacher's server will, about: text by characters, images by tiles.

    The tiles are OpenAI's rule for its GPT-4 models with vision: scaled into 2048 x 2048, then to at most 768 on the
    shorter side; 85 tokens, and 170 a tile of 512 x 512.
    """

    def __init__(self, chars_per_token: float) -> None:
        """Count by a number of characters per token."""
        self._ratio = chars_per_token

    def turn(self, messages: Sequence[Message], images: Sequence[Image], reply: str = "") -> int:
        """See `Tokens`."""
        text = sum(len(message.content) for message in messages) + len(reply)
        return math.ceil(text / self._ratio) + sum(self._image(image) for image in images)

    @staticmethod
    def _image(image: Image) -> int:
        scale = min(1.0, 2048 / max(image.height, image.width))
        scale *= min(1.0, 768 / (scale * min(image.height, image.width)))
        return 85 + 170 * math.ceil(scale * image.height / 512) * math.ceil(scale * image.width / 512)


def means(settings: Params, given: Sample, local: Tokens, teacher: Tokens) -> Means:
    """Count every kind of request on the sample.

    Args:
        settings: The whole of params: prompts, and whether the judge sees the gold answer.
        given: Problems with solutions.
        local: Counts as the student and the ORM see things.
        teacher: Counts as the teacher does.
    """
    rows = [_count(settings, given, place, local, teacher) for place in range(len(given.problems))]
    named = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
    named["longest"] = max(row["longest"] for row in rows)
    return Means(**named)


def _count(settings: Params, given: Sample, place: int, local: Tokens, teacher: Tokens) -> dict[str, float]:
    """Tokens of one problem's requests and rows."""
    problem, path, (step, analysis) = given.problems[place], given.paths[place], given.doubts[place]
    images = [given.images[image_id] for image_id in problem.image_ids]
    fields = {
        "question": prompts.question_with_choices(problem), "path": path, "gold": problem.answer, "error_step": step,
        "error_analysis": analysis,
    }  # fmt: skip
    asked = prompts.turn(prompts.render(settings.student.prompt, fields))
    judged, _ = judge_turn(settings.judge.prompt, problem, path, settings.judge.reference)
    marks = (replies.write(Status.CORRECT, None, None), replies.write(Status.WRONG, step, analysis))
    solve_in, row = local.turn(asked, images), local.turn(asked, images, path)
    judge_in, marked = local.turn(judged, images), [local.turn(judged, images, mark) for mark in marks]

    def taught(prompt: str) -> int:
        return teacher.turn(prompts.turn(prompts.render(prompt, fields)), images)

    judge_row = sum(marked) / len(marked)
    return {
        "solve_in": solve_in, "teacher_in": taught("solve@1"), "path": row - solve_in, "judge_in": judge_in,
        "annotate_in": taught(annotate.PROMPT), "verdict": judge_row - judge_in, "reflect_in": taught(reflect.PROMPT),
        "row": row, "judge_row": judge_row, "longest": max(row, *marked),
    }  # fmt: skip
