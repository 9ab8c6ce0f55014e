"""A mix's query is looked at before anything is trained: what it breaks, and what it would change."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from mathse import cli, layout, params
from mathse.errors import UserError
from mathse.look.mix_check import UNSTABLE, Change, effect, lines
from mathse.loop.mix import build
from mathse.tables import schemas, store
from mathse.tables.schemas import BenchmarkItem, PathKind, Problem, Split, Status, Verdict
from mathse.tables.start import write_base
from tests import rows

ROOT = Path(__file__).parents[2]
EVERYTHING = "select path_id, null as reason from (select path_id from previous union select path_id from paths)"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Mix 0 with one row; step 1 with two correct paths to p2, a wrong one, and one to a test problem."""
    content = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    content["mix"] = {"query": content["mix"]["query"], "parameters": {"max_per_problem": 1}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    shutil.copytree(ROOT / "mathse" / "sql" / "mixes", tmp_path / "mathse" / "sql" / "mixes")
    problems = [rows.problem("p1"), rows.problem("p2", level=2), rows.problem("p3", split=Split.TEST)]
    store.write(tmp_path / layout.PROBLEMS, Problem, problems)
    write_base(tmp_path)
    step(tmp_path, "0", [("d1", "p1", Status.CORRECT)])
    told = [("a1", "p2", Status.CORRECT), ("a2", "p2", Status.CORRECT), ("a3", "p2", Status.WRONG)]
    step(tmp_path, "1", [*told, ("t1", "p3", Status.CORRECT)])
    store.write(tmp_path / layout.BENCHMARK_ITEMS, BenchmarkItem, [])
    settings = params.load(tmp_path / "params.yaml")
    for name in ("0", "1"):
        build(settings, name, tmp_path)
    return tmp_path


def step(root: Path, named: str, told: list[tuple[str, str, Status]]) -> None:
    paths = [rows.path(name, problem_id) for name, problem_id, _ in told]
    store.write(root / layout.paths(named), schemas.Path, paths)
    store.write(root / layout.verdicts(named), Verdict, [rows.verdict(*row) for row in told])


def written(root: Path, sql: str) -> Path:
    file = root / "own.sql"
    file.write_text(sql)
    return file


def test_the_mix_of_params_changes_nothing(project: Path) -> None:
    found = effect(project, project / "mathse/sql/mixes/cumulative.sql", "1", {})

    assert (found.candidates, found.stable, found.stale, found.failed) == (5, True, 0, [])
    assert found.added == found.removed == {}
    assert found.reasons[0] == Change("in the mix", 2, 2)


def test_a_wider_limit_adds_what_was_over_it(project: Path) -> None:
    found = effect(project, project / "mathse/sql/mixes/cumulative.sql", "1", {"max_per_problem": 2})

    assert found.added == {"over the limit per problem": 1} and found.removed == {}
    assert [(row["path_id"], row["text"]) for row in found.examples["added"]] == [("a2", rows.path("a2").text)]
    assert Change("2", 1, 2) in found.parts["level"] and Change("rollout", 2, 3) in found.parts["kind"]
    assert "added 1, now: 1 over the limit per problem" in "\n".join(lines(found))


def test_what_is_removed_has_its_new_reason(project: Path) -> None:
    sql = f"select path_id, if(path_id = 'd1', 'too easy', reason) as reason from ({EVERYTHING}) where path_id != 't1'"
    found = effect(project, written(project, sql), "1", {})

    assert found.removed == {"too easy": 1}
    assert Change("not returned by the query", 0, 1) in found.reasons


def test_a_test_problem_fails_and_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file: file.read_bytes() for file in project.rglob("*") if file.is_file()}

    assert cli.main(["-C", str(project), "mix", "check", str(written(project, EVERYTHING)), "--step", "1"]) == 2
    said = capsys.readouterr()
    assert "checks    6 of 7 passed" in said.out and '"test_problem_id": "p3"' in said.out
    assert "own.sql: no_test_problem failed" in said.err
    (project / "own.sql").unlink()
    assert {file: file.read_bytes() for file in project.rglob("*") if file.is_file()} == before


