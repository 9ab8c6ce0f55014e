"""Leakage: training problems that are benchmark items, and paths that say the same thing twice.

`text` finds shared questions, `pictures` shared images, `near` near-duplicate texts; `grams` holds the hashing that all
of them need; `screen` looks through the problems of a run. What is found is a table of pairs with both sides in it:

    problem_id 9f86...  benchmark mathvista  item_id 17  kind shared_grams  score 6.5  removed true
    shared     "triangle abc angle a equal 80 angle b equal 60"  question "As shown ..."  item_question "In the ..."
"""

from enum import StrEnum

from mathse.tables.schemas import Leak

__all__ = ["Kind", "Leak"]


class Kind(StrEnum):
    """How a training problem and a benchmark item are alike."""

    EQUAL_TEXT = "equal_text"
    SHARED_GRAMS = "shared_grams"
    NEAR_IMAGE = "near_image"
