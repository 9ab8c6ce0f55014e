import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import mathse
from mathse import layout, params
from mathse.errors import UserError
from mathse.loop import mix, orm_mix
from mathse.loop.mix import MixReport
from mathse.loop.mix_checks import CheckFailed
from mathse.loop.mix_rows import MixError
from mathse.loop.selection import Selected, SelectionError
from mathse.params import Params, Query
from mathse.tables import schemas, store
from mathse.tables.schemas import Feedback, MixRow, PathKind, Problem, Split, Status, Verdict
from mathse.tables.start import write_base
from tests import rows

SQL = Path(mathse.__file__).parent / "sql" / "mixes"
LOADED = params.load(Path(mathse.__file__).parents[1] / "presets" / "default.yaml")
WRITTEN = (layout.mix, layout.remaining, layout.mix_report)


def mixed_by(query: Path, **parameters: int) -> Params:
    """Settings with another mix, and without benchmarks to hold it against."""
    leakage = LOADED.problems.leakage.model_copy(update={"remove": False})
    problems = LOADED.problems.model_copy(update={"leakage": leakage})
    chosen = LOADED.mix.model_copy(update={"query": query, "parameters": parameters})
    return LOADED.model_copy(update={"mix": chosen, "problems": problems})


CUMULATIVE = mixed_by(SQL / "cumulative.sql", max_per_problem=1)


def asked_with(prompt: str) -> Params:
    return CUMULATIVE.model_copy(update={"student": CUMULATIVE.student.model_copy(update={"prompt": prompt})})


def step(
    root: Path,
    paths: Sequence[schemas.Path],
    verdicts: Sequence[Verdict],
    problems: Sequence[Problem],
    name: str = "0",
) -> Path:
    """What was asked for a step, and what the judge said; returns where its mix goes."""
    store.write(root / layout.PROBLEMS, Problem, problems)
    write_base(root)
    store.write(root / layout.paths(name), schemas.Path, paths)
    store.write(root / layout.verdicts(name), Verdict, verdicts)
    return root / layout.mix(name)


def test_a_new_path_becomes_a_training_row(tmp_path: Path) -> None:
    problem = rows.problem(question="How many?", choices=("3", "4"), image_ids=("i", "j"))
    made = step(tmp_path, [rows.path("a1", text="Two and two. {question}")], [rows.verdict("a1")], [problem])

    assert str(mix.build(CUMULATIVE, "0", tmp_path)) == "candidates 1, kept 1; 1 of 1 problems solved"
    (row,) = store.read(made, MixRow, verify=True)
    assert (row.path_id, row.problem_id, row.kind, row.round) == ("a1", "p1", PathKind.ROLLOUT, 1)
    assert row.image_ids == ("i", "j")
    assert [(m.role, m.content) for m in row.prompt] == [("user", "How many?\nA. 3\nB. 4")]
    assert [(m.role, m.content) for m in row.completion] == [("assistant", "Two and two. {question}")]
    assert (row.rejected_path_id, row.rejected) == (None, ())


def test_the_mix_before_is_copied(tmp_path: Path) -> None:
    problems = [rows.problem("p1"), rows.problem("p2")]
    first = step(tmp_path, [rows.path("a1", "p1")], [rows.verdict("a1", "p1")], problems)
    mix.build(CUMULATIVE, "0", tmp_path)
    paths = [rows.path("b1", "p2"), rows.path("b2", "p2"), rows.path("b3", "p2", text="long" * 99)]
    verdicts = [rows.verdict("b1", "p2"), rows.verdict("b2", "p2", Status.WRONG), rows.verdict("b3", "p2")]
    second = step(tmp_path, paths, verdicts, problems, "1")

    report = mix.build(asked_with("solve@1"), "1", tmp_path)

    left_out = {"judged WRONG": 1, "over the limit per problem": 1}
    assert report == MixReport(step="1", candidates=4, rows=2, left_out=left_out, solved=1, remaining=1)
    assert json.loads((tmp_path / layout.mix_report("1")).read_text()) == report.model_dump()
    found = store.read(second, MixRow)
    assert [row.path_id for row in found] == ["a1", "b1"]
    assert found[0] == store.read(first, MixRow)[0]


