"""What one request and one training row take in tokens: counted on sample problems, before anything is run.

Prompts are the run's own, filled in with problems of its sources. Their text is counted by the model's tokenizer and
chat template where its folder is at hand, else by a stated number of characters per token; images by the family's own
processor in either case. A solution is the solver's where the solver teaches, else one of a stated length.

Sample: `Means(solve_in=158.2, path=54.0, judge_in=401.7, verdict=57.1, reflect_in=446.9, row=212.2, longest=260)`
"""

import io
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Protocol

import PIL.Image

from mathse.loop import annotate, reflect
from mathse.loop.ask import prompts, replies
from mathse.loop.ask.engines.local.families import FAMILIES, Family
from mathse.loop.ask.requests import judge_turn
from mathse.params import FigureSource, Params
from mathse.sources import figures
from mathse.synthetic.figures import figure
from mathse.synthetic.mistakes import wrong_solution
from mathse.synthetic.review import review
from mathse.tables.schemas import MARKER, Image, Message, Problem, Status
from mathse.training.image_tokens import tokens_of_size

TEMPLATE_TOKENS = 12
"""Tokens of a chat template around a question and its answer, where no tokenizer counts them."""


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
        draft: What a reflection's row has besides, where it shows its draft (`mix.reflections`); else 0.
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
    draft: float
    judge_row: float
    longest: float


@dataclass(frozen=True)
class Example:
    """A problem of the sample, with a solution, and the first wrong step of another with what is wrong in it."""

    problem: Problem
    images: Sequence[Image]
    path: str
    error_step: str
    error_analysis: str


def sample(settings: Params, size: int, path_chars: int, image_side: int) -> list[Example]:
    """Problems of the run's sources.

    Args:
        size: How many problems, about.
        path_chars: Length of a solution where the teacher is not the solver.
        image_side: Of a data set's images, in pixels.
    """
    share = math.ceil(size / len(settings.problems.sources))
    examples = []
    for source in settings.problems.sources:
        # A data set is not read here: drawn figures stand for its problems, and are scaled to the size of its images.
        drawn = isinstance(source, FigureSource)
        seed = source.seed if isinstance(source, FigureSource) else 0
        problems, images = figures.load(FigureSource(name="figures", seed=seed, train=share, orm=1, test=1))
        by_id = {image.image_id: image if drawn else _scaled(image, image_side) for image in images}
        for problem in problems:
            path = problem.solution or ""
            if settings.teacher.engine != "solver":
                path = "".join(islice(cycle(f"{path or problem.question}\n"), path_chars))
            scene = figure(problem.source_id)
            remark = review(scene, wrong_solution(scene, random.Random(0)) or "")
            wrong = (remark.step, remark.analysis) if remark else ("Step 2: 50 + 60 = 120.", "50 + 60 is 110, not 120.")
            examples.append(Example(problem, [by_id[name] for name in problem.image_ids], path, *wrong))
    return examples


def _scaled(image: Image, side: int) -> Image:
    buffer = io.BytesIO()
    PIL.Image.open(io.BytesIO(image.data)).convert("RGB").resize((side, side)).save(buffer, "JPEG", quality=90)
    return image.model_copy(update={"data": buffer.getvalue(), "format": "JPEG", "width": side, "height": side})


class Counter(Protocol):
    """Counts the tokens of a conversation, up to where the reply begins, or with it."""

    def __call__(self, messages: Sequence[Message], images: Sequence[Image], reply: str = "") -> int:
        """Count."""
        ...


def by_characters(
    chars_per_token: float, image_tokens: Callable[[Image], int], template_tokens: int = TEMPLATE_TOKENS
) -> Counter:
    """Counts text by its characters, where no tokenizer is at hand."""

    def count(messages: Sequence[Message], images: Sequence[Image], reply: str = "") -> int:
        characters = sum(len(message.content) for message in messages) + len(reply)
        return math.ceil(characters / chars_per_token) + template_tokens + sum(map(image_tokens, images))

    return count


def by_processor(folder: Path) -> Counter:
    """Counts with a model folder's own tokenizer, chat template and image processor."""
    from mathse.loop.ask.engines.local.loading import load_processor
    from mathse.loop.ask.engines.runtimes.transformers import conversation

    processor: Any = load_processor(folder)

    def processed(text: str, images: Sequence[PIL.Image.Image]) -> int:
        given = {"images": [list(images)]} if images else {}
        return len(processor(text=[text], add_special_tokens=False, **given)["input_ids"][0])

    def counted(text: str, sizes: Sequence[tuple[int, int]]) -> int | None:
        counts = [tokens_of_size(processor, *size) for size in sizes]
        if None in counts:
            return None
        ids = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        # In the template's text one token stands for each image.
        return len(ids) + sum(count - 1 for count in counts if count is not None)

    def rendered(messages: Sequence[Message], images: int, reply: str = "") -> str:
        turns = [*messages, Message(role="assistant", content=reply)] if reply else messages
        text: str = processor.apply_chat_template(
            conversation(turns, images), tokenize=False, add_generation_prompt=not reply
        )
        return text

    # A family that puts more around an image, or sees two otherwise than one, counts by doing all of its work.
    probe = rendered(prompts.turn("x"), 2)
    is_exact = counted(probe, [(90, 120)] * 2) == processed(probe, [PIL.Image.new("RGB", (120, 90))] * 2)

    def count(messages: Sequence[Message], images: Sequence[Image], reply: str = "") -> int:
        text = rendered(messages, len(images), reply)
        length = counted(text, [(image.height, image.width) for image in images]) if is_exact or not images else None
        if length is None:
            length = processed(text, [PIL.Image.open(io.BytesIO(image.data)).convert("RGB") for image in images])
        return length

    return count


