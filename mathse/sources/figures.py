"""The source `figures`: drawn figure problems, split by content.

The splits are cut from one sequence in which every figure differs in content from all before it (picture, question and
numbers; not only in wording or jitter), so no test problem is a training problem drawn again.
"""

from collections.abc import Iterator
from itertools import islice

from mathse.params import FigureSource
from mathse.sources.admit import NO_FOLDER, Admitted, Limits, admit
from mathse.sources.choice import SourceSplits
from mathse.sources.rows.raw import Pixels, Raw
from mathse.synthetic.figures import figures
from mathse.tables.schemas import Image, Problem, Split

NAME = "figures"
LICENCE = "Apache-2.0"


def load(source: FigureSource) -> tuple[list[Problem], list[Image]]:
    """Draw the problems of all splits.

    Returns:
        Problems and their images; one image per problem, in the same order.
    """
    admitted = [
        row
        for row in admit(read(source), NO_FOLDER, LICENCE, Limits(), SourceSplits())
        if isinstance(row, Admitted)  # all are
    ]
    return [row.problem for row in admitted], [image for row in admitted for image in row.images]


def read(source: FigureSource) -> Iterator[Raw]:
    """The same problems as they are drawn, for admission."""
    splits = [Split.TEST] * source.test + [Split.ORM] * source.orm + [Split.TRAIN] * source.train
    for drawn, split in zip(islice(figures(source.seed), len(splits)), splits, strict=True):
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
            language="en",
            split=split.value,
        )
