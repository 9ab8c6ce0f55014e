import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.loop.ask.engines.any_role.replay import ReplayEngine, ReplayError
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Completion, Engine, Failure, Outcome, Request, Sampling
from tests.loop.ask.engines import generation


def recorded(folder: Path, *rows: Any) -> Path:
    file = folder / "responses.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return file


def small_engine(folder: Path) -> Engine:
    rows = [
        {"problem_id": asked.problem_id, "sample_idx": asked.sample_idx, "text": f"said {asked.seed}"}
        for asked in generation.requests()
    ]
    engine = ReplayEngine(recorded(folder, *rows))
    engine.batch_size = 1
    return engine


def request(problem_id: str, sample_idx: int = 0, subject_id: str = "") -> Request:
    return Request(problem_id, sample_idx, "solve@1", turn("?"), (), Sampling(), 0, subject_id=subject_id)


def said(outcome: Outcome) -> str:
    assert isinstance(outcome, Completion), outcome
    return outcome.text


def test_responses_are_served_by_problem_and_sample(tmp_path: Path) -> None:
    places = [(place, sample) for place in (2, 1) for sample in (1, 0)]
    rows = [{"problem_id": f"p{place}", "sample_idx": sample, "text": f"{place} {sample}"} for place, sample in places]
    engine = ReplayEngine(recorded(tmp_path, *rows))
    asked = [request("p1", 1), request("p2"), request("p1")]
    assert [said(outcome) for outcome in engine.complete(asked)] == ["1 1", "2 0", "1 0"]


@pytest.mark.parametrize("name", ["source_id", "id", "pid", "question_id"])
def test_published_outputs_name_problems_by_the_sources_ids(tmp_path: Path, name: str) -> None:
    engine = ReplayEngine(
        recorded(tmp_path, {name: 17, "response": "60"}, {name: "18", "response": "61"}), {"9f": "17"}
    )
    assert said(engine.complete([request("9f")])[0]) == "60"


def test_lines_without_a_sample_are_a_problems_next_one(tmp_path: Path) -> None:
    engine = ReplayEngine(recorded(tmp_path, *({"id": "1", "response": text} for text in "abc")))
    assert [said(engine.complete([request("1", sample)])[0]) for sample in range(3)] == ["a", "b", "c"]


def test_a_verdict_is_served_by_its_path(tmp_path: Path) -> None:
    rows = [{"problem_id": "p", "subject_id": path, "text": path.upper()} for path in "ab"]
    engine = ReplayEngine(recorded(tmp_path, *rows))
    assert [said(engine.complete([request("p", subject_id=path)])[0]) for path in "ba"] == ["B", "A"]
    assert isinstance(engine.complete([request("p")])[0], Failure)


def test_a_verdict_needs_its_path_alone(tmp_path: Path) -> None:
    engine = ReplayEngine(recorded(tmp_path, *({"subject_id": path, "text": path.upper()} for path in "ab")))
    assert [said(engine.complete([request("p", subject_id=path)])[0]) for path in "ba"] == ["B", "A"]
    (none,) = engine.complete([request("p", subject_id="c")])
    assert isinstance(none, Failure)
    assert "problem p, path c" in none.detail


def test_verdicts_that_name_no_path_are_told_what_they_lack(tmp_path: Path) -> None:
    engine = ReplayEngine(recorded(tmp_path, {"id": "17", "response": '{"status": "CORRECT"}'}), {"9f": "17"})
    with pytest.raises(ReplayError, match=r'responses\.jsonl: no line says which path .* "subject_id", the path_id'):
        engine.complete([request("9f", subject_id="5c1e")])
    assert said(engine.complete([request("9f")])[0]) == '{"status": "CORRECT"}'


def test_tokens_that_no_table_can_hold_are_not_counted(tmp_path: Path) -> None:
    counts = [2**63, 10**30, -1, "7", 2.5, True, None]
    engine = ReplayEngine(recorded(tmp_path, *({"id": "1", "text": "a", "tokens_out": count} for count in counts)))
    outcomes = engine.complete([request("1", sample) for sample in range(len(counts))])
    assert [outcome.tokens_out for outcome in outcomes] == [0, 0, 0, 0, 0, 1, 0]


def test_what_was_recorded_is_given_back(tmp_path: Path) -> None:
    row = {
        "problem_id": "p",
        "text": "½ 答案",
        "finish_reason": "length",
        "tokens_in": 7,
        "tokens_out": 3,
        "model": "m",
    }
    engine = ReplayEngine(recorded(tmp_path, row))
    assert engine.complete([request("p")]) == [Completion("½ 答案", "length", 7, 3)]
    assert engine.name == "m"


def test_the_file_names_the_model_where_its_lines_do_not(tmp_path: Path) -> None:
    assert ReplayEngine(recorded(tmp_path, {"id": 1, "response": ""})).name == "responses"


def test_what_was_not_recorded_is_a_typed_failure(tmp_path: Path) -> None:
    engine = ReplayEngine(recorded(tmp_path, {"id": "1", "response": "x"}))
    there, missing, later = engine.complete([request("1"), request("2"), request("1", 1)])
    assert isinstance(there, Completion)
    assert isinstance(missing, Failure) and isinstance(later, Failure)
    assert missing.reason == later.reason == "no recorded response"


BAD = [
    "{broken", "[1]", '"text"', '{"response": "x"}', '{"id": "9"}', '{"id": "9", "response": 5}',
    '{"id": "9", "response": "x", "sample_idx": -1}', '{"id": "9", "response": "\\ud800"}', "[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("line", BAD, ids=range(len(BAD)))
def test_a_bad_line_is_counted_and_its_problem_fails_alone(
    tmp_path: Path, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = ReplayEngine(recorded(tmp_path, {"id": "1", "response": "x"}, "", line, {"id": "3", "response": "y"}))
    assert [type(outcome) for outcome in engine.complete([request("1"), request("9"), request("3")])] == [
        Completion, Failure, Completion,
    ]  # fmt: skip
    assert "1 lines cannot be used" in caplog.text
    assert "responses.jsonl:3" in caplog.text


def test_a_sample_recorded_twice_is_named(tmp_path: Path) -> None:
    rows = [{"id": "1", "sample_idx": 0, "response": text} for text in "ab"]
    with pytest.raises(ReplayError, match=r"responses\.jsonl:2: problem 1, sample 0: recorded twice"):
        ReplayEngine(recorded(tmp_path, *rows))


@pytest.mark.parametrize("text", ["", "\n\n", "{"])
def test_a_file_without_a_response_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReplayError, match="holds no recorded response"):
        ReplayEngine(recorded(tmp_path, text))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="cannot be read"):
        ReplayEngine(tmp_path / "none.jsonl")


def test_the_fingerprint_is_the_contents(tmp_path: Path) -> None:
    first = ReplayEngine(recorded(tmp_path, {"id": "1", "response": "x"})).fingerprint
    assert first == ReplayEngine(recorded(tmp_path, {"id": "1", "response": "x"})).fingerprint
    assert first != ReplayEngine(recorded(tmp_path, {"id": "1", "response": "y"})).fingerprint


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=8))
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> None:
    rows = ({"problem_id": name, "text": text} for name, text in texts.items())
    engine = ReplayEngine(recorded(tmp_path_factory.mktemp("replay"), *rows))
    assert {name: said(engine.complete([request(name)])[0]) for name in texts} == texts
