import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import mathse
from mathse import params
from mathse.errors import UserError
from mathse.loop import mix
from mathse.loop.mix import FeedbackTables, Tables
from mathse.loop.mix_checks import CheckFailed
from mathse.loop.rendering import MixError
from mathse.loop.selection import Selected
from mathse.params import Judge, Orm, Query
from mathse.tables import schemas, store
from mathse.tables.schemas import Feedback, MixRow, PathKind, Problem, Split, Status, Verdict
from tests import rows

SQL = Path(mathse.__file__).parent / "sql" / "mixes"
CUMULATIVE = Query(query=SQL / "cumulative.sql", parameters={"max_per_problem": 1})
PROMPT = "solve-brief@1"


def step(
    folder: Path, paths: Sequence[schemas.Path], verdicts: Sequence[Verdict], problems: Sequence[Problem]
) -> Tables:
    tables = Tables(*(folder / f"{name}.parquet" for name in ("problems", "paths", "verdicts", "mix")))
    store.write(tables.problems, Problem, problems)
    store.write(tables.paths, schemas.Path, paths)
    store.write(tables.verdicts, Verdict, verdicts)
    return tables


def test_a_new_path_becomes_a_training_row(tmp_path: Path) -> None:
    problem = rows.problem(question="How many?", choices=("3", "4"), image_ids=("i", "j"))
    tables = step(tmp_path, [rows.path("a1", text="Two and two. {question}")], [rows.verdict("a1")], [problem])

    assert mix.build(CUMULATIVE, PROMPT, tables) == Selected(1, 1, {})
    (row,) = store.read(tables.mix, MixRow, verify=True)
    assert (row.path_id, row.problem_id, row.kind, row.round) == ("a1", "p1", PathKind.ROLLOUT, 1)
    assert row.image_ids == ("i", "j")
    assert [(m.role, m.content) for m in row.prompt] == [("user", "How many?\nA. 3\nB. 4")]
    assert [(m.role, m.content) for m in row.completion] == [("assistant", "Two and two. {question}")]


def test_the_mix_before_is_copied_and_the_inputs_are_told(tmp_path: Path) -> None:
    problems = [rows.problem("p1"), rows.problem("p2")]
    first = step(tmp_path / "0", [rows.path("a1", "p1")], [rows.verdict("a1", "p1")], problems)
    mix.build(CUMULATIVE, PROMPT, first)
    paths = [rows.path("b1", "p2"), rows.path("b2", "p2"), rows.path("b3", "p2", text="long" * 99)]
    verdicts = [rows.verdict("b1", "p2"), rows.verdict("b2", "p2", Status.WRONG), rows.verdict("b3", "p2")]
    second = step(tmp_path / "1", paths, verdicts, problems)
    second = Tables(second.problems, second.paths, second.verdicts, second.mix, previous=first.mix)

    counts = mix.build(CUMULATIVE, "solve@1", second)

    assert counts == Selected(4, 2, {"judged WRONG": 1, "over the limit per problem": 1})
    found = store.read(second.mix, MixRow)
    assert [row.path_id for row in found] == ["a1", "b1"]
    assert found[0] == store.read(first.mix, MixRow)[0]
    sources = [CUMULATIVE.query, second.problems, second.paths, second.verdicts, first.mix]
    assert store.metadata(second.mix).inputs == store.input_hashes(sources)


def test_more_rows_than_a_batch_are_all_there(tmp_path: Path) -> None:
    problems = [rows.problem(f"p{n}") for n in range(2500)]
    paths = [rows.path(f"a{n}", f"p{n}") for n in range(2500)]
    tables = step(tmp_path, paths, [rows.verdict(f"a{n}", f"p{n}") for n in range(2500)], problems)

    assert mix.build(CUMULATIVE, PROMPT, tables).rows_kept == 2500
    assert [row.path_id for row in store.scan(tables.mix, MixRow)] == sorted(path.path_id for path in paths)


@pytest.mark.parametrize("prompt", ["solve@99", "judge-brief@1"])
def test_a_prompt_that_does_not_fit_names_its_key(tmp_path: Path, prompt: str) -> None:
    tables = step(tmp_path, [rows.path()], [rows.verdict()], [rows.problem()])

    with pytest.raises(MixError, match=rf"student\.prompt: .*{prompt}"):
        mix.build(CUMULATIVE, prompt, tables)
    assert not tables.mix.exists()


def everything(folder: Path) -> Query:
    """A careless mix, such as a user may write: every path."""
    file = folder / "everything.sql"
    file.write_text(
        "select path_id, null as reason from (select path_id from previous union select path_id from paths)"
    )
    return Query(query=file)


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (rows.problem("p2", split=Split.TEST), "the problem itself"),
        (rows.problem("p2", split=Split.TEST, image_ids=("image-p1",)), "image image-p1"),
    ],
)
def test_a_test_problem_is_stopped_and_the_old_mix_stays(tmp_path: Path, test: Problem, said: str) -> None:
    problems, paths = (
        [rows.problem("p1"), rows.problem("p3")],
        [rows.path("a1", "p1"), rows.path("a2", test.problem_id)],
    )
    tables = step(tmp_path, [rows.path("a3", "p3")], [], problems)
    mix.build(everything(tmp_path), PROMPT, tables)
    before = tables.mix.read_bytes()
    step(tmp_path, paths[: 1 if said.startswith("image") else 2], [], [*problems, test])

    with pytest.raises(CheckFailed, match=rf"mix\.parquet: check no_test_problem failed; .*{said}"):
        mix.build(everything(tmp_path), PROMPT, tables)
    assert tables.mix.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_a_path_whose_problem_is_gone_is_named(tmp_path: Path) -> None:
    tables = step(tmp_path, [rows.path("a1", "gone")], [], [rows.problem("p1")])

    with pytest.raises(MixError, match="path a1: its problem gone is not in `problems`"):
        mix.build(everything(tmp_path), PROMPT, tables)


