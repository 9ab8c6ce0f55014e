"""Two texts that share rare n-grams, compared word by word: a quotation, or a template with other numbers in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from mathse.sources.leakage.dress import readable

_ANY = "#"
_CONTEXT = 4
"""Words around a number that make it the same place in both texts."""
_WHOLE = 0.8
"""Share of the item's question that makes it the same question."""

Segments = list[list[str]]


@dataclass(frozen=True)
class Shared:
    """What two texts share.

    Attributes:
        text: The longest run of words that both have.
        quotes: They share n-grams, and nothing says that their numbers differ.
    """

    text: str
    quotes: bool


def shared(question: Segments, item: Segments, size: int) -> Shared:
    """Compare a question and an item, each in plain words by segment, the choices last.

    Args:
        size: Words in an n-gram.
    """
    theirs = set(_grams(question, size))
    masked = {_masked(gram) for gram in theirs}
    longest: list[str] = []
    other_numbers = False
    for segment in item:
        run: list[str] = []
        for gram in _grams([segment], size):
            if gram in theirs:
                run = [*run, gram[-1]] if run else list(gram)
                longest = max(longest, run, key=len)
                continue
            run = []
            other_numbers |= _masked(gram) in masked and _numbers(gram) <= size - _CONTEXT and _numbers(gram) > 0
    if not longest:
        return Shared(readable(item[0]) if sorted(question[1:]) == sorted(item[1:]) else "", False)
    if len(longest) >= _WHOLE * len(item[0]):
        # The same question; but where both have choices, numbers among them, and not one in common, another problem.
        choices, item_choices = ({tuple(choice) for choice in segments[1:] if choice} for segments in (question, item))
        if choices and item_choices and not choices & item_choices:
            other_numbers |= any(map(_numbers, item_choices))
    return Shared(readable(longest), not other_numbers)


def _grams(segments: Segments, size: int) -> Iterator[tuple[str, ...]]:
    for segment in segments:
        for start in range(len(segment) - size + 1):
            yield tuple(segment[start : start + size])


def _masked(gram: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_ANY if _is_number(word) else word for word in gram)


def _numbers(gram: tuple[str, ...]) -> int:
    return sum(map(_is_number, gram))


def _is_number(word: str) -> bool:
    return "0" <= word[0] <= "9"
