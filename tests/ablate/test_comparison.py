"""Statistics across seeds, held to counts made by hand, and the tables made of them."""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse import layout
from mathse.ablate import text
from mathse.ablate.comparison import compare, counterparts
from mathse.ablate.comparison import results as compared
from mathse.ablate.experiment import Experiment, find
from mathse.errors import UserError
from mathse.loop.evaluation.statistics import mcnemar
from mathse.report import ablations
from mathse.report.ablations import ModelResult, OrmResult, ProblemSet, Results, Run, StepResult, as_digits, from_digits

N = 10
TESTS = ProblemSet(n=N, sha256="ab")
EXPERIMENT = Experiment.model_validate(
    {
        "title": "whether it helps", "source": "a source", "question": "Does it?", "baseline": "plain",
        "paper": {"CogVLM2": {"plain": 58.0}},
        "variants": [
            {"name": "plain", "title": "without", "measured": ["1", "2"]},
            {"name": "more", "title": "with more", "measured": [{"model": "0", "against": "2"}]},
        ],
    }
)  # fmt: skip


def run(variant: str, seed: int, **solved: str) -> Run:
    """A run whose models (`m1` is model 1) solve the problems at which there is a 1."""
    models = {
        name.removeprefix("m"): ModelResult(
            fingerprint="f", accuracy=bits.count("1") / N, correct=bits.count("1"), rows=100 + seed, teacher_calls=20,
            solved=as_digits(bit == "1" for bit in bits),
        )
        for name, bits in solved.items()
    }  # fmt: skip
    orm = OrmResult(n=4, accuracy=0.9, accuracy_correct=1, accuracy_wrong=0.8, step_accuracy=0.5)
    step = StepResult(paths=9, accepted=6, accepted_decided=5, accepted_right=4, right=5)
    return Run(
        variant=variant, seed=seed, inputs="i", train_problems=50, models=models, steps={"1": step}, orms={"orm": orm}
    )  # fmt: skip


RUNS = (
    run("plain", 1, m1="1100000000", m2="1110000000"),
    run("plain", 2, m1="1000000000", m2="0110000000"),
    run("more", 1, m0="1111110000"),
    run("more", 2, m0="1111110000"),
)


def test_a_model_is_compared_on_the_same_problems_and_seeds() -> None:
    first, second, more = compare(EXPERIMENT, TESTS, RUNS)

    assert (first.mean, first.difference) == (0.15, None)
    assert second.difference is not None
    assert (second.difference.variant, second.difference.model) == ("plain", "1")
    assert second.difference.by_seed["2"].model_dump() == {"gained": 2, "lost": 1, "p": 1.0}
    assert more.seeds == (1, 2)
    assert more.mean == 0.6
    assert more.difference is not None
    assert more.difference.mean == pytest.approx(0.35)
    assert more.difference.p == mcnemar(7, 0)
    assert [pair.gained for pair in more.difference.by_seed.values()] == [3, 4]
    assert more.difference.low <= more.difference.mean <= more.difference.high
    assert more.low <= more.mean <= more.high


def test_seeds_that_one_side_lacks_are_not_compared() -> None:
    more = compare(EXPERIMENT, TESTS, [RUNS[0], RUNS[2], RUNS[3]])[-1]
    assert more.seeds == (1, 2)
    assert more.difference is not None
    assert list(more.difference.by_seed) == ["1"]
    assert compare(EXPERIMENT, TESTS, [RUNS[3]])[-1].difference is None


def test_the_baselines_own_models_follow_each_other() -> None:
    assert counterparts(EXPERIMENT) == {
        ("plain", "1"): None,
        ("plain", "2"): ("plain", "1"),
        ("more", "0"): ("plain", "2"),
    }


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_digits_hold_the_outcomes(outcomes: list[bool]) -> None:
    assert from_digits(as_digits(outcomes), len(outcomes)) == outcomes


def made(runs: Sequence[Run] = RUNS) -> Results:
    return compared("mine", EXPERIMENT, TESTS, runs)


def test_the_file_depends_on_the_runs_alone_and_gives_the_numbers_again(tmp_path: Path) -> None:
    shuffled = list(RUNS)
    random.Random(1).shuffle(shuffled)
    for folder, runs in (("a", RUNS), ("b", shuffled)):
        ablations.save(tmp_path / folder / "mine.json", made(runs))
    assert (tmp_path / "a/mine.json").read_bytes() == (tmp_path / "b/mine.json").read_bytes()
    kept = ablations.load(tmp_path / "a" / "mine.json")
    assert kept is not None
    assert compare(EXPERIMENT, kept.tests, kept.runs) == list(kept.comparison)


