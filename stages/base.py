"""Stage base: pre-train the tiny base model."""

from mathse import layout, params, stage
from mathse.training.pretrain import pretrain


def main() -> str:
    """Build models/base."""
    settings = params.load()
    report = pretrain(settings.base, settings.compute, layout.model("base"))
    return f"{report.rows} drills in {report.steps} steps, loss {report.final_loss:.3f}"


if __name__ == "__main__":
    stage.run("base", main)