def test_a_choice_by_the_order_of_rows_is_found(project: Path) -> None:
    unstable = f"select path_id, if(row_number() over () > 2, 'late', null) as reason from ({EVERYTHING})"
    step(project, "1", [(f"b{number}", "p2", Status.CORRECT) for number in range(50)])
    found = effect(project, written(project, unstable), "1", {})

    assert not found.stable and UNSTABLE in "\n".join(lines(found))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select path_id from paths", "column reason is missing"),
        ("select 'x' as path_id, null as reason", "path_id that is no candidate: x"),
        ("select path_id, $more as reason from paths", r"needs \$more"),
        ("drop table paths", "must be one SELECT"),
    ],
)
def test_a_broken_contract_is_named(project: Path, sql: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        effect(project, written(project, sql), "1", {})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("orm", r"orm: `mix\.query` does not choose its mix; name a step .*: 0, 1, 2, final"),
        ("9", r"steps: there is no step '9'; known: 0, 1, 2, final"),
        (None, r"data/paths/final\.parquet"),
    ],
)
def test_a_step_is_named_the_last_where_none_is(project: Path, name: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        effect(project, project / "mathse/sql/mixes/cumulative.sql", name, {})


def test_a_mix_of_preferences_is_looked_at_with_its_pairs(project: Path) -> None:
    found = effect(project, project / "mathse/sql/mixes/cumulative_pairs.sql", "1", {"max_per_problem": 1})

    assert found.stable and found.failed == [] and found.reasons[0] == Change("in the mix", 2, 2)
    sql = "select path_id, reason, if(reason is null, {}, null) as rejected_path_id from candidates where is_new"
    step(project, "1", [(f"a{number}", "p2", Status(said)) for number, said in enumerate(["CORRECT"] + ["WRONG"] * 50)])
    named = written(project, sql.format("'a3'"))
    assert effect(project, named, "1", {}).stable
    chance = "(select path_id from wrong_paths limit 1)"
    assert not effect(project, written(project, sql.format(chance)), "1", {}).stable


def test_rows_with_other_drafts_are_no_duplicates(project: Path) -> None:
    step(project, "1", [("w1", "p2", Status.WRONG), ("w2", "p2", Status.WRONG)])
    build(params.load(project / "params.yaml"), "1", project)
    again = {"problem_id": "p2", "text": "It is 4.", "kind": PathKind.REFLECTION}
    paths = [rows.path("r1", parent_path_id="w1", **again), rows.path("r2", parent_path_id="w2", **again)]
    store.write(project / layout.paths("2"), schemas.Path, paths)
    store.write(project / layout.verdicts("2"), Verdict, [rows.verdict(path.path_id, "p2") for path in paths])
    named = written(project, "select path_id, reason from candidates")

    assert [check.name for check in effect(project, named, "2", {}).failed] == ["no_duplicate_text"]
    file = project / "params.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["mix"]["reflections"] = "draft"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert effect(project, named, "2", {}).failed == []


def test_a_leak_is_a_reason_like_others(project: Path) -> None:
    question = "A ladder of 13 m leans against a wall of 12 m, and its foot is moved away from the wall by 2 m more."
    leaked = BenchmarkItem(
        benchmark="b", item_id="7", question=question, answer="5", licence="MIT", subject="lengths", level=1,
        official="{}",
    )  # fmt: skip
    store.write(project / layout.BENCHMARK_ITEMS, BenchmarkItem, [leaked])
    paths = [rows.path("a1", "p2", text=f"{question} It is 5."), rows.path("a2", "p2")]
    store.write(project / layout.paths("1"), schemas.Path, paths)
    found = effect(project, project / "mathse/sql/mixes/cumulative.sql", "1", {"max_per_problem": 2})

    assert Change("leak", 0, 1) in found.reasons and found.stable


def test_a_mix_on_disk_that_is_out_of_date_is_told(project: Path) -> None:
    step(project, "1", [("a9", "p2", Status.CORRECT)])
    found = effect(project, project / "mathse/sql/mixes/cumulative.sql", "1", {})

    assert found.stale == 2 and "is not what mix.query chooses now, by 2 rows" in "\n".join(lines(found))


def test_parameters_are_set_and_json_is_one_object(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "mathse/sql/mixes/balanced.sql"
    assert (
        cli.main(["-C", str(project), "mix", "check", str(file), "--model", "0", "--set", "max_per_cell=3", "--json"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["reasons"] == [{"name": "in the mix", "now": 1, "new": 1}]
    with pytest.raises(SystemExit):
        cli.main(["mix", "check", str(file), "--set", "max_per_cell"])


def test_the_mixes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["mix", "list"]) == 0
    said = capsys.readouterr().out
    assert "mathse/sql/mixes/hardest_first.sql\n    The mix before, and new correct paths to the hardest" in said
