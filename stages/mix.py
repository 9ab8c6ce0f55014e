"""Stage mix: the rows that train a model, chosen in SQL from its step's paths: `0`, a round's number, or `final`."""

from mathse import layout, params, stage
from mathse.method.mix import Tables, build
from mathse.method.mix_report import save_mix_report


def main(name: str) -> str:
    """Write data/mix/<name>.parquet and reports/mixes/<name>.json."""
    settings = params.load()
    folder = layout.step_dir({"0": "distill", "final": "reflect"}.get(name, name))
    previous = None if name == "0" else layout.mix(settings.model_before(name))
    paths, verdicts, out = layout.paths(folder), layout.verdicts(folder), layout.mix(name)
    selected = build(settings.mix, settings.student.prompt, Tables(layout.PROBLEMS, paths, verdicts, out, previous))
    solved = save_mix_report(name, selected, paths, previous)
    return f"{selected}; {solved.solved} of {solved.remaining} problems solved"


if __name__ == "__main__":
    stage.run("mix", main)
