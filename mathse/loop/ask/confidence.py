"""How sure a model was of one value in its JSON reply, by the probabilities of the tokens that it wrote.

    {"status": "CORRECT", "error_step": null, ...}     key "status", tokens `"COR` 0.98, `RECT",` 0.999   ->   0.979

It is the product of the probabilities, each given what stands before it, of all tokens that spell any part of the
value: the probability that a sample at temperature 1 goes on with this value where it stands. Of several keys of that
name the last counts. M-STaR (arXiv 2412.17451) ranks correct paths by a reward of this kind.
"""

import math
import re
from collections.abc import Sequence

DIGITS = 3
"""More would differ by what else was in the batch, which a resumed run fills anew."""


def confidence(pieces: Sequence[str], logprobs: Sequence[float], key: str) -> float | None:
    """The probability of a key's value in a reply, from 0 to 1 in three digits.

    Args:
        pieces: What each token says; together the reply.
        logprobs: The natural logarithm of each token's probability.
        key: A key of the JSON object, whose value is text.

    Returns:
        None where the reply has no such key, or a probability is not a number.
    """
    *_, last = [None, *re.finditer(rf'"{re.escape(key)}"\s*:\s*"([^"]*)"', "".join(pieces))]
    if last is None:
        return None
    (start, end), place, total = last.span(1), 0, 0.0
    for piece, logprob in zip(pieces, logprobs, strict=True):
        if place < end and place + len(piece) > start:
            total += logprob
        place += len(piece)
    return None if math.isnan(total) else round(math.exp(min(total, 0.0)), DIGITS)
