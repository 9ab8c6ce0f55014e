"""Stage mix: the rows that train a model, chosen in SQL from its step's paths: `0`, a round's number, or `final`."""

from mathse import params, stage
from mathse.loop.mix import build, tables_of
from mathse.loop.mix_report import save_mix_report
from mathse.loop.mix_screen import screens_of


def main(name: str) -> str:
    """Write data/mix/<name>.parquet and reports/mixes/<name>.json."""
    settings = params.load()
    tables = tables_of(settings, name)
    selected = build(settings.mix, settings.student.prompt, tables, screens_of(settings))
    solved = save_mix_report(name, selected, tables.paths, tables.previous)
    return f"{selected}; {solved.solved} of {solved.remaining} problems solved"


if __name__ == "__main__":
    stage.run("mix", main)
