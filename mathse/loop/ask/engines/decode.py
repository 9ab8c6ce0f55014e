"""Decodes a batch token by token, every row with its own randomness, and drops rows as they finish.

`transformers.generate` draws a batch's samples from one generator, so that a row's text depends on its batch mates, and
computes finished rows until the last one ends. Here a row's draws come from its own seed, through the Gumbel-max trick:
the argmax of `logits / temperature + g`, with `g` standard Gumbel noise, is a sample of the softmax
(https://arxiv.org/abs/1611.01144, section 2). Greedy rows get no noise, and are what `generate` writes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from mathse.loop.ask.protocol import Sampling

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NOISE_BLOCK = 2**16
"""Noise values drawn at once per row: one draw per token would cost more than a tiny model's forward pass."""

LEAST_DRAW = 2.0**-24
"""The smallest non-zero step of a float32 uniform draw: an exponential draw of 0 would give infinite noise."""

DROP_BELOW = 0.75
"""Share of unfinished rows under which the finished ones are dropped: copying the cache each time would cost more."""


class Sampler:
    """Picks the next token of each row; what a row gets depends on its logits, sampling and seed alone."""

    def __init__(self, samplings: Sequence[Sampling], seeds: Sequence[int], device: torch.device) -> None:
        """Seed one generator per sampled row.

        Args:
            samplings: One per row; temperature 0 is greedy.
            seeds: One per row, 0 to 2**63 - 1.
        """
        greedy = [sampling.temperature == 0 for sampling in samplings]
        self._greedy = all(greedy)
        self._temperatures = torch.tensor([s.temperature or 1.0 for s in samplings], device=device)[:, None]
        self._top_ps = torch.tensor([s.top_p for s in samplings], device=device)[:, None]
        self._nucleus = any(not g and s.top_p < 1 for g, s in zip(greedy, samplings, strict=True))
        self._generators = [
            None if g else torch.Generator(device).manual_seed(seed) for g, seed in zip(greedy, seeds, strict=True)
        ]
        self._noise: Tensor | None = None
        self._used = 0

    def pick(self, logits: Tensor) -> Tensor:
        """Pick a token for each row: `(rows, vocabulary)` logits to `(rows,)` ids."""
        if self._greedy:
            return logits.argmax(-1)
        scores = logits.float() / self._temperatures
        if self._nucleus:
            scores = _within_nucleus(scores, self._top_ps)
        if self._noise is None or self._used == self._noise.shape[1]:
            self._noise = self._gumbel(max(1, NOISE_BLOCK // logits.shape[-1]), logits.shape[-1])
            self._used = 0
        self._used += 1
        return (scores + self._noise[:, self._used - 1]).argmax(-1)

    def keep(self, places: Tensor) -> None:
        """Forget all rows but those at `places`."""
        self._temperatures, self._top_ps = self._temperatures[places], self._top_ps[places]
        self._generators = [self._generators[place] for place in places.tolist()]
        self._noise = None if self._noise is None else self._noise[places]

    def _gumbel(self, steps: int, vocabulary: int) -> Tensor:
        """Gumbel noise of some steps, `(rows, steps, vocabulary)`; zero for greedy rows."""
        noise = torch.ones(len(self._generators), steps, vocabulary, device=self._temperatures.device)
        for row, generator in zip(noise, self._generators, strict=True):
            if generator is not None:
                row.exponential_(generator=generator)
        return noise.clamp_min_(LEAST_DRAW).log_().neg_()


def _within_nucleus(scores: Tensor, top_ps: Tensor) -> Tensor:
    """Leave the fewest likeliest tokens whose probabilities sum to `top_p` or more (https://arxiv.org/abs/1904.09751)."""
    ordered, order = scores.sort(descending=True, stable=True)
    probabilities = ordered.softmax(-1)
    before = probabilities.cumsum(-1) - probabilities
    outside = (before >= top_ps) & (top_ps < 1)
    outside[:, 0] = False
    return scores.masked_fill(outside.scatter(1, order, outside), -torch.inf)


@dataclass(frozen=True)
class Written:
    """What follows a row's prompt: the new tokens, its stop token included if it came to one.

    Attributes:
        logprobs: Of each token, the natural logarithm of its probability at temperature 1; empty where not wanted.
    """

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)


def decode(
    model: "PreTrainedModel",
    inputs: Mapping[str, Any],
    sampler: Sampler,
    limits: Sequence[int],
    stops: Collection[int],
    weigh: bool = False,
) -> list[Written]:
    """Write the tokens that follow each row's prompt.

    Args:
        model: A causal vision-language model in eval mode.
        inputs: The processor's output, padded on the left: `input_ids` and `attention_mask`, both `(rows, length)`, and
            what there is of images.
        sampler: Picks tokens; made for these rows.
        limits: The most tokens each row may get, 1 or more.
        stops: Ids that end a row.
        weigh: Whether the tokens' probabilities are wanted.
    """
    written = [Written() for _ in limits]
    rows = list(range(len(limits)))
    going = set(rows)
    state = _State(model, inputs, max(limits))
    logits = state.logits
    while True:
        tokens = sampler.pick(logits)
        for row, token in zip(rows, tokens.tolist(), strict=True):
            if row in going:
                written[row].tokens.append(token)
        if weigh:
            logprobs = logits.float().log_softmax(-1).gather(1, tokens[:, None])[:, 0]
            for row, logprob in zip(rows, logprobs.tolist(), strict=True):
                if row in going:
                    written[row].logprobs.append(logprob)
        ended = {row for row in going if written[row].tokens[-1] in stops or len(written[row].tokens) == limits[row]}
        going -= ended
        if not going:
            return written
        if len(going) <= DROP_BELOW * len(rows):
            places = torch.tensor([place for place, row in enumerate(rows) if row in going], device=tokens.device)
            state.keep(places)
            sampler.keep(places)
            tokens, rows = tokens[places], [row for row in rows if row in going]
        logits = state.step(tokens)


class _State:
    """Cache, mask and positions of the rows that are being decoded."""

    def __init__(self, model: "PreTrainedModel", inputs: Mapping[str, Any], most: int) -> None:
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        positions = model._prepare_position_ids_for_generation(ids, dict(inputs))
        self._model = model
        self._cache = DynamicCache(config=model.config.get_text_config(decoder=True))
        self._mask = torch.cat([mask, mask.new_ones(len(mask), most)], dim=1)
        self._length = mask.shape[1]
        self._positions = positions[..., -1:]  # (rows, 1), or (axes, rows, 1) where images have positions of their own
        output = model(**inputs, position_ids=positions, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        self.logits: Tensor = output.logits[:, -1]

    def step(self, tokens: Tensor) -> Tensor:
        """Append a token to each row and return the next logits, `(rows, vocabulary)`."""
        self._length += 1
        self._positions = self._positions + 1
        output = self._model(
            input_ids=tokens[:, None],
            attention_mask=self._mask[:, : self._length],
            position_ids=self._positions,
            past_key_values=self._cache,
            use_cache=True,
        )
        logits: Tensor = output.logits[:, -1]
        return logits

    def keep(self, places: Tensor) -> None:
        """Forget all rows but those at `places`."""
        self._cache.batch_select_indices(places)
        self._mask = self._mask[places]
        self._positions = self._positions[..., places, :]
