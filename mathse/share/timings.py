"""What trainings took on this machine, as lines for a terminal: `reports/timings/`, which git does not track.

Sample: `train final: 253 s, 2,511 tokens/s, 1,229 MiB`
"""

import json
from pathlib import Path

from mathse import layout
from mathse.params import Params


def lines(root: Path, settings: Params) -> list[str]:
    """One line per model that was trained here, in the order of the loop; a file that cannot be read is named.

    Args:
        root: The project's root.
        settings: Says which models there are: another run may have left its own.
    """
    return [line for name in settings.trained if (line := _line(root, name))]


def _line(root: Path, model: str) -> str:
    file = root / layout.timings(f"train-{model}")
    try:
        took = json.loads(file.read_text(encoding="utf-8"))
        pace = f"{took['seconds']:,.0f} s, {took['tokens_per_second']:,.0f} tokens/s"
        return f"train {model}: {pace}, {took['peak_memory'] / 2**20:,.0f} MiB"
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError) as error:
        return f"{file}: is damaged ({type(error).__name__}); the next training of {model} writes it anew"