def test_a_mix_is_the_same_bytes_again(tmp_path: Path) -> None:
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        problems = [rows.problem(f"p{n}") for n in range(9)]
        paths = [rows.path(f"a{n}", f"p{n % 9}", text=f"t{n}") for n in range(30)]
        tables = step(folder, paths, [rows.verdict(f"a{n}", f"p{n % 9}") for n in range(30)], problems)
        mix.build(CUMULATIVE, PROMPT, tables)
        made.append([row.row_hash for row in store.scan(tables.mix, MixRow)])
    assert made[0] == made[1]


def feedback_tables(folder: Path, count: int) -> FeedbackTables:
    tables = FeedbackTables(*(folder / f"{name}.parquet" for name in ("problems", "paths", "feedback", "mix", "held")))
    numbers = range(count)
    store.write(tables.problems, Problem, [rows.problem(f"p{n}", split=Split.ORM) for n in numbers])
    store.write(tables.paths, schemas.Path, [rows.path(f"a{n}-{s}", f"p{n}") for n in numbers for s in "cw"])
    told = [rows.feedback(f"a{n}-c", f"p{n}") for n in numbers]
    wrong = {"error_step": "Schritt 2: 5·3", "error_analysis": "is not 16"}
    store.write(
        tables.feedback, Feedback, told + [rows.feedback(f"a{n}-w", f"p{n}", Status.WRONG, **wrong) for n in numbers]
    )
    return tables


ORM = params.load(Path(mathse.__file__).parent.parent / "params.yaml").orm.model_copy(
    update={"held_out": 0.4, "mix": Query(query=SQL / "balanced_feedback.sql")}
)
JUDGE = Judge(reference=True, batch_size=1, max_new_tokens=1, prompt="judge-brief@1")


def test_feedback_becomes_verdicts_to_learn_and_verdicts_to_measure(tmp_path: Path) -> None:
    tables = feedback_tables(tmp_path, 30)
    counts = mix.build_feedback(ORM, JUDGE, 1, tables)

    train, held_out = store.read(tables.mix, MixRow), store.read(tables.held_out, MixRow)
    assert counts == Selected(60, 60, {})
    assert len(train) + len(held_out) == 60 and len(held_out) > 5
    assert not {row.problem_id for row in train} & {row.problem_id for row in held_out}
    row = next(row for row in train if row.path_id.endswith("w"))
    assert "Standard answer: 4" in row.prompt[0].content and f"Path {row.path_id}." in row.prompt[0].content
    assert row.completion[0].content == (
        '{"status": "WRONG", "error_step": "Schritt 2: 5·3", "error_analysis": "is not 16"}'
    )
    correct = next(row for row in train if row.path_id.endswith("c"))
    assert json.loads(correct.completion[0].content) == {
        "status": "CORRECT",
        "error_step": None,
        "error_analysis": None,
    }


def test_without_a_reference_no_row_shows_gold(tmp_path: Path) -> None:
    tables = feedback_tables(tmp_path, 10)
    mix.build_feedback(ORM, JUDGE.model_copy(update={"reference": False, "prompt": "judge@2"}), 1, tables)

    assert not any("Standard answer:" in row.prompt[0].content for row in store.scan(tables.mix, MixRow))


def test_an_empty_part_is_an_error(tmp_path: Path) -> None:
    tables = feedback_tables(tmp_path, 1)

    with pytest.raises(MixError, match=r"no path for the part .*raise orm\.samples or change orm\.held_out"):
        mix.build_feedback(ORM, JUDGE, 1, tables)
    assert not tables.mix.exists() and not tables.held_out.exists()


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("null as nothing", r"own\.sql: column part is missing"),
        (
            "case path_id[2] when '0' then 'train' when '1' then 'held_out' else 'rest' end as part",
            "held_out; found rest",
        ),
    ],
)
def test_a_query_must_tell_the_parts(tmp_path: Path, part: str, said: str) -> None:
    file = tmp_path / "own.sql"
    file.write_text(f"select path_id, null as reason, {part} from paths")

    with pytest.raises(UserError, match=said):
        mix.build_feedback(ORM.model_copy(update={"mix": Query(query=file)}), JUDGE, 1, feedback_tables(tmp_path, 3))


def test_the_orm_section_is_bound_to_its_query(tmp_path: Path) -> None:
    orm: Orm = ORM.model_copy(update={"mix": Query(query=SQL / "balanced_feedback.sql", parameters={"spare": 1})})

    with pytest.raises(UserError, match=r"orm\.mix\.parameters\.spare"):
        mix.build_feedback(orm, JUDGE, 1, feedback_tables(tmp_path, 2))
