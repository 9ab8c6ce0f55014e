import json
from pathlib import Path

import pytest

from mathse import cli, layout
from mathse.look.ids import RowNotFound
from mathse.look.trace import Node, trace
from mathse.tables import store
from mathse.tables.schemas import Feedback, MixRow, Origin, PathKind, Prediction, Problem, Split, Status
from mathse.tables.schemas import Path as ReasoningPath
from tests import rows
from tests.share import toy


@pytest.fixture
def traced(run: Path) -> Path:
    """The run with mixes, origins, and models: 1 starts from 0, final from 1; the ORM judged and wrote a prediction."""
    with toy.within(run):
        store.write(layout.ORIGINS, Origin, [origin("figures"), origin("geometry3k")])
        refl, roll = toy.mix_row("refl", "1abc1", kind=PathKind.REFLECTION), toy.mix_row("roll", "1abc1", round=1)
        mixes = {"1": [roll], "2": [roll], "final": [roll, refl], "orm": [roll]}
        for name, content in mixes.items():
            store.write(layout.mix(name), MixRow, content)
        toy.write_model("base", {"name": "base"})
        start = toy.start()
        for name in ("1", "2", "final"):
            mix = {"file": layout.mix(name).as_posix(), "hash": "0" * 32}
            toy.write_model(name, {"name": name, "start": start, "mix": mix})
            start = {"folder": f"models/{name}", "fingerprint": toy.fingerprint(name)}
    return run


def origin(source: str) -> Origin:
    return Origin(problem_id="1abc1", source=source, source_id="7", licence="MIT", split=Split.TRAIN)


def below(node: Node, role: str) -> list[Node]:
    return [one for one in node.below if one.role == role]


def test_a_reflection_leads_to_the_path_it_reconsiders_and_to_its_problem(traced: Path) -> None:
    node = trace(traced, "refl")
    (parent,) = below(node, "reconsiders")
    assert (parent.id, parent.facts["step"]) == ("roll", "1")
    assert below(parent, "judged")[0].facts["error_analysis"] == "vision: B is not 40"
    (problem,) = below(node, "answers")
    assert (problem.id, problem.facts["licence"]) == ("1abc1", "Apache-2.0")
    assert [one.id for one in problem.below] == ["figures 7", "geometry3k 7"]


def test_a_row_leads_to_every_mix_and_model_it_trained_and_to_those_started_from_them(traced: Path) -> None:
    mixes = below(trace(traced, "roll"), "in")
    assert {one.id: one.below[0].id for one in mixes} == {
        "data/mix/orm.parquet": "models/orm", "data/mix/1.parquet": "models/1", "data/mix/2.parquet": "models/2",
        "data/mix/final.parquet": "models/final",
    }  # fmt: skip
    first = next(one for one in mixes if one.id == "data/mix/1.parquet").below[0]
    (second,) = below(first, "start of")
    assert (second.id, second.below[0].id, second.below[0].below) == ("models/2", "models/final", ())
    orm = next(one for one in mixes if one.id == "data/mix/orm.parquet").below[0]
    assert not orm.facts["there"]


def test_a_path_written_by_a_model_names_it(traced: Path) -> None:
    with toy.within(traced):
        path = rows.path("mine", "1abc1", author=toy.fingerprint("1"))
        store.write(layout.paths("2"), ReasoningPath, [path])
    (author,) = below(trace(traced, "mine"), "written by")
    assert (author.id, author.facts["made_from"]) == ("models/1", ["data/mix/1.parquet", "models/base"])


def test_what_a_teacher_said_is_told(traced: Path) -> None:
    said = rows.feedback("roll", "1abc1", Status.WRONG, error_step="Step 2", error_analysis="why")
    store.write(traced / layout.orm_feedback("orm"), Feedback, [said])
    (node,) = below(trace(traced, "roll"), "marked")
    assert (node.facts["author"], node.facts["error_step"]) == ("solver", "Step 2")


