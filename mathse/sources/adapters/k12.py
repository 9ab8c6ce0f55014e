"""K12 (MM-EUREKA): free-form problems whose gold answers are LaTeX, several blanks on lines of their own.

Sample row: `{"id": "256989c1", "question": "As shown in ...", "answer": "30°", "image_path": "images/256989c1.png"}`
"""

from mathse.sources import fields
from mathse.sources.adapter import Adapter
from mathse.sources.raw import Raw, Row, id_of

NAME = "k12"


def problem(row: Row) -> Raw:
    """A row as a raw problem.

    Raises:
        Faulty: Fields are missing or wrong.
    """
    return Raw(
        source=NAME,
        source_id=id_of(row),
        question=fields.text(row, "question"),
        # One sentence has to hold the answer, and a line break would end it.
        answer=", ".join(line.strip(" ;") for line in fields.value(row, "answer").splitlines() if line.strip(" ;")),
        images=fields.within(row.folder, fields.pictures(row, "image_path", "image")),
    )


ADAPTER = Adapter(NAME, problem)
