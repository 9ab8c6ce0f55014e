"""What of a run stands beside the paper's numbers."""

from pathlib import Path

from mathse import params
from mathse.report import paper

ROOT = Path(__file__).parents[2]


def test_models_have_their_stage_whatever_they_are_called() -> None:
    settings = params.load(ROOT / "presets" / "default.yaml")
    assert paper.stages(settings) == {
        "base": "base", "0": "distilled", "2": "self-evolving", "final": "reflection"
    }  # fmt: skip
    renamed = settings.model_copy(update={"models": {f"my-{name}": row for name, row in settings.models.items()}})
    assert paper.stages(renamed) == {
        "base": "base", "my-0": "distilled", "my-2": "self-evolving", "my-final": "reflection"
    }  # fmt: skip
