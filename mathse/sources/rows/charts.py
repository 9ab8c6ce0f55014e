"""A row of ChartQA as a raw problem, be it of the training data or of the benchmark.

Sample row: `{"imgname": "41699051005347.png", "query": "How many food items are shown?", "label": "14"}`
"""

import re

from mathse.sources.rows import fields
from mathse.sources.rows.raw import Faulty, Raw, SourceRow, id_of

_LISTED = re.compile(r"\[([^\[\]]+)\]")


def problem(row: SourceRow) -> Raw:
    """A row as a raw problem; `Faulty` if its label is a list of more than one."""
    question, label = fields.text(row, "query", "question"), row.fields.get("label")
    if not isinstance(label, list | tuple):
        answer = fields.gold(row, "label", "answer")
        if listed := _LISTED.fullmatch(answer):
            # In the data set's own files a list is text: `[2013, 2016]`, `[2003,2009]`, `['a', 'b']`.
            items = listed[1].split(", " if ", " in listed[1] else ",")
            answer = ", ".join(item.strip().strip("'\"") for item in items if item.strip())
    elif len(label) == 1:
        answer = fields.as_value(label[0], "label[0]")
    else:
        raise Faulty("several answers", str(len(label)))
    if row.fields.get("imgname") is not None:
        images = fields.within(row.folder, fields.within("png", (fields.text(row, "imgname"),)))
    else:
        images = fields.images(row, "image")
    if not images:
        raise Faulty("missing field", "imgname or image")
    return Raw(
        question,
        answer,
        images=images,
        subject="charts",
        split=fields.split_in_name(row),
        source_id=id_of(row),  # the benchmark knows its items by their ids
    )
