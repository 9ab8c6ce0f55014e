"""Stage orm_mix@orm: as many correct as wrong marked paths for an ORM to learn from, and a part held out."""

from mathse import params, stage
from mathse.loop.orm_mix import build


def main(orm: str) -> str:
    """Write data/mix/<orm>.parquet and data/orm/<orm>/held_out.parquet."""
    return str(build(params.load(), orm))


if __name__ == "__main__":
    stage.run("orm_mix", main)
