"""K12 (MM-EUREKA): free-form problems whose gold answers are LaTeX, several blanks on lines of their own.

Sample row: `{"id": "256989c1", "question": "As shown in ...", "answer": "30°", "image_path": "images/256989c1.png"}`
"""

from mathse.sources.adapter import Adapter
from mathse.sources.rows import fields
from mathse.sources.rows.raw import Raw, SourceRow


def problem(row: SourceRow) -> Raw:
    """A row as a raw problem."""
    return Raw(
        question=fields.text(row, "question"),
        # One sentence has to hold the answer, and a line break would end it.
        answer=", ".join(line.strip(" ;") for line in fields.gold(row, "answer").splitlines() if line.strip(" ;")),
        images=fields.images(row, "image_path", "image"),
    )


ADAPTER = Adapter("k12", problem)
