"""Stage paths@step: what teacher or student answers to the problems that no mix row solves yet."""

from mathse import params, stage
from mathse.loop import paths


def main(step: str) -> str:
    """Write data/paths/<step>.parquet."""
    return paths.write(params.load(), step)


if __name__ == "__main__":
    stage.run("paths", main)