def test_committed_numbers_follow_from_the_committed_outcomes() -> None:
    for file in (Path(__file__).parents[2] / layout.ABLATIONS).glob("*.json"):
        kept = ablations.load(file)
        assert kept is not None
        assert compare(find(file.stem)[1], kept.tests, kept.runs) == list(kept.comparison), file


def test_the_tables_are_whole_at_80_columns() -> None:
    printed = text.render(EXPERIMENT, made(), [1, 2])
    assert max(map(len, printed.splitlines())) <= text.WIDTH
    assert "| more    | 0     | 60.0 (" in printed
    assert "| +35.0 (" in printed
    assert "| more    | 0     |  102 |    20 |   60.0 |   60.0 |" in printed
    assert "ORM of plain: 80.0 % of what it accepted is right by rule" in printed
    assert "reported: CogVLM2 plain 58" in printed
    assert "partial" not in printed


def test_what_is_missing_is_said() -> None:
    assert "partial: not run yet: more, seed 2" in text.render(EXPERIMENT, made(RUNS[:3]), [1, 2])


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    assert ablations.load(file) is None
    content = made().model_dump(mode="json")
    cut = content | {
        "runs": [run | {"models": {"1": run["models"]["1"] | {"solved": "f"}}} for run in content["runs"][:1]]
    }
    for damaged in ("{}", json.dumps(cut), json.dumps(content | {"runs": content["runs"][1:]})):
        file.write_text(damaged)
        with pytest.raises(UserError, match="does not hold an experiment's results"):
            ablations.load(file)


def test_drawn_answers_have_their_column() -> None:
    drawn = []
    for each in RUNS:
        rates = {"pass_at": {"1": 0.2, "4": 0.1 * each.seed}}
        models = {name: model.model_copy(update=rates) for name, model in each.models.items()}
        drawn.append(each.model_copy(update={"models": models}))
    assert "pass@" not in text.render(EXPERIMENT, made(), [1, 2])
    printed = text.render(EXPERIMENT, made(drawn), [1, 2])
    assert "seed 2 | pass@4 |" in printed and "|   60.0 |   60.0 |   15.0 |" in printed
    heading, *_, more = ablations.cells(made(drawn))
    assert dict(zip(heading, more, strict=True))["pass@4, %"] == "15.0"


def test_orms_have_a_table_where_variants_differ_in_them() -> None:
    assert list(ablations.grids(made())) == ["10 test problems"]
    sharper = OrmResult(n=12, accuracy=0.75, accuracy_correct=0.5, accuracy_wrong=1, step_accuracy=0.25)
    runs = [each.model_copy(update={"orms": {"orm": sharper}}) if each.variant == "more" else each for each in RUNS]
    assert ablations.orm_cells(made(runs))[1:] == [
        ("plain", "orm", "8", "100.0 (67.6 to 100.0)", "100.0", "80.0", "50.0"),
        ("more", "orm", "24", "75.0 (55.1 to 88.0)", "50.0", "100.0", "25.0"),
    ]
    printed = text.render(EXPERIMENT, made(runs), [1, 2])
    assert max(map(len, printed.splitlines())) <= text.WIDTH
    assert "| more    | orm |    24 |" in printed
    assert list(ablations.grids(made(runs))) == ["10 test problems", "the ORMs on their held-out paths"]


def test_an_experiment_of_orms_has_no_table_of_models() -> None:
    base = ModelResult(fingerprint="f", accuracy=0.2, correct=2, rows=0, teacher_calls=0, solved="c00")
    of_orms = Experiment.model_validate(
        {**EXPERIMENT.model_dump(), "variants": [
            {"name": name, "title": name, "measured": ["base"]} for name in ("plain", "more")
        ]}
    )  # fmt: skip
    runs = [run(name, 1).model_copy(update={"models": {"base": base}}) for name in ("plain", "more")]
    runs[1] = runs[1].model_copy(update={"orms": {"orm": runs[1].orms["orm"].model_copy(update={"accuracy": 0.5})}})
    kept = compared("mine", of_orms, TESTS, runs)
    assert list(ablations.grids(kept)) == ["the ORMs on their held-out paths"]
    printed = text.render(of_orms, kept, [1])
    assert re.search(r"\| more    \| orm \|     4 \| +50\.0 \(", printed)
    assert not re.search("base|difference:|calls:|test problems", printed), "nothing is said of models"
