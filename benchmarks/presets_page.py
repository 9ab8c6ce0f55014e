"""Writes the estimates in docs/scale.md anew: `python benchmarks/presets_page.py`."""

import re
from pathlib import Path

from mathse.plan.estimate import plan
from mathse.plan.options import Options
from mathse.plan.text import render

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scale.md"
PLANNED = {
    "qwen2-vl-7b": Options(gpu_hour_price=2.5),
    "internvl2_5-8b": Options(gpu_hour_price=2.5),
    "glm-4.1v-9b": Options(gpu_hour_price=2.5),
    "qwen2.5-vl-3b-lora": Options(gpu="rtx4090", gpu_hour_price=0.4),
}
"""Presets with the options that their estimates are printed with."""
WIDTH = 80
"""Cells of a terminal whose width is not known, as a test prints."""


def block(name: str, options: Options) -> str:
    """The command and what it prints, as a code block."""
    gpu = "" if options.gpu == Options.gpu else f" --gpu {options.gpu}"
    command = f"$ mathse plan {name}{gpu} --gpu-hour-price {options.gpu_hour_price:g}"
    lines = [command, *render(plan(name, ROOT, options), WIDTH).split("\n")]
    return "\n".join(f"    {line}".rstrip() for line in lines)


def main() -> None:
    """Put the blocks between the page's two marks."""
    plans = "\n\n".join(f"### {name}\n\n{block(name, options)}" for name, options in PLANNED.items())
    page = PAGE.read_text(encoding="utf-8")
    fresh = re.sub(
        r"(<!-- plans: .*? -->\n).*?(<!-- /plans -->)", lambda m: f"{m[1]}\n{plans}\n\n{m[2]}", page, flags=re.S
    )
    PAGE.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