def test_a_comment_in_the_query_changes_no_byte(tmp_path: Path) -> None:
    step(tmp_path, [rows.path("a1"), rows.path("a2", "p2")], [rows.verdict("a1")], [rows.problem(), rows.problem("p2")])
    own, made = tmp_path / "own.sql", []
    for comment in ("", "-- Twice the same.\n"):
        own.write_text(comment + (SQL / "cumulative.sql").read_text())
        mix.build(mixed_by(own, max_per_problem=1), "0", tmp_path)
        made.append([(tmp_path / file("0")).read_bytes() for file in WRITTEN])
    assert made[0] == made[1]


def test_more_rows_than_a_batch_are_all_there(tmp_path: Path) -> None:
    problems = [rows.problem(f"p{n}") for n in range(2500)]
    paths = [rows.path(f"a{n}", f"p{n}") for n in range(2500)]
    made = step(tmp_path, paths, [rows.verdict(f"a{n}", f"p{n}") for n in range(2500)], problems)

    assert mix.build(CUMULATIVE, "0", tmp_path).rows == 2500
    assert [row.path_id for row in store.scan(made, MixRow)] == sorted(path.path_id for path in paths)


@pytest.mark.parametrize("prompt", ["solve@99", "judge-brief@1"])
def test_a_prompt_that_does_not_fit_names_its_key(tmp_path: Path, prompt: str) -> None:
    made = step(tmp_path, [rows.path()], [rows.verdict()], [rows.problem()])

    with pytest.raises(MixError, match=rf"student\.prompt: .*{prompt}"):
        mix.build(asked_with(prompt), "0", tmp_path)
    assert not made.exists()


@pytest.mark.parametrize("name", ["orm", "student"])
def test_an_orm_has_another_mix(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        MixError, match=rf"{name}: `mix\.query` does not choose its mix; name a step .*: 0, 1, 2, final"
    ):
        mix.build(CUMULATIVE, name, tmp_path)


def everything(folder: Path) -> Params:
    """A careless mix, such as a user may write: every path."""
    file = folder / "everything.sql"
    file.write_text(
        "select path_id, null as reason from (select path_id from previous union select path_id from paths)"
    )
    return mixed_by(file)


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
    made = step(tmp_path, [rows.path("a3", "p3")], [], problems)
    mix.build(everything(tmp_path), "0", tmp_path)
    before = [(tmp_path / file("0")).read_bytes() for file in WRITTEN]
    step(tmp_path, paths[: 1 if said.startswith("image") else 2], [], [*problems, test])

    with pytest.raises(CheckFailed, match=rf"0\.parquet: check no_test_problem failed; .*{said}"):
        mix.build(everything(tmp_path), "0", tmp_path)
    assert [(tmp_path / file("0")).read_bytes() for file in WRITTEN] == before
    assert not list(made.parent.glob(".*"))


def test_a_path_whose_problem_is_gone_is_named(tmp_path: Path) -> None:
    step(tmp_path, [rows.path("a1", "gone")], [], [rows.problem("p1")])

    with pytest.raises(MixError, match="path a1: its problem gone is not in `problems`"):
        mix.build(everything(tmp_path), "0", tmp_path)


def test_a_mix_is_the_same_bytes_again(tmp_path: Path) -> None:
    made = []
    for root in (tmp_path / "a", tmp_path / "b"):
        problems = [rows.problem(f"p{n}") for n in range(9)]
        paths = [rows.path(f"a{n}", f"p{n % 9}", text=f"t{n}") for n in range(30)]
        step(root, paths, [rows.verdict(f"a{n}", f"p{n % 9}") for n in range(30)], problems)
        mix.build(CUMULATIVE, "0", root)
        made.append([(root / file("0")).read_bytes() for file in WRITTEN])
    assert made[0] == made[1]


