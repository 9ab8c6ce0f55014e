"""The engine for a local vision-language model: a folder of weights, run with transformers on the CPU or one GPU.

A batch may mix requests with several images, one or none, greedy and sampled. A request's randomness is its own seed's,
so its text does not depend on its batch mates (but for the last bits of a sum, which depend on how a batch is padded).
One image that cannot be read fails its request alone; a batch that fails as a whole is tried again request by request.
"""

import logging
from collections.abc import Sequence
from typing import Any

import torch

from mathse.loop.ask.confidence import confidence
from mathse.loop.ask.engines.decode import Sampler, Written, decode
from mathse.loop.ask.engines.kind import EngineKind, LocalModel, NoSettings
from mathse.loop.ask.engines.local.chat import closing_id
from mathse.loop.ask.engines.local.families import family_of
from mathse.loop.ask.engines.local.fingerprint import model_fingerprint
from mathse.loop.ask.engines.local.loading import context_length, load_model, load_processor, settle
from mathse.loop.ask.protocol import BatchEngine, Completion, Failure, Outcome, Request
from mathse.tables.images import ImageError, Images
from mathse.tables.schemas import Message, content_id

log = logging.getLogger(__name__)


class PromptTooLong(Exception):
    """A prompt leaves no room for a completion in the model's context."""


class TransformersEngine(BatchEngine):
    """Completes requests with a model folder; see `mathse.loop.ask.protocol.Engine`."""

    def __init__(self, model: LocalModel, images: Images) -> None:
        """Load the model.

        Raises:
            ModelMissing: The folder holds no model.
        """
        folder, compute = model.folder, model.compute
        settle(compute)
        self.name = model_fingerprint(folder)
        self.fingerprint = content_id(
            "transformers", self.name, compute.device, compute.dtype, *filter(None, [compute.attention])
        )
        self.batch_size = model.batch_size
        self._images = images
        self._processor: Any = load_processor(folder, model.trust_remote_code)
        self._model = load_model(
            folder, compute.dtype, compute.device, model.trust_remote_code, compute.attention
        ).eval()
        family_of(folder)  # warns of one that is not listed
        ends = self._model.generation_config.eos_token_id, self._processor.tokenizer.eos_token_id
        self._stops = stop_ids(*ends, closing_id(self._processor))

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Complete `requests`; one outcome each, in order."""
        inputs: list[list[Any] | Failure] = []
        for request in requests:
            try:
                inputs.append([self._images.load(image_id) for image_id in request.image_ids])
            except ImageError as error:
                inputs.append(Failure(error.reason, error.detail))
        ready = [(r, images) for r, images in zip(requests, inputs, strict=True) if not isinstance(images, Failure)]
        outcomes = iter(self._try(ready))
        return [images if isinstance(images, Failure) else next(outcomes) for images in inputs]

    def _try(self, batch: Sequence[tuple[Request, list[Any]]]) -> Sequence[Outcome]:
        """Complete a batch; if that fails, each of its requests alone; if that fails too, say why."""
        if not batch:
            return []
        try:
            return self._write(batch)
        except Exception as error:
            if len(batch) == 1:
                return [_failure(error)]
            log.warning("a batch of %d failed (%s); trying its requests one by one", len(batch), _failure(error).reason)
        return [outcome for pair in batch for outcome in self._try([pair])]

    @torch.inference_mode()
    def _write(self, batch: Sequence[tuple[Request, list[Any]]]) -> list[Completion]:
        inputs = self._encode(batch)
        lengths = inputs["attention_mask"].sum(1).tolist()
        context = context_length(self._model)
        if max(lengths) >= context:
            raise PromptTooLong(f"{max(lengths)} tokens, the model's context holds {context}")
        samplings = [request.sampling for request, _ in batch]
        limits = [min(s.max_new_tokens, context - length) for s, length in zip(samplings, lengths, strict=True)]
        sampler = Sampler(samplings, [request.seed for request, _ in batch], self._model.device)
        deciding = [request.deciding for request, _ in batch]
        rows = decode(self._model, inputs, sampler, limits, self._stops, weigh=any(deciding))
        return [self._completion(*answered) for answered in zip(lengths, rows, deciding, strict=True)]

    def _encode(self, batch: Sequence[tuple[Request, list[Any]]]) -> Any:
        """Token ids, mask and pixels of a batch, padded on the left."""
        images = [pictures for _, pictures in batch]
        conversations = [conversation(request.messages, len(pictures)) for request, pictures in batch]
        return self._processor(
            text=self._processor.apply_chat_template(conversations, tokenize=False, add_generation_prompt=True),
            images=images if any(images) else None,
            padding=True,
            padding_side="left",
            return_tensors="pt",
            add_special_tokens=False,
        ).to(self._model.device)

    def _completion(self, tokens_in: int, row: Written, deciding: str = "") -> Completion:
        stopped = row.tokens[-1] in self._stops
        text = plain_text(self._processor.tokenizer, row.tokens)
        sure = None
        if deciding:
            sure = confidence(pieces(self._processor.tokenizer, row.tokens), row.logprobs, deciding)
        return Completion(
            text, "stop" if stopped else "length", tokens_in, len(row.tokens), confidence=sure,
        )  # fmt: skip


def plain_text(tokenizer: Any, tokens: Sequence[int]) -> str:
    """What tokens say, without the special ones."""
    text: str = tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text


def pieces(tokenizer: Any, tokens: Sequence[int]) -> list[str]:
    """What each token says on its own; a part of a character outside ASCII says nothing that can be read."""
    return [plain_text(tokenizer, [token]) for token in tokens]


def conversation(messages: Sequence[Message], images: int) -> list[dict[str, Any]]:
    """Messages as a chat template takes them, with places for `images` images before the first user turn's text.

    The first turn, because that is where TRL puts them in training.
    """
    first = next(place for place, message in enumerate(messages) if message.role == "user")
    turns = []
    for place, message in enumerate(messages):
        pictures = [{"type": "image"}] * images if place == first else []
        turns.append({"role": message.role, "content": [*pictures, {"type": "text", "text": message.content}]})
    return turns


def stop_ids(*ids: int | list[int] | None) -> frozenset[int]:
    """The tokens that end a completion, from wherever a model folder names them."""
    lists = [[entry] if isinstance(entry, int) else entry for entry in ids if entry is not None]
    return frozenset(token for tokens in lists for token in tokens)


def _failure(error: Exception) -> Failure:
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, PromptTooLong):
        return Failure("prompt too long", str(error))
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return Failure("out of memory", detail, retryable=True)
    return Failure("engine error", detail)


ENGINE = EngineKind[NoSettings, [LocalModel, Images]](
    "transformers", NoSettings, lambda _, model, images: TransformersEngine(model, images)
)
