from collections import Counter
from pathlib import Path

import pytest

from mathse import layout, params
from mathse.loop import paths
from mathse.params import Params
from mathse.tables import schemas, store
from mathse.tables.schemas import Problem, Remaining, WrongPath
from tests import rows
from tests.loop.scripted import Scripted

DEFAULT = Path(__file__).parents[2] / "presets" / "default.yaml"


def rolled_out(monkeypatch: pytest.MonkeyPatch, step: str, **rollout: object) -> list[schemas.Path]:
    """What a step of the default asks of a student about problems of which 0, 1, 2 steps left wrong paths."""
    settings = params.load(DEFAULT)
    changed = Params.model_validate(settings.model_dump() | {"rollout": settings.rollout.model_dump() | rollout})
    store.write(layout.PROBLEMS, Problem, [rows.problem(f"p{number}") for number in range(3)])
    left = {"p0": "", "p1": "00", "p2": "010"}
    wrong = {
        problem: tuple(
            WrongPath(path_id=f"{problem}-{n}", step=name, round=0, sample_idx=n, text="x")
            for n, name in enumerate(names)
        )
        for problem, names in left.items()
    }
    remaining = [Remaining(problem_id=problem, wrong=rows) for problem, rows in wrong.items()]
    store.write(layout.remaining(changed.steps[step].prev), Remaining, remaining)
    monkeypatch.setattr(paths, "open_for", lambda *_, **__: Scripted(lambda request: str(request.sampling.temperature)))
    paths.write(changed, step)
    return store.read(layout.paths(step), schemas.Path)


@pytest.mark.parametrize(
    ("samples", "harder", "counts"),
    [(4, 1, [4, 4, 4]), (4, 2, [4, 8, 16]), (3, 1.5, [3, 4, 6]), (500, 4, [500, 1024, 1024]), (1500, 2, [1500] * 3)],
)
def test_what_stays_unsolved_gets_more_samples(
    samples: int, harder: float, counts: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = rolled_out(monkeypatch, "2", samples=samples, harder=harder)

    assert Counter(row.problem_id for row in written) == dict(zip(("p0", "p1", "p2"), counts, strict=True))


def test_each_round_has_its_temperature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for step, temperature in (("1", "0.5"), ("2", "1.25")):
        written = rolled_out(monkeypatch, step, temperature={"1": 0.5, "2": 1.25})
        assert {row.text for row in written} == {temperature}
