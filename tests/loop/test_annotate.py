import json
from pathlib import Path

import pytest

from mathse.loop.annotate import annotate
from mathse.loop.ask.protocol import Failure, Sampling
from mathse.tables.schemas import Status
from tests import rows
from tests.loop.scripted import Scripted

PROBLEMS = {"p1": rows.problem("p1", question="How many?", choices=("3", "4"), answer="B")}
DRAWN = Sampling(max_new_tokens=300)
MARKS = {
    "status": "WRONG",
    "error_step": "Step 2",
    "error_analysis": "calculation: 1 + 2 is not 4",
    "improvement_suggestion": "Add again.",
}


def test_a_mark_has_four_parts(tmp_path: Path) -> None:
    raw = json.dumps(MARKS)
    engine = Scripted(lambda _: raw, name="teacher")
    (row,) = annotate(engine, lambda: [rows.path("a1")], PROBLEMS, DRAWN, tmp_path / "j")
    assert (row.path_id, row.problem_id, row.author, row.prompt_id) == ("a1", "p1", "teacher", "annotate@1")
    assert (row.status, row.raw, row.undecided_reason) == (Status.WRONG, raw, None)
    assert (row.tokens_in, row.tokens_out, row.cost) == (len("annotate@1"), len(raw.split()), 0.5)
    assert row.model_dump(include=set(MARKS)) == MARKS


def test_the_teacher_sees_question_path_and_gold(tmp_path: Path) -> None:
    engine = Scripted(lambda _: json.dumps(MARKS))
    list(annotate(engine, lambda: [rows.path("a1", text="Four, {gold}.")], PROBLEMS, DRAWN, tmp_path / "j"))
    (request,) = engine.asked
    assert request.fields == {"question": "How many?\nA. 3\nB. 4", "path": "Four, {gold}.", "gold": "B"}
    assert "Solution to mark:\nFour, {gold}.\n\nStandard answer: B" in request.messages[0].content
    assert request.sampling == DRAWN
    assert json.loads(request.json_schema)["required"] == list(MARKS)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Well done!", "not JSON"),
        (json.dumps({key: MARKS[key] for key in list(MARKS)[:3]}), "not a verdict object"),
        (json.dumps({**MARKS, "error_step": None}), "contradicts itself"),
        (Failure("timeout"), "timeout"),
    ],
)
def test_what_cannot_be_read_is_undecided(said: str | Failure, reason: str, tmp_path: Path) -> None:
    (row,) = annotate(Scripted(lambda _: said), lambda: [rows.path("a1")], PROBLEMS, DRAWN, tmp_path / "j")
    assert (row.status, row.undecided_reason) == (Status.UNDECIDED, reason)
    assert row.raw == (said if isinstance(said, str) else "")
    assert row.error_step is None


def test_no_path_is_lost(tmp_path: Path) -> None:
    paths = [rows.path(f"a{place}", text="" if place == 2 else f"Path {place}.") for place in range(7)]
    engine = Scripted(lambda request: json.dumps({**MARKS, "error_analysis": request.fields["path"]}))
    made = list(annotate(engine, lambda: paths, PROBLEMS, DRAWN, tmp_path / "j"))
    assert [row.path_id for row in made] == [path.path_id for path in paths]
    assert [row.error_analysis for row in made] == [path.text or None for path in paths]
    assert (made[2].status, made[2].undecided_reason) == (Status.UNDECIDED, "failed request")
