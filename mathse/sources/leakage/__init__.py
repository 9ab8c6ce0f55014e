"""Leakage: training problems that are benchmark items, and paths that say the same thing twice.

`text` finds shared questions, `pictures` shared images, `near` near-duplicate texts; `grams` holds the hashing that all
of them need. What is found is a table of pairs with both sides in it:

    problem_id 9f86...  benchmark mathvista  item_id 17  kind shared_grams  score 6.5
    shared     "triangle abc angle a equal 80 angle b equal 60"  question "As shown ..."  item_question "In the ..."
"""

from enum import StrEnum

from pydantic import Field

from mathse.schemas import Row


class Kind(StrEnum):
    """How a training problem and a benchmark item are alike."""

    EQUAL_TEXT = "equal_text"
    SHARED_GRAMS = "shared_grams"
    NEAR_IMAGE = "near_image"


class Leak(Row):
    """A training problem that is, or quotes, a benchmark item. Grain: one row a (problem, item, kind)."""

    key = ("problem_id", "benchmark", "item_id", "kind")

    problem_id: str
    benchmark: str = Field(description="Name of the benchmark, such as `mathvista`.")
    item_id: str = Field(description="The item's id within the benchmark.")
    kind: Kind
    score: float = Field(
        description="equal_text: 1. shared_grams: the shared grams' weights added up. near_image: bits that differ."
    )
    shared: str = Field(description="The longest run of words that both have; of images, both hashes.")
    question: str = Field(description="The training question with its choices, as it came; of images, the image's id.")
    item_question: str = Field(description="The benchmark's, likewise.")