PAIRED = mixed_by(SQL / "cumulative_pairs.sql", max_per_problem=1)


def wrong(path_id: str, problem_id: str = "p1", **critique: str) -> Verdict:
    return rows.verdict(path_id, problem_id, Status.WRONG, **critique)


def test_a_mix_with_pairs_keeps_a_wrong_path_beside_each_row_that_has_one(tmp_path: Path) -> None:
    problems = [rows.problem("p1"), rows.problem("p2"), rows.problem("p3")]
    paths = [
        rows.path("a1", "p1", text="Right."), rows.path("a2", "p1", text="Wrong, and long."),
        rows.path("a3", "p1", text="Wrong."), rows.path("b1", "p2", text="Alone."), rows.path("c1", "p3", text="No."),
    ]  # fmt: skip
    verdicts = [rows.verdict("a1"), wrong("a2"), wrong("a3"), rows.verdict("b1", "p2"), wrong("c1", "p3")]
    step(tmp_path, paths, verdicts, problems)
    report = mix.build(PAIRED, "0", tmp_path)

    assert report.left_out == {"judged WRONG": 3}
    first, alone = store.read(tmp_path / layout.mix("0"), MixRow, verify=True)
    assert (alone.path_id, alone.rejected_path_id, alone.rejected) == ("b1", None, ())
    assert (first.path_id, first.rejected_path_id, first.rejected[0].content) == ("a1", "a3", "Wrong.")

    second = step(tmp_path, [rows.path("c2", "p3", text="Yes.")], [rows.verdict("c2", "p3")], problems, "1")
    mix.build(PAIRED, "1", tmp_path)

    found = store.read(second, MixRow, verify=True)
    assert found[:2] == [first, alone]
    assert (found[2].path_id, found[2].rejected_path_id) == ("c2", "c1")
    assert found[2].rejected[0].content == "No."


def drafted(settings: Params = CUMULATIVE, prompt: str = "solve-brief@1") -> Params:
    """Settings by which the row of a reflection shows its draft."""
    student = settings.student.model_copy(update={"prompt": prompt})
    mixes = settings.mix.model_copy(update={"reflections": "draft"})
    return settings.model_copy(update={"mix": mixes, "student": student})


def reconsidered(root: Path, settings: Params, parent: str = "w1", **critique: str) -> Path:
    """Mix 0 with a row of p2 and a wrong path to p1; then what was asked for step 1, in which p1 is reflected on."""
    problems = [rows.problem("p1", question="How many?"), rows.problem("p2"), rows.problem("p3")]
    paths = [rows.path("w1", text="{path} 3."), rows.path("w2", text="2."), rows.path("a1", "p2")]
    step(root, paths, [wrong("w1", **critique), wrong("w2"), rows.verdict("a1", "p2")], problems)
    mix.build(settings, "0", root)
    reflection = rows.path("r1", text="It is 4.", kind=PathKind.REFLECTION, parent_path_id=parent)
    return step(
        root, [reflection, rows.path("b1", "p3")], [rows.verdict("r1"), rows.verdict("b1", "p3")], problems, "1"
    )


def asked(row: MixRow) -> str:
    (turn,) = row.prompt
    return turn.content


def test_the_row_of_a_reflection_may_show_its_draft_and_the_critique(tmp_path: Path) -> None:
    settings = drafted(PAIRED)
    made = reconsidered(tmp_path, settings, error_step="Step 1", error_analysis="calculation: 1 + 2 is not 4")
    mix.build(settings, "1", tmp_path)

    found = {row.path_id: row for row in store.read(made, MixRow, verify=True)}
    assert {path_id: asked(row) for path_id, row in found.items() if path_id != "r1"} == {
        "a1": "What is p2?", "b1": "What is p3?"
    }  # fmt: skip
    assert asked(found["r1"]) == (
        "How many?\nSolution: {path} 3.\nWrong: Step 1, calculation: 1 + 2 is not 4\nCorrect it."
    )
    assert found["r1"].completion[0].content == "It is 4."
    assert (found["r1"].rejected_path_id, found["r1"].rejected[0].content) == ("w1", "{path} 3.")
    step(tmp_path, [], [], store.read(tmp_path / layout.PROBLEMS, Problem), "2")
    mix.build(CUMULATIVE, "2", tmp_path)
    assert store.read(tmp_path / layout.mix("2"), MixRow) == list(found.values()), "rows of the mix before were changed"


