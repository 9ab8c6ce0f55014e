"""What training and evaluation took on this machine: `reports/timings/`, which git does not track, as lines to print.

Sample: `train final: 253 s, 2,511 tokens/s, 1,229 MiB`, `evaluate final: 9 s`
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mathse import layout
from mathse.params import Params


def lines(root: Path, settings: Params) -> list[str]:
    """One line per training and evaluation that ran here, in the order of the loop; a file that is damaged is named.

    Args:
        root: The project's root.
        settings: Says which models there are: another run may have left its own.
    """
    trained = [_line(root, f"train-{name}", f"train {name}", _training) for name in settings.trained]
    measured = [_line(root, f"evaluate-{name}", f"evaluate {name}", _seconds) for name in settings.measured]
    return [line for line in (*trained, *measured) if line]


def _line(root: Path, name: str, title: str, told: Callable[[Any], str]) -> str:
    file = root / layout.timings(name)
    try:
        return f"{title}: {told(json.loads(file.read_text(encoding='utf-8')))}"
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError) as error:
        return f"{file}: is damaged ({type(error).__name__}); the next `dvc repro` that runs {title} writes it anew"


def _training(took: Any) -> str:
    pace = f"{took['tokens_per_second']:,.0f} tokens/s"
    return f"{_seconds(took)}, {pace}, {took['peak_memory'] / 2**20:,.0f} MiB"


def _seconds(took: Any) -> str:
    return f"{took['seconds']:,.0f} s"
