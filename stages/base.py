"""Stage base: pre-train the tiny base model, or fetch the one that params name."""

from mathse import layout, params, stage
from mathse.training.fetch import fetch


def main() -> str:
    """Make models/base."""
    settings = params.load()
    if isinstance(settings.base, params.Pretrained):
        return fetch(settings.base, layout.model("base"))
    from mathse.training.pretrain import pretrain

    report = pretrain(settings.base, settings.compute, layout.model("base"))
    return f"{report.rows} drills in {report.steps} steps, loss {report.final_loss:.3f}"


if __name__ == "__main__":
    stage.run("base", main)
