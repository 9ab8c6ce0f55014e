import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.loop.ask.protocol import Completion, Failure
from mathse.loop.ask.replies import Reply, json_schema, parse, read, write
from mathse.tables.schemas import Status

WRONG = {"status": "WRONG", "error_step": "Step 2", "error_analysis": "calculation: 5 + 6 is not 12"}
CORRECT = {"status": "CORRECT", "error_step": None, "error_analysis": None}


@pytest.mark.parametrize("verdict", [WRONG, CORRECT])
@pytest.mark.parametrize("form", ["{}", " {}\n", "```json\n{}\n```", "```\n{}\n```\n"])
def test_a_verdict_is_parsed(verdict: dict[str, str | None], form: str) -> None:
    reply = parse(form.replace("{}", json.dumps(verdict)))
    others = {"improvement_suggestion", "answers", "checks"}
    assert reply.model_dump(exclude=others) == {**verdict, "undecided_reason": None}


def test_an_annotation_has_a_fourth_key() -> None:
    marks = {**WRONG, "improvement_suggestion": "Add again."}
    assert parse(json.dumps(marks), annotation=True).improvement_suggestion == "Add again."
    assert parse(json.dumps(marks)).undecided_reason == "not a verdict object"
    assert parse(json.dumps(WRONG), annotation=True).undecided_reason == "not a verdict object"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("CORRECT", "not JSON"),
        (f"The verdict is {json.dumps(CORRECT)}", "not JSON"),
        (json.dumps(CORRECT) * 2, "not JSON"),
        (json.dumps(WRONG)[:-1], "not JSON"),
        ("[" * 5000, "not JSON"),
        ("9" * 5000, "not JSON"),
        ('{"status": "WRONG", "error_step": null, "error_analysis": null, "status": "CORRECT"}', "not JSON"),
        (f"```json\n{json.dumps(CORRECT)}", "not JSON"),
        ("null", "not a verdict object"),
        (json.dumps([CORRECT]), "not a verdict object"),
        (json.dumps("CORRECT"), "not a verdict object"),
        (json.dumps({"status": "CORRECT"}), "not a verdict object"),
        (json.dumps({**CORRECT, "status": "correct"}), "not a verdict object"),
        (json.dumps({**CORRECT, "status": "UNDECIDED"}), "not a verdict object"),
        (json.dumps({**CORRECT, "status": True}), "not a verdict object"),
        (json.dumps({**WRONG, "error_step": 2}), "not a verdict object"),
        (json.dumps({**WRONG, "also": "this"}), "not a verdict object"),
        (json.dumps({**WRONG, "error_step": "half a character: \ud83d"}), "not a verdict object"),
        (json.dumps({**WRONG, "error_analysis": "x" * 30_000}), "not a verdict object"),
        (json.dumps({**CORRECT, "error_step": "Step 2"}), "contradicts itself"),
        (json.dumps({**WRONG, "error_step": None}), "contradicts itself"),
    ],
)
def test_anything_else_is_undecided_with_a_reason(text: str, reason: str) -> None:
    assert parse(text) == Reply(status=Status.UNDECIDED, undecided_reason=reason)


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner)).map(json.dumps))
def test_no_text_is_correct_by_accident(text: str) -> None:
    assert parse(text).status is Status.UNDECIDED
    assert parse(text, annotation=True).undecided_reason in {"not JSON", "not a verdict object"}


WRITTEN = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=50)


@pytest.mark.parametrize(
    "command", [r"\frac{1}{2}", r"\theta", r"\times", r"\sqrt{3}", r"\cdot", r"\underline{x}", r"\neq 3", r"\{"]
)
@pytest.mark.parametrize("annotation", [False, True])
def test_latex_that_its_writer_did_not_escape_stays_latex(command: str, annotation: bool) -> None:
    more = ', "improvement_suggestion": null' if annotation else ""
    text = f'{{"status": "WRONG", "error_step": "Step 2: {command}", "error_analysis": "\\\\frac \\"a\\""{more}}}'
    reply = parse(text, annotation=annotation)
    assert (reply.status, reply.error_step) == (Status.WRONG, f"Step 2: {command}")
    assert reply.error_analysis == r"\frac " + '"a"'


@pytest.mark.parametrize("said", [r"x \to 0", r"a \ne b", r"\u0007", r"\u001b[31m", r"\fx"])
def test_a_control_character_that_nobody_can_mend_is_undecided(said: str) -> None:
    reply = parse(f'{{"status": "WRONG", "error_step": "{said}", "error_analysis": null}}')
    assert reply == Reply(status=Status.UNDECIDED, undecided_reason="control character")


