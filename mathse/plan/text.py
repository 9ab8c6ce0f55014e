"""Prints a plan: what is asked, what is trained, what it needs, and what all of it rests on."""

from collections.abc import Iterable

from mathse.plan.estimate import FITS, PREFILL_MFU, Plan
from mathse.plan.options import GPUS
from mathse.report import columns


def render(plan: Plan, width: int = 100) -> str:
    """The plan as text for a terminal of so many cells."""
    head, needs, assumptions = (columns.wrapped(part(plan), width) for part in (_head, _needs, _assumptions))
    parts = (head, _requests(plan, width), _trainings(plan, width), needs, assumptions)
    return "\n\n".join("\n".join(part) for part in parts)


def _head(plan: Plan) -> list[str]:
    size, problems, means = plan.size, plan.problems, plan.means
    return [
        f"{plan.file}: an estimate, before anything is run",
        "",
        f"model     {plan.model}",
        f"          {big(size.parameters)} parameters, {size.layers} layers of width {size.width:,}; "
        f"by {plan.size_from}",
        f"problems  {problems.train:,} to train on, {problems.orm:,} for the ORM, {problems.test:,} to test",
        f"tokens    counted on {plan.options.sample} sample problems by {plan.tokens_from}:",
        f"          a question {means.solve_in:,.0f}, a solution {means.path:,.0f}, a training row {means.row:,.0f}, "
        f"the ORM's {means.judge_row:,.0f}, the longest {means.longest:,.0f}",
    ]


def _requests(plan: Plan, width: int) -> list[str]:
    rows = [
        (
            each.step, each.by, f"{each.number:,}", big(each.prompt_tokens), big(each.completion_tokens),
            _number(each.gpu_hours), _number(each.cost),
        )
        for each in plan.requests
    ]  # fmt: skip
    total = (
        "in all", "", f"{sum(each.number for each in plan.requests):,}",
        big(sum(each.prompt_tokens for each in plan.requests)),
        big(sum(each.completion_tokens for each in plan.requests)),
        _number(_sum(each.gpu_hours for each in plan.requests)), _number(plan.api_cost),
    )  # fmt: skip
    heads = ("requests", "by", "number", "prompt tokens", "completion", "GPU-hours", "cost")
    return columns.table(heads, [*rows, total], width, left=2)


def _trainings(plan: Plan, width: int) -> list[str]:
    rows = [
        (each.name, f"{each.rows:,}", big(each.tokens), f"{each.steps:,}", _number(each.gpu_hours))
        for each in plan.trainings
    ]
    total = (
        "in all", "", big(sum(each.tokens for each in plan.trainings)),
        f"{sum(each.steps for each in plan.trainings):,}", _number(_sum(each.gpu_hours for each in plan.trainings)),
    )  # fmt: skip
    return columns.table(("trainings", "rows", "tokens", "steps", "GPU-hours"), [*rows, total], width)


def _needs(plan: Plan) -> list[str]:
    gpu, room = plan.options.gpu, GPUS[plan.options.gpu].memory
    lines = ["needs"]
    for fit in plan.fits:
        needed = sum(fit.parts.values())
        fewest = "64 are not enough" if fit.fewest is None else f"the fewest, sharded: {fit.fewest}"
        lines += [
            f"  memory  {fit.name} on {fit.gpus} x {gpu}: {needed:,.1f} of {room:,.0f} GiB each, "
            f"{'fits' if needed <= FITS * room else 'does not fit'}; {fewest}",
            f"          {_parts(fit.parts)}",
            f"          {_gib(fit.host)} of the machine's own while it loads",
        ]
    lines.append(f"  disk    {_gib(sum(plan.disk.values()))}")
    lines += [f"          {_gib(size):>9}  {part}" for part, size in plan.disk.items() if size * 1024 >= 0.5]
    if plan.hours:
        lines.append(f"  hours   {sum(plan.hours.values()):,.1f} one after the other: {_parts(plan.hours)}")
        lines.append(f"  GPU     {plan.gpu_hours:,.1f} GPU-hours of {gpu}")
    else:
        lines.append("  hours   not estimated: compute.device is cpu")
    if plan.api_cost is not None:
        cap = f"; each stage stops at {plan.spending_cap:,.0f}" if plan.spending_cap else ""
        lines.append(f"  money   {plan.api_cost:,.2f} for the server's tokens, by its price table{cap}")
        lines += [
            f"          {each.step} costs {each.cost:,.2f} and would stop at {plan.spending_cap / each.cost:.0%}; "
            "raise teacher.api.spending_cap"
            for each in plan.requests
            if each.cost and plan.spending_cap and each.cost > plan.spending_cap
        ]
    if plan.gpu_cost is not None:
        lines.append(f"  money   {plan.gpu_cost:,.2f} for GPU-hours at {plan.options.gpu_hour_price:,.2f}")
    elif plan.hours:
        lines.append("  money   for GPU-hours: give --gpu-hour-price")
    return lines


def _assumptions(plan: Plan) -> list[str]:
    options, shares, gpu = plan.options, plan.shares, GPUS[plan.options.gpu]
    by_server = "the teacher's server" in plan.hours or plan.api_cost is not None
    assumed = {
        f"--kept {shares.kept:g}": "of the teacher's paths the ORM finds correct",
        f"--solved {shares.solved:g}": "of the remaining problems a round solves",
        f"--repaired {shares.repaired:g}": "of the remaining problems the reflection repairs",
    }
    if by_server:
        assumed |= {
            f"--path-chars {options.path_chars}": "characters a solution has; the paper's grow from 325 to 792",
            f"--api-seconds {options.api_seconds:g}": "that a request to the server takes",
        }
    if plan.has_data_sets:
        assumed[f"--image-side {options.image_side}"] = "pixels a side of a data set's images"
    if by_server or "characters" in plan.tokens_from:
        assumed[f"--chars-per-token {options.chars_per_token:g}"] = "where no tokenizer counts"
    if plan.tokens_per_second is not None:
        assumed |= {
            f"--gpu {options.gpu}": f"{gpu.memory:g} GiB, {gpu.tflops:g} dense bfloat16 TFLOP/s",
            f"--mfu {options.mfu:g}": "of them a training uses, at 6 FLOPs a parameter and token (LoRA: 4)",
            f"--tokens-per-second {plan.tokens_per_second:.0f}": (
                f"one GPU writes; it reads prompts at {PREFILL_MFU:.0%} of its peak; {plan.generation_gpus} in use"
            ),
        }
    width = max(map(len, assumed))
    return [
        "assumed; each can be given otherwise",
        *(f"  {option:{width}}  {meaning}" for option, meaning in assumed.items()),
        "not counted: the start of each stage, padding, and what a problem's own images would take beyond these.",
    ]


def _parts(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:,.1f}" for name, value in parts.items() if value >= 0.05)


def _gib(value: float) -> str:
    return f"{value:,.0f} GiB" if value >= 10 else f"{value:,.1f} GiB" if value >= 1 else f"{value * 1024:,.0f} MiB"


def big(number: float) -> str:
    """Three digits and a unit: `8.29 billion`, `150 thousand`."""
    for size, unit in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if number >= size:
            scaled = number / size
            return f"{scaled:.{max(0, 2 - len(str(int(scaled))) + 1)}f} {unit}"
    return f"{number:,.0f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _sum(values: Iterable[float | None]) -> float | None:
    """Of those that are known; None if none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
