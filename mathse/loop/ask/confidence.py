"""How sure a model was of the words of its JSON reply that decide, by the probabilities of the tokens that it wrote.

    {"status": "CORRECT", "error_step": null, ...}     deciding `"status": "(.*?)"`, tokens `"COR` 0.98, `RECT",` 0.999
                                                       ->   0.979

It is the product of the probabilities, each given what stands before it, of all tokens that spell any part of such a
word: the probability that a sample at temperature 1 decides as the reply does wherever it has something to decide.
Which words those are, the form of the reply says (`mathse.loop.ask.replies.DECIDING`). Once a judge has written that
all is the same, CORRECT follows with certainty; so the verdict's own tokens say little, and those before it count.
M-STaR (arXiv 2412.17451) ranks correct paths by a reward of this kind.
"""

import math
import re
from collections.abc import Sequence

DIGITS = 3
"""More would differ by what else was in the batch, which a resumed run fills anew."""


def confidence(pieces: Sequence[str], logprobs: Sequence[float], deciding: str) -> float | None:
    """The probability of the words that decide a reply, from 0 to 1 in three digits.

    Args:
        pieces: What each token says; together the reply.
        logprobs: The natural logarithm of each token's probability.
        deciding: A regular expression; what its groups match are the words.

    Returns:
        None where the reply has no such word, or a probability is not a number.
    """
    words = [
        match.span(group)
        for match in re.finditer(deciding, "".join(pieces))
        for group in range(1, match.re.groups + 1)
        if match[group] is not None
    ]
    if not words:
        return None
    place, total = 0, 0.0
    for piece, logprob in zip(pieces, logprobs, strict=True):
        if any(place < end and place + len(piece) > start for start, end in words):
            total += logprob
        place += len(piece)
    return None if math.isnan(total) else round(math.exp(min(total, 0.0)), DIGITS)