def known_image_tokens(kind: Family, limits: Mapping[str, int]) -> Callable[[Image], int]:
    """Tokens of an image under a family's public checkpoints, of which no folder is at hand.

    Args:
        kind: The family; of one without a rule that is known here Qwen2-VL's is taken, a token for 28 x 28 pixels.
        limits: Of `base.image`.

    Raises:
        ImageLimitError: The family has no such limit.
    """
    from mathse.loop.ask.engines.local import loading  # noqa: F401 (makes torchvision importable)

    import transformers  # isort: skip
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES  # isort: skip
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES  # isort: skip

    changes = kind.limited(kind.defaults, limits)
    processors = {name: getattr(transformers, PROCESSOR_MAPPING_NAMES.get(name, ""), None) for name in FAMILIES}
    listed = kind if hasattr(processors.get(kind.model_type), "_get_num_multimodal_tokens") else FAMILIES["qwen2_vl"]
    settings = {**listed.defaults, **(changes if listed is kind else {})}
    # A processor cannot be made without a tokenizer, but it counts an image's tokens without asking it.
    kind_of_processor: Any = processors[listed.model_type]
    processor = object.__new__(kind_of_processor)
    images_as = IMAGE_PROCESSOR_MAPPING_NAMES[listed.model_type.removesuffix("_moe")]  # which the dense one has too
    pixels = getattr(transformers, images_as["pil"])(**settings)
    vars(processor).update(settings, image_processor=pixels)
    return lambda image: tokens_of_size(processor, image.height, image.width) or 0


def openai_tiles(image: Image) -> int:
    """Tokens of an image at a teacher's server, about: OpenAI's rule for its GPT-4 models with vision.

    Scaled into 2048 x 2048, then to at most 768 on the shorter side; 85 tokens, and 170 per tile of 512 x 512.
    """
    scale = min(1.0, 2048 / max(image.height, image.width))
    scale *= min(1.0, 768 / (scale * min(image.height, image.width)))
    return 85 + 170 * math.ceil(scale * image.height / 512) * math.ceil(scale * image.width / 512)


def means(settings: Params, examples: Sequence[Example], local: Counter, teacher: Counter) -> Means:
    """Count every kind of request on the sample.

    Args:
        settings: The whole of params: prompts, and whether the judge sees the gold answer.
        examples: The sample.
        local: Counts as the student and the ORM see things.
        teacher: Counts as the teacher does.
    """
    rows = [_counts(settings, example, local, teacher) for example in examples]
    mean = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
    return Means(**{**mean, "longest": max(row["longest"] for row in rows)})


def _counts(settings: Params, example: Example, local: Counter, teacher: Counter) -> dict[str, float]:
    """Tokens of one problem's requests and rows."""
    problem, path, images = example.problem, example.path, example.images
    fields = {
        "question": prompts.question_with_choices(problem), "path": path, "gold": problem.answer,
        "error_step": example.error_step, "error_analysis": example.error_analysis,
    }  # fmt: skip
    question = prompts.turn(prompts.render(settings.student.prompt, fields))
    to_judge, _ = judge_turn(settings.judge.prompt, problem, path, settings.judge.reference, settings.orm.target)
    target, answers = settings.orm.target, "different"
    steps = re.split(r"\n|(?<=\.) (?=Step \d)", path.partition(MARKER)[0].strip())
    checks = [f"{step.rstrip('.')} and {step.split()[-1].rstrip('.')}: same" for step in steps if step.strip()]
    verdicts = (
        replies.write(Status.CORRECT, answers=answers, checks=checks, target=target),
        replies.write(
            Status.WRONG, example.error_step, example.error_analysis, answers, checks[: len(checks) // 2 + 1], target
        ),
    )
    solve_in, row = local(question, images), local(question, images, path)
    judge_in, judged = local(to_judge, images), [local(to_judge, images, verdict) for verdict in verdicts]
    judge_row = sum(judged) / len(judged)
    draft = 0
    if settings.mix.reflections == "draft" and settings.student.prompt in prompts.WITH_DRAFT:
        shown = prompts.render(prompts.WITH_DRAFT[settings.student.prompt], fields)
        draft = local(prompts.turn(shown), images, path) - row

    def to_teacher(prompt: str) -> int:
        return teacher(prompts.turn(prompts.render(prompt, fields)), images)

    return {
        "solve_in": solve_in, "teacher_in": to_teacher("solve@1"), "path": row - solve_in, "judge_in": judge_in,
        "annotate_in": to_teacher(annotate.Lesson(target, settings.judge.reference).prompt),
        "verdict": judge_row - judge_in,
        "reflect_in": to_teacher(reflect.PROMPT), "row": row, "draft": draft, "judge_row": judge_row,
        "longest": max(row + draft, *judged),
    }  # fmt: skip