def test_a_critique_that_names_nothing_says_so(tmp_path: Path) -> None:
    made = reconsidered(tmp_path, drafted(prompt="solve@1"))
    mix.build(drafted(prompt="solve@1"), "1", tmp_path)

    (said,) = [asked(row) for row in store.read(made, MixRow) if row.path_id == "r1"]
    assert (
        "The answer to this problem is <answer>" in said and "How many?\n\nA solution that is certainly wrong:" in said
    )
    assert said.endswith("wrong:\n{path} 3.\n\nStep that a reviewer doubts: none named\nReviewer's reason: none named")


def test_by_default_a_reflection_is_a_row_like_any_other(tmp_path: Path) -> None:
    made = reconsidered(tmp_path, CUMULATIVE, parent="nowhere")
    mix.build(CUMULATIVE, "1", tmp_path)

    assert [asked(row) for row in store.read(made, MixRow)] == ["What is p2?", "What is p3?", "How many?"]


@pytest.mark.parametrize("parent", ["nowhere", "a1"])
def test_a_reflection_without_its_draft_is_named(tmp_path: Path, parent: str) -> None:
    made = reconsidered(tmp_path, drafted(), parent)

    with pytest.raises(
        MixError, match=rf"mix\.reflections: path r1 reconsiders {parent}, which is no wrong path to the"
    ):
        mix.build(drafted(), "1", tmp_path)
    assert not made.exists()


def test_a_prompt_that_can_show_no_draft_is_named_before_there_is_a_reflection(tmp_path: Path) -> None:
    step(tmp_path, [rows.path()], [rows.verdict()], [rows.problem()])

    with pytest.raises(MixError, match=r"mix\.reflections: .*boxed@1 .* student\.prompt to solve@1 or solve-brief@1"):
        mix.build(drafted(prompt="boxed@1"), "0", tmp_path)


@pytest.mark.parametrize("named", ["b1", "a1", "nowhere", "a4"])
def test_a_rejected_path_that_is_no_wrong_path_of_the_problem_is_named(tmp_path: Path, named: str) -> None:
    problems = [rows.problem("p1"), rows.problem("p2")]
    paths = [rows.path("a1"), rows.path("a2"), rows.path("a4"), rows.path("b1", "p2")]
    step(tmp_path, paths, [rows.verdict("a1"), wrong("a2"), wrong("b1", "p2")], problems)
    own = tmp_path / "own.sql"
    own.write_text(f"select path_id, reason, '{named}' as rejected_path_id from candidates")

    with pytest.raises(SelectionError, match=rf"own\.sql: rejected_path_id {named} of path a1: no wrong path to the"):
        mix.build(mixed_by(own), "0", tmp_path)


def test_a_query_of_one_line_takes_what_the_judge_takes(tmp_path: Path) -> None:
    step(tmp_path, [rows.path("a1"), rows.path("a2")], [rows.verdict("a1"), wrong("a2")], [rows.problem()])
    own = tmp_path / "own.sql"
    own.write_text("select path_id, reason from candidates")

    assert mix.build(mixed_by(own), "0", tmp_path).left_out == {"judged WRONG": 1}


def marked(root: Path, count: int, orm: str = "orm") -> None:
    """Marked paths: a correct and a wrong one to each of so many problems."""
    numbers = range(count)
    paths = [rows.path(f"a{n}-{s}", f"p{n}") for n in numbers for s in "cw"]
    analysis = {"error_step": "Schritt 2: 5·3", "error_analysis": "is not 16"}
    correct = [rows.feedback(f"a{n}-c", f"p{n}") for n in numbers]
    amiss = [rows.feedback(f"a{n}-w", f"p{n}", Status.WRONG, **analysis) for n in numbers]
    store.write(root / layout.PROBLEMS, Problem, [rows.problem(f"p{n}", split=Split.ORM) for n in numbers])
    store.write(root / layout.orm_paths(orm), schemas.Path, paths)
    store.write(root / layout.orm_feedback(orm), Feedback, correct + amiss)


