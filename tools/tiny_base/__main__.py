"""Builds models/tiny anew.

python -m tools.tiny_base                            # 3,600 steps; 25 to 32 minutes on two cores
python -m tools.tiny_base --steps 3 2 --out /tmp/x   # does it run? Half a minute
"""

import argparse
import logging
from pathlib import Path

from mathse import layout
from tools.tiny_base.pretrain import Recipe, pretrain


def main() -> None:
    """Build the model, and say what it is and how long it took."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.tiny_base", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=layout.TINY, help="folder of the model; replaced")
    parser.add_argument(
        "--steps", type=int, nargs=2, metavar=("FIRST", "ALL"), help="of both parts of the course; by default 400 3200"
    )
    asked = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("mathse").setLevel(logging.INFO)  # how far the training is
    recipe = Recipe() if asked.steps is None else Recipe(steps=(("first", asked.steps[0]), ("all", asked.steps[1])))
    made = pretrain(asked.out, recipe)
    print(
        f"{asked.out}: {made.rows} drills in {made.steps} steps, loss {made.final_loss:.3f}, fingerprint {made.model}"
    )


if __name__ == "__main__":
    main()