@given(st.sampled_from([Status.CORRECT, Status.WRONG]), WRITTEN, st.none() | WRITTEN)
def test_what_is_written_is_parsed_back(status: Status, step: str, analysis: str | None) -> None:
    named = step if status is Status.WRONG else None
    reply = parse(write(status, named, analysis))
    assert (reply.status, reply.error_step, reply.error_analysis) == (status, named, analysis)


@pytest.mark.parametrize("status", [Status.CORRECT, Status.WRONG])
def test_a_verdict_alone_is_a_reply_where_the_target_says_so(status: Status) -> None:
    alone, full = write(status, None, None, target="verdict"), json.dumps(CORRECT)
    assert alone == f'{{"status": "{status}"}}'
    assert parse(alone, "verdict") == Reply(status=status)
    assert parse(alone).undecided_reason == parse(full, "verdict").undecided_reason == "not a verdict object"
    schema = json.loads(json_schema("verdict"))
    assert list(schema["properties"]) == schema["required"] == ["status"]
    assert schema["additionalProperties"] is False


def test_what_the_answers_are_is_written_first_and_the_step_after_it_was_looked_for() -> None:
    checks = ("Step 1: 的角 A is 50: right", "Step 2: 50 + 11 = 61: wrong")
    text = write(Status.WRONG, "Step 2", "a slip", "different", checks, "checks")
    keys = ["answers", "checks", "status", "error_step", "error_analysis"]
    assert list(json.loads(text)) == keys and "的角" in text
    reply = parse(text, "checks")
    assert (reply.answers, reply.status, reply.checks) == ("different", Status.WRONG, checks)
    assert (reply.error_step, reply.error_analysis) == ("Step 2", "a slip")
    for annotation in (False, True):
        schema = json.loads(json_schema("checks", annotation))
        assert list(schema["properties"]) == schema["required"] == keys + ["improvement_suggestion"] * annotation


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        ({}, "not a verdict object"),
        ({"answers": None}, "not a verdict object"),
        ({"answers": None, "checks": "Step 1: right"}, "not a verdict object"),
        ({"answers": None, "checks": [1]}, "not a verdict object"),
        ({"answers": "alike", "checks": []}, "not a verdict object"),
        ({"answers": None, "checks": ["\ud800"]}, "not a verdict object"),
        ({"answers": None, "checks": ["a\x01b"]}, "control character"),
        ({"answers": None, "checks": [], "error_step": "Step 1"}, "contradicts itself"),
        ({"answers": "different", "checks": []}, "contradicts itself"),
        ({"answers": "same", "checks": ["Step 1: 2 + 2 = 4 and 5: different"]}, "contradicts itself"),
    ],
)
def test_marks_of_another_form_are_undecided(marks: dict[str, object], reason: str) -> None:
    assert parse(json.dumps(CORRECT | marks), "checks").undecided_reason == reason
    assert parse(json.dumps({"answers": None, "checks": [], **CORRECT})).undecided_reason == "not a verdict object"


def test_latex_in_checks_is_mended() -> None:
    text = write(Status.CORRECT, checks=("x",), target="checks").replace('"x"', r'"\frac{1}{2} and \sqrt{4}: right"')
    assert parse(text, "checks").checks == (r"\frac{1}{2} and \sqrt{4}: right",)


def test_a_failure_is_undecided_with_its_own_reason() -> None:
    assert read(Failure("timeout", "30 s")) == Reply(status=Status.UNDECIDED, undecided_reason="timeout")
    assert read(Completion(json.dumps(CORRECT), "stop", 1, 1)) == Reply(status=Status.CORRECT)


@pytest.mark.parametrize("annotation", [False, True])
def test_the_schema_is_one_that_strict_servers_take(annotation: bool) -> None:
    schema = json.loads(json_schema(annotation=annotation))
    keys = ["status", "error_step", "error_analysis", *(["improvement_suggestion"] if annotation else [])]
    assert list(schema["properties"]) == schema["required"] == keys
    assert schema["additionalProperties"] is False
    assert schema["properties"]["status"] == {"enum": ["CORRECT", "WRONG"], "type": "string"}
    assert schema["properties"]["error_step"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert set(schema) == {"type", "properties", "required", "additionalProperties"}
