"""Stage curation@orm: what people decided about paths, and their corrections, judged by the ORM."""

from mathse import params, stage
from mathse.loop import corrections


def main(orm: str) -> str:
    """Write data/curation/<orm>."""
    return corrections.write(params.load(), orm)


if __name__ == "__main__":
    stage.run("curation", main)
