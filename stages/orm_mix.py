"""Stage orm_mix@orm: as many correct as wrong marked paths for an ORM to learn from, and a part held out."""

from mathse import params, stage
from mathse.loop.feedback_mix import build_feedback


def main(orm: str) -> str:
    """Write data/mix/<orm>.parquet and data/orm/<orm>/held_out.parquet."""
    return str(build_feedback(params.load(), orm))


if __name__ == "__main__":
    stage.run("orm_mix", main)