def test_a_problem_has_its_paths_once_and_its_predictions(traced: Path) -> None:
    node = trace(traced, "1ab")
    (path,) = below(node, "has")
    assert (path.id, [one.id for one in below(path, "reconsiders")]) == ("refl", ["roll"])
    predicted = trace(traced, "2abc")
    assert {one.facts["model_name"] for one in below(predicted, "has")} == {"base", "0", "1", "final"}


def test_a_row_hash_names_any_row(traced: Path) -> None:
    (predicted, _) = store.read(traced / layout.predictions("final"), Prediction)
    assert trace(traced, predicted.row_hash).facts["model_name"] in {"0", "1", "final"}
    assert trace(traced, store.read(traced / layout.mix("1"), MixRow)[0].row_hash).id == "roll"
    (problem, *_) = store.read(traced / layout.PROBLEMS, Problem)
    assert trace(traced, problem.row_hash[:20]).id == problem.problem_id


def test_a_row_of_a_mix_is_found_where_its_paths_are_not(traced: Path) -> None:
    for file in (layout.paths("final"), layout.verdicts("final")):
        (traced / file).unlink()
    node = trace(traced, "refl")
    assert (node.facts["kind"], [one.id for one in below(node, "in")]) == ("reflection", ["data/mix/final.parquet"])


def test_a_prefix_of_several_rows_lists_them(traced: Path) -> None:
    with pytest.raises(
        RowNotFound, match=r"more than one id begins with 'r'; give more digits:\n  path refl\n  path roll"
    ):
        trace(traced, "r")
    with pytest.raises(RowNotFound, match="no row's id begins with 'x'"):
        trace(traced, "x")


def test_the_first_of_many_ids_are_listed_in_order(traced: Path) -> None:
    store.write(traced / layout.paths("0"), ReasoningPath, [rows.path(f"many{number}") for number in range(9, 0, -1)])
    listed = "".join(rf"\n  path many{number}" for number in range(1, 6))
    with pytest.raises(RowNotFound, match=rf"more digits:{listed}\n  \.\.\.$"):
        trace(traced, "many")


def test_an_exact_id_is_not_ambiguous(traced: Path) -> None:
    store.write(traced / layout.paths("0"), ReasoningPath, [rows.path("rol"), rows.path("rolling")])
    assert trace(traced, "rol").id == "rol"
    with pytest.raises(RowNotFound, match="path rol\n  path roll\n  path rolling"):
        trace(traced, "ro")


def test_two_paths_that_name_each_other_end(traced: Path) -> None:
    one, other = (rows.path(name, "1abc1", parent_path_id=parent) for name, parent in (("x1", "x2"), ("x2", "x1")))
    store.write(traced / layout.paths("final"), ReasoningPath, [one, other])
    assert [node.id for node in below(trace(traced, "x1"), "reconsiders")] == ["x2"]


@pytest.mark.parametrize("row", ["'; drop table paths; --", "%", "", "日本", "\x1b[31m"])
def test_no_text_is_run_as_sql(traced: Path, row: str) -> None:
    with pytest.raises(RowNotFound):
        trace(traced, row)


def test_an_empty_project_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(RowNotFound, match="there are no tables here yet"):
        trace(tmp_path, "a")


def test_the_tree_is_one_line_a_node_and_json_holds_all(traced: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem = rows.problem("p9", question="Was \x1b[31m ist\n C? [bold]三角形[/bold]")
    store.write(traced / layout.PROBLEMS, Problem, [problem])
    store.write(traced / layout.paths("0"), ReasoningPath, [rows.path("mine", "p9", author="figure-solver")])
    assert cli.main(["-C", str(traced), "trace", "mine"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines() == [
        "path mine  rollout 0, round 1, by figure-solver with solve-brief@1",
        "└── answers problem p9  figures p9, CC0-1.0, train, angles, level 1: Was [31m ist C? [bold]三角形[/bold]",
    ]
    assert cli.main(["-C", str(traced), "trace", "mine", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["what"], told["prompt_id"], told["below"][0]["question"]) == (
        "path",
        "solve-brief@1",
        problem.question,
    )
