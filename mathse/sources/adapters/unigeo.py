"""UniGeo: pickles of geometry problems, to calculate (with options) or to prove.

A proof has no final answer that a rule could compare, so the proving half is rejected row by row with that reason.

Sample row: `{"id": 9, "English_problem": "... angle 1 = N_0 ...", "choice_nums": [30.0, 60.0], "label": 1, ...}`
"""

from mathse.sources.adapter import Adapter
from mathse.sources.geometry_pickles import options, pickled_rows, picture, question_text
from mathse.sources.rows import fields
from mathse.sources.rows.raw import Faulty, Raw, SourceRow


def problem(row: SourceRow) -> Raw:
    """A row as a raw problem; `Faulty` if it is a proof."""
    if "proving_sequence" in row.fields:
        raise Faulty("a proof has no final answer")
    choices, letter = options(row)
    return Raw(
        question=question_text(row, "English_problem"),
        answer=letter,
        choices=choices,
        images=(picture(row, "image"),),
        subject="geometry",
        split=fields.split_in_name(row),
    )


ADAPTER = Adapter("unigeo", problem, pickled_rows, hub=False)
