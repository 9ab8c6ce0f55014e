"""Where models run, and with which engine."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from mathse.params.section import Count, Section, Share, one_of
from mathse.registry import names

ENGINES = "mathse.loop.ask.engines"
OPENAI = "https://api.openai.com/v1"
OWN_KEYS = frozenset(
    (
        "model", "messages", "n", "stream", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed",
        "response_format",
    )
)  # fmt: skip
"""Keys of a chat completion request that the engine sets."""


def runtime_names() -> tuple[str, ...]:
    """The engines for a local model's folder."""
    return names(f"{ENGINES}.runtimes")


def answering_names() -> tuple[str, ...]:
    """Who may answer in any role but the teacher's: `model` is the local one."""
    return ("model", *names(f"{ENGINES}.any_role"))


def teacher_names() -> tuple[str, ...]:
    """Who may teach."""
    return (*names(f"{ENGINES}.teacher_only"), *names(f"{ENGINES}.any_role"))


class EngineChoice(Section):
    """An engine by name, with its settings beside it: under its own key if it has one here, else `options`."""

    engine: str
    options: dict[str, JsonValue] = Field(
        default_factory=dict, description="Settings of an engine without a key of its own; checked when it is opened."
    )

    @model_validator(mode="after")
    def the_engine_is_described(self) -> "EngineChoice":
        """An engine with a key of its own is described there, and nowhere else."""
        if self.engine not in type(self).model_fields:
            return self
        if getattr(self, self.engine) is None:
            raise ValueError(f"{self.engine}: must be given, because engine is {self.engine}")
        if self.options:
            raise ValueError(f"options: {self.engine} has none; its settings go under {self.engine}")
        return self


class Compute(Section):
    """Where the models run. `threads` is fixed, not detected: sums depend on how work is split."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = Field(default=2, ge=1, le=256, description="CPU threads of torch.")
    dtype: Literal["float32", "bfloat16"] = "float32"
    attention: str | None = Field(
        default=None,
        pattern=r"^(sdpa|flash_attention_[234]|kernels-community/[\w.-]+)$",
        description="transformers' attention, in training and in its own engine; null: sdpa, torch's. "
        "`flash_attention_2` needs the extra `flash`, which takes the kernel from the hub on first use. Windows of an "
        "image, as in Qwen2.5-VL, are gone through one by one by sdpa.",
    )

    @model_validator(mode="after")
    def attention_runs_here(self) -> "Compute":
        """The kernels of flash attention are a GPU's, and of half precision."""
        if self.attention not in (None, "sdpa") and (self.device, self.dtype) != ("cuda", "bfloat16"):
            raise ValueError(
                f"attention: {self.attention} needs device: cuda and dtype: bfloat16; leave it out for torch's own"
            )
        return self


class Vllm(Section):
    """The vLLM engine. Whatever changes a completion is part of the journal's key."""

    in_flight: Count = Field(default=256, description="Requests that are in the engine at once (`max_num_seqs`).")
    max_model_len: int | None = Field(default=None, ge=1, description="Longest sequence, in tokens; null: the model's.")
    tensor_parallel: Count = Field(default=1, description="GPUs that share one model.")
    memory_share: Share = Field(default=0.9, description="Share of the GPU's memory for weights and cache.")
    cpu_cache_gib: Count = Field(default=4, description="Key-value cache on a CPU, in GiB.")
    prefix_caching: bool = Field(default=True, description="A problem's samples share one prefill.")
    images: Count = Field(default=8, description="Most images a prompt may have.")
    guided_json: bool = Field(default=False, description="Hold a judge's reply to the verdict's JSON schema.")
    eager: bool = Field(default=False, description="Neither compile nor capture graphs: starts faster, runs slower.")
    batch_invariant: bool = Field(
        default=False,
        description="The same completion whatever runs beside it (VLLM_BATCH_INVARIANT): byte-identical tables, at a "
        "cost in speed (0.6 % in vLLM's own benchmark of a 1.7B model, vllm-project/vllm pull request 28161; more with "
        "other kernels); needs a GPU of compute capability 8.0 or above.",
    )


