"""Math-PUMA, stage 3: `image_url, instruction, output`, a question with a worked solution.

Sample row: `{"image_url": ["images/1.png"], "instruction": "Find x. A. 30 B. 45 C. 60", "output": "... answer is B"}`
"""

from mathse.sources import chat
from mathse.sources.adapter import Adapter, own_solutions
from mathse.sources.rows import fields
from mathse.sources.rows.raw import Raw, SourceRow


def problem(row: SourceRow) -> Raw:
    """A row as a raw problem; `Faulty` if its output has no final answer."""
    images = fields.images(row, "image_url")
    return chat.solved(row, fields.text(row, "instruction"), fields.text(row, "output"), images)


ADAPTER = Adapter("math_puma", problem, chat.rows, root=chat.root, recorded=own_solutions("math_puma"))
