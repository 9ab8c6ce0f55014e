"""What `mathse plan` assumes beside params, and the options by which its user says otherwise.

Nothing but the standard library is imported: the command's help is made from it.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, fields

KEPT = 0.8
"""Share of the teacher's paths that an ORM finds correct, at most: it turns down some of the right ones too."""


@dataclass(frozen=True)
class Gpu:
    """A GPU: memory in GiB, dense bfloat16 TFLOP/s as its maker states them."""

    memory: float
    tflops: float


GPUS: Mapping[str, Gpu] = {
    "h100": Gpu(80, 989),
    "h200": Gpu(141, 989),
    "a100": Gpu(80, 312),
    "l40s": Gpu(48, 362),
    "rtx4090": Gpu(24, 165),
}


@dataclass(frozen=True)
class Options:
    """What is assumed beside params; each is an option of `mathse plan`.

    Attributes:
        gpu: The GPU, one of `GPUS`.
        gpu_hour_price: Of one GPU.
        mfu: Share of the GPU's peak that training makes use of.
        tokens_per_second: Completion tokens one GPU writes; None: in proportion to 2,500 of 8 billion parameters on an
            H100.
        chars_per_token: Where no tokenizer is at hand.
        path_chars: Length of a solution where the teacher is not the solver: the paper's grow from 325 to 792.
        image_side: Pixels a side of a data set's images, which are not looked at; drawn figures have their own size.
        kept: Teacher paths that the ORM finds correct; None: `KEPT`, or what the solver's mistakes leave if that
            is less.
        solved: Remaining problems that a round solves: the paper's first round comes to about this.
        repaired: Remaining problems that the reflection repairs; None: as `kept`.
        api_seconds: Seconds a request to a server takes.
        sample: Problems on which tokens are counted.
    """

    gpu: str = "h100"
    gpu_hour_price: float | None = None
    mfu: float = 0.35
    tokens_per_second: float | None = None
    chars_per_token: float = 3.5
    path_chars: int = 800
    image_side: int = 1000
    kept: float | None = None
    solved: float = 0.4
    repaired: float | None = None
    api_seconds: float = 20.0
    sample: int = 128


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command; an option that is not given keeps its default."""
    command.add_argument("name", metavar="PRESET", nargs="?", help="a preset, or a params file (default: params.yaml)")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.add_argument("--ablate", metavar="EXPERIMENT", help="what an experiment on these params would take")
    command.add_argument("--seeds", type=_count, metavar="N", default=3, help="of the experiment (default: 3)")
    command.add_argument("--gpu", choices=tuple(GPUS), help=f"the GPU (default: {Options.gpu})")
    for option, kind, meaning in (
        ("--gpu-hour-price", _positive, "money for an hour of one GPU"),
        ("--mfu", _share, f"share of the GPU's peak that a training uses (default: {Options.mfu:g})"),
        ("--tokens-per-second", _positive, "completion tokens that one GPU writes"),
        ("--chars-per-token", _positive, f"where no tokenizer is at hand (default: {Options.chars_per_token:g})"),
        ("--path-chars", _count, f"characters of a solution not the solver's (default: {Options.path_chars})"),
        ("--image-side", _count, f"pixels a side of a data set's images (default: {Options.image_side})"),
        ("--kept", _share, f"share of the teacher's paths that the ORM finds correct (default: {KEPT:g})"),
        ("--solved", _share, f"share of the remaining problems that a round solves (default: {Options.solved:g})"),
        ("--repaired", _share, "share of the remaining problems that the reflection repairs (default: as --kept)"),
        ("--api-seconds", _positive, f"seconds that a request to a server takes (default: {Options.api_seconds:g})"),
        ("--sample", _count, f"problems on which tokens are counted (default: {Options.sample})"),
    ):
        command.add_argument(option, type=kind, metavar="N", help=meaning)


def parsed(arguments: argparse.Namespace) -> Options:
    """The options of a parsed command line."""
    named = {field.name: getattr(arguments, field.name) for field in fields(Options)}
    return Options(**{name: value for name, value in named.items() if value is not None})


def _positive(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0; found {text!r}")
    return number


def _share(text: str) -> float:
    """A number above 0, at most 1."""
    if (share := _positive(text)) > 1:
        raise argparse.ArgumentTypeError(f"must be at most 1; found {text!r}")
    return share


def _count(text: str) -> int:
    """A whole number, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more; found {text!r}")
    return int(text)