class Ray(Section):
    """Ray Data actors around the engine, one model each."""

    address: str | None = Field(default=None, description="Of a running cluster, such as `auto`; null: one is started.")
    actors: Count = 1
    gpus: float = Field(default=0, ge=0, description="GPUs per actor.")
    cpus: float = Field(default=1, gt=0, description="CPUs per actor.")
    block: Count | None = Field(
        default=None,
        description="Requests an actor is given at once, two such blocks at a time; null: four times what its engine "
        "has in flight.",
    )
    attempts: Count = Field(default=3, description="How often a block is tried whose actor was lost.")


class Inference(EngineChoice):
    """How local models, students and the ORM, are run."""

    engine: Annotated[str, one_of(runtime_names)] = "transformers"
    vllm: Vllm = Vllm()
    ray: Ray | None = Field(default=None, description="Actors on a cluster; null: in the stage's own process.")


class Price(Section):
    """Of one million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class Api(Section):
    """A model behind an OpenAI-compatible server: a teacher or a judge. The key comes from the environment alone."""

    model: str = Field(min_length=1, description="As the server names it; rows record it.")
    base_url: str = Field(
        default=OPENAI, pattern=r"^https?://[^@\s]+$", description="Of the server, `/v1` included; holds no secret."
    )
    key_env: str | None = Field(
        default=None,
        pattern=r"^[A-Z][A-Z0-9_]*$",
        description="Environment variable that holds the key; null: OPENAI_API_KEY at OpenAI, and no key elsewhere, so "
        "that no server is sent another one's key unasked.",
    )
    concurrency: Count = Field(default=16, description="Requests that are under way at once.")
    timeout: float = Field(default=300, gt=0, description="Seconds that one try of a request may take.")
    attempts: Count = Field(default=6, description="How often one request is tried, while the server answers others.")
    patience: float = Field(
        default=900, ge=0, description="Seconds of nothing but failures before the stage stops; more than `timeout`."
    )
    tokens_per_minute: int | None = Field(
        default=None, ge=1, description="Prompt and completion together, in any 60 seconds."
    )
    json_mode: Literal["off", "object", "schema"] = Field(
        default="off", description="Whether replies that must be JSON are asked for as such: any object, or by schema."
    )
    length_key: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens",
        description="The request's key for its longest completion. OpenAI's reasoning models want the second; a server "
        "that does not know it would pass it over, and write without end.",
    )
    omit: tuple[Literal["temperature", "top_p", "seed"], ...] = Field(
        default=(), description="Keys left out of requests because the server refuses them."
    )
    extra: dict[str, JsonValue] = Field(
        default_factory=dict, description="Further keys of every request, such as `reasoning_effort`."
    )
    images: Count = Field(default=16, description="Most images a request may have.")
    image_bytes: Annotated[int, Field(ge=4096)] = Field(
        default=4_000_000, description="Images whose file is larger are sent smaller."
    )
    image_side: Annotated[int, Field(ge=28)] = Field(
        default=2048, description="Longest side in pixels; larger images are sent smaller."
    )
    image_tokens: Count = Field(
        default=6000, description="Most prompt tokens of an image, for budgets; a server's own count replaces it."
    )
    prices: dict[str, Price] = Field(default_factory=dict, description="By model.")
    spending_cap: float | None = Field(default=None, gt=0, description="A stage stops before it has spent this much.")

    @model_validator(mode="after")
    def a_cap_needs_a_price(self) -> "Api":
        """Without a price nothing is ever spent."""
        if self.spending_cap is not None and self.model not in self.prices:
            raise ValueError(f"spending_cap: has no effect without prices for {self.model!r}")
        return self

    @model_validator(mode="after")
    def extra_keys_are_extra(self) -> "Api":
        """What the engine itself decides is not decided a second time."""
        for key in self.extra:
            if key in OWN_KEYS:
                raise ValueError(f"extra.{key}: is set by the engine, from the other params")
        return self


class Described(EngineChoice):
    """Whoever answers may be a server or recorded responses: whichever `engine` names is described beside it."""

    api: Api | None = None
    replay: Path | None = Field(default=None, description="JSON lines of recorded responses.")


class Answering(Described):
    """Who answers: the local model, a server, recorded responses, or another engine for any role."""

    engine: Annotated[str, one_of(answering_names)] = "model"
