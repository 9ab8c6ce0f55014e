"""What `mathse plan` makes of data sets, which it does not read."""

from pathlib import Path

import pytest

from mathse import params
from mathse.errors import UserError
from mathse.params import AdapterSource
from mathse.plan.work import problems

PRESET = Path(__file__).parents[2] / "presets" / "default.yaml"


def settings(**source: object) -> params.Params:
    default = params.load(PRESET)
    added = AdapterSource.model_validate({"name": "k12", "path": "nowhere", **source})
    sources = (*default.problems.sources, added)
    return default.model_copy(update={"problems": default.problems.model_copy(update={"sources": sources})})


def test_a_data_set_counts_by_its_limit_and_shares() -> None:
    before = problems(params.load(PRESET))
    after = problems(settings(limit=1000, split={"train": 0.6, "orm": 0.3, "test": 0.1}))
    assert (after.train - before.train, after.orm - before.orm, after.test - before.test) == (600, 300, 100)


def test_a_data_set_without_a_limit_cannot_be_planned() -> None:
    with pytest.raises(UserError, match=r"problems\.sources: k12: .*give it a limit"):
        problems(settings())