def learning(
    query: Path = SQL / "balanced_feedback.sql",
    target: str = "full",
    parameters: dict[str, int | float | str] | None = None,
) -> Params:
    """Settings with another mix for the ORM."""
    own = {"wrong_per_correct": 1} if query.parent == SQL else {}
    chosen = Query(query=query, parameters={**own, **(parameters or {})})
    orm = LOADED.orm.model_copy(update={"held_out": 0.4, "mix": chosen, "target": target})
    return LOADED.model_copy(update={"orm": orm})


def learned(root: Path, orm: str = "orm") -> tuple[list[MixRow], list[MixRow]]:
    return store.read(root / layout.mix(orm), MixRow), store.read(root / layout.orm_held_out(orm), MixRow)


@pytest.mark.parametrize("orm", ["orm", "orm2"])
def test_feedback_becomes_verdicts_to_learn_and_verdicts_to_measure(tmp_path: Path, orm: str) -> None:
    marked(tmp_path, 30, orm)
    counts = orm_mix.build(learning(), orm, tmp_path)

    train, held_out = learned(tmp_path, orm)
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


def test_an_orm_may_learn_the_verdict_alone(tmp_path: Path) -> None:
    marked(tmp_path, 10)
    orm_mix.build(learning(target="verdict"), "orm", tmp_path)

    said = {row.completion[0].content for part in learned(tmp_path) for row in part}
    assert said == {'{"status": "WRONG"}', '{"status": "CORRECT"}'}


def test_an_orm_may_learn_to_show_how_it_got_there(tmp_path: Path) -> None:
    marked(tmp_path, 10)
    marks = {"answers": "different", "checks": ("Step 1: 2 + 2 = 4: wrong",)}
    feedback = store.read(tmp_path / layout.orm_feedback("orm"), Feedback)
    seen = [row.model_copy(update=marks) for row in feedback]
    store.write(tmp_path / layout.orm_feedback("orm"), Feedback, seen)
    orm_mix.build(learning(target="checks"), "orm", tmp_path)

    for row in learned(tmp_path)[0]:
        content = json.loads(row.completion[0].content)
        assert list(content) == ["answers", "checks", "status", "error_step", "error_analysis"]
        assert content["answers"] == marks["answers"] and tuple(content["checks"]) == marks["checks"]


def test_without_a_reference_no_row_shows_gold(tmp_path: Path) -> None:
    marked(tmp_path, 10)
    judge = LOADED.judge.model_copy(update={"reference": False, "prompt": "judge@2"})
    orm_mix.build(learning().model_copy(update={"judge": judge}), "orm", tmp_path)

    assert not any("Standard answer:" in row.prompt[0].content for row in learned(tmp_path)[0])


def test_an_empty_part_is_an_error(tmp_path: Path) -> None:
    marked(tmp_path, 1)

    with pytest.raises(MixError, match=r"no path for the part .*raise orm\.samples or change orm\.held_out"):
        orm_mix.build(learning(), "orm", tmp_path)
    assert not (tmp_path / layout.mix("orm")).exists() and not (tmp_path / layout.orm_held_out("orm")).exists()


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
    marked(tmp_path, 3)

    with pytest.raises(UserError, match=said):
        orm_mix.build(learning(file), "orm", tmp_path)


def test_the_orm_section_is_bound_to_its_query(tmp_path: Path) -> None:
    marked(tmp_path, 2)

    with pytest.raises(UserError, match=r"orm\.mix\.parameters\.spare"):
        orm_mix.build(learning(parameters={"spare": 1}), "orm", tmp_path)
