"""MathV360K: a chat file beside `data_images/`, in which its image paths lie.

Sample row: `{"id": "identity-0", "image": "TabMWP/images/1.png", "conversations": [{"from": "human", ...}, ...]}`
"""

from functools import partial

from mathse.sources import chat
from mathse.sources.adapter import Adapter, own_solutions

ADAPTER = Adapter(
    "mathv360k",
    chat.problem,
    partial(chat.rows, wanted=lambda name: name.endswith((".json", ".jsonl"))),
    root=chat.root,
    recorded=own_solutions("mathv360k"),
)
