"""Stage mix@step: the rows that train the step's model, chosen in SQL, and the problems that none of them solves."""

from mathse import params, stage
from mathse.loop.mix import build


def main(step: str) -> str:
    """Write data/mix/<step>.parquet, data/remaining/<step>.parquet and reports/mixes/<step>.json."""
    return str(build(params.load(), step))


if __name__ == "__main__":
    stage.run("mix", main)
