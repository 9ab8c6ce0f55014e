"""The source `figures`: drawn figure problems, split by content.

The splits are cut from one sequence in which every figure differs in content from all before it (picture, question and
numbers; not only in wording or jitter), so no test problem is a training problem drawn again.
"""

from collections.abc import Iterator
from itertools import islice

from mathse.params import FigureSource
from mathse.sources.images import encode
from mathse.sources.rows.raw import Pixels, Raw
from mathse.synthetic.figures import Figure, figures
from mathse.tables.schemas import Image, Problem, Split

NAME = "figures"
LICENCE = "Apache-2.0"


def load(source: FigureSource) -> tuple[list[Problem], list[Image]]:
    """Draw the problems of all splits.

    Returns:
        Problems and their images; one image per problem, in the same order.
    """
    problems: list[Problem] = []
    images: list[Image] = []
    for drawn, split in _drawn(source):
        image = encode(drawn.image())
        problem = Problem(
            problem_id=Problem.id_for(drawn.question, drawn.choices, drawn.answer, (image.image_id,)),
            source=NAME,
            source_id=drawn.source_id,
            licence=LICENCE,
            split=split,
            question=drawn.question,
            choices=drawn.choices,
            answer=drawn.answer,
            solution=drawn.solution,
            image_ids=(image.image_id,),
            subject=drawn.subject,
            level=drawn.level,
            language="en",
        )
        problems.append(problem)
        images.append(image)
    return problems, images


def read(source: FigureSource) -> Iterator[Raw]:
    """The same problems as they are drawn, for admission."""
    for drawn, split in _drawn(source):
        image = drawn.image()
        yield Raw(
            source=NAME,
            source_id=drawn.source_id,
            question=drawn.question,
            answer=drawn.answer,
            choices=drawn.choices,
            solution=drawn.solution,
            images=(Pixels(image.width, image.height, image.mode, image.tobytes()),),
            subject=drawn.subject,
            level=drawn.level,
            split=split.value,
        )


def _drawn(source: FigureSource) -> Iterator[tuple[Figure, Split]]:
    splits = [Split.TEST] * source.test + [Split.ORM] * source.orm + [Split.TRAIN] * source.train
    return zip(islice(figures(source.seed), len(splits)), splits, strict=True)
