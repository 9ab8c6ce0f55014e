"""Stage orm_mix: as many correct as wrong marked paths for the ORM to learn from, and a part held out (step 0)."""

from mathse import layout, params, stage
from mathse.loop.mix import FeedbackTables, build_feedback


def main() -> str:
    """Write data/orm/mix.parquet and data/orm/held_out.parquet."""
    settings = params.load()
    files = (layout.PROBLEMS, layout.ORM_PATHS, layout.ORM_FEEDBACK, layout.ORM_MIX, layout.ORM_HELD_OUT)
    return str(build_feedback(settings.orm, settings.judge, settings.seed, FeedbackTables(*files)))


if __name__ == "__main__":
    stage.run("orm_mix", main)
