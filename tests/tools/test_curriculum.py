import json
import random
import re
from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.synthetic.figures import figures
from mathse.synthetic.pictures import SIDE, Table, readings
from mathse.synthetic.steps import Calc, Extreme, Pick, Read, Reduce, Step, outcome, parse, read_solution
from mathse.tables.schemas import MARKER
from tests.synthetic.scenes import STEPS
from tools.tiny_base.curriculum import Drill, _damaged, calculation, drill

DRILLS = [drill(3, index) for index in range(2500)]
FIRST = [drill(3, index, "first") for index in range(200)]
WITH_IMAGE = {"transcribe", "describe", "look", "check", "find"}
WORDS_ALONE = {"compute", "compare", "agree", "match", "choose"}


def of(kind: str) -> list[Drill]:
    return [one for one in DRILLS if one.kind == kind]


def steps(text: str) -> list[Step]:
    made = [parse(body) for body in text.removesuffix(".").split(". ")]
    assert None not in made, text
    return [step for step in made if step is not None]


def true(step: Step, seen: dict[str, int]) -> bool:
    match step:
        case Read(name, value):
            return seen.get(name) == value
        case Calc(_, _, _, result) | Extreme(_, _, result):
            return result == step.true_result
        case Reduce():
            return step.holds
        case Pick():
            raise AssertionError("no drill says this of a figure")


def seen(one: Drill) -> dict[str, int]:
    assert one.picture is not None
    return readings(one.picture)


def test_every_kind_of_drill_occurs() -> None:
    assert {one.kind for one in DRILLS} == WITH_IMAGE | WORDS_ALONE
    assert {one.kind for one in FIRST} == {"transcribe", "match", "compare", "choose"}


def test_a_drill_is_made_from_seed_and_place_alone() -> None:
    assert drill(3, 17) == DRILLS[17]
    assert drill(3, 17, "first") == FIRST[17]
    assert drill(3, 17) != drill(4, 17)


@pytest.mark.parametrize("kind", sorted(WITH_IMAGE | WORDS_ALONE))
def test_only_drills_that_look_have_an_image(kind: str) -> None:
    for one in of(kind)[:5]:
        image, again = one.image(), one.image()
        if kind in WORDS_ALONE:
            assert image is None
        else:
            assert image is not None
            assert again is not None
            assert image.size == (SIDE, SIDE)
            assert image.tobytes() == again.tobytes()


def test_no_drill_asks_to_solve_a_problem() -> None:
    questions = {made.question for made in islice(figures(3), 300)}
    for one in DRILLS:
        assert MARKER not in one.completion
        assert not any(question in one.prompt for question in questions)


def test_descriptions_say_all_that_can_be_read() -> None:
    for one in of("describe"):
        assert steps(one.completion) == [Read(name, value) for name, value in seen(one).items()]


def test_looks_read_what_is_asked() -> None:
    for one in of("look"):
        asked = one.prompt.removeprefix("Read ").removesuffix(".").split(", ")
        assert steps(one.completion) == [Read(name, seen(one)[name]) for name in asked]


def test_transcripts_say_every_number_in_its_row() -> None:
    for one in of("transcribe"):
        assert isinstance(one.picture, Table)
        rows = re.findall(r"Row (\d): ([\d, ]+)\.", one.completion)
        assert [int(number) for number, _ in rows] == list(range(1, len(one.picture.rows) + 1))
        assert tuple(tuple(map(int, said.split(", "))) for _, said in rows) == one.picture.rows


def test_comparisons_are_right_and_of_both_kinds() -> None:
    words: Counter[str] = Counter()
    for one in of("compare"):
        asked = one.prompt.removeprefix("Compare: ").split(" ; ")
        said = re.findall(r"(\S+ and \S+): (same|different)\.", one.completion)
        assert [pair for pair, _ in said] == asked
        assert all((word == "same") == (len(set(pair.split(" and "))) == 1) for pair, word in said)
        words.update(word for _, word in said)
    assert min(words["same"], words["different"]) > 0.4 * words.total()


def test_an_answer_agrees_with_the_standard_answer_or_does_not() -> None:
    words: Counter[str] = Counter()
    for one in of("agree"):
        said, wanted = re.findall(rf"^{MARKER} (\S+)\.\nStandard answer: (\S+)\n", one.prompt)[0]
        assert one.completion == ("same." if said == wanted else "different.")
        words[one.completion] += 1
    assert min(words.values()) > 0.4 * words.total()


def test_matches_give_each_value_its_letter() -> None:
    for one in of("match"):
        *lines, _ = one.prompt.splitlines()
        letters = {value: letter for letter, value in (line.split(". ") for line in lines)}
        said = re.findall(r"(\S+) ([A-D])\.", one.completion)
        assert len(letters) == 4
        assert said
        assert all(letters[value] == letter for value, letter in said)


def test_computations_are_right_and_answer_what_is_asked() -> None:
    for one in of("compute"):
        asked = one.prompt.removeprefix("Compute: ").split(" ; ")
        done = steps(one.completion)
        assert [str(step).startswith(question) for question, step in zip(asked, done, strict=True)] == [True] * len(
            asked
        )
        assert all(true(step, {}) for step in done)


def test_choices_pick_the_option_that_holds_the_value() -> None:
    for one in of("choose"):
        *lines, asked = one.prompt.splitlines()
        options = dict(line.split(". ") for line in lines)
        picks = [step for step in steps(one.completion) if isinstance(step, Pick)]
        assert [pick.value for pick in picks] == asked.removeprefix("Find: ").split(" ; ")
        assert all(options[pick.letter] == pick.value for pick in picks)
        assert len(set(options.values())) == len(options)


CHECKED = r"(.+) and (\S+): (same|different)"


def test_checks_say_what_holds_beside_what_was_claimed() -> None:
    words: Counter[str] = Counter()
    for one in of("check"):
        claims = one.prompt.removeprefix("Check: ").split(" ; ")
        checks = [re.fullmatch(CHECKED, check) for check in one.completion.removesuffix(".").split(". ")]
        for claim, check in zip(claims, checks, strict=True):
            assert check, one
            found, claimed, word = check.groups()
            step, said = parse(found), parse(claim)
            assert step is not None and said is not None and true(step, seen(one)), one
            assert claimed == str(outcome(said)) and (found == claim) == (word == "same"), one
            words[word] += 1
    assert min(words["same"], words["different"]) > 0.25 * words.total()


def test_finds_compare_the_answers_and_go_on_to_the_first_wrong_step() -> None:
    seen_kinds: Counter[str] = Counter()
    for one in of("find"):
        claims = [body for _, body in read_solution(one.prompt)]
        said, wanted = re.findall(rf"{MARKER} (\S+)\.\nStandard answer: (\S+)\n", one.prompt)[0]
        reply = json.loads(one.completion)
        same = reply["answers"]
        assert list(reply) == ["answers", "checks"] and same == ("same" if said == wanted else "different"), one
        checks = [re.fullmatch(rf"Step (\d+): {CHECKED}", check) for check in reply["checks"]]
        parts = [check.groups() for check in checks if check]
        assert [int(number) for number, *_ in parts] == list(range(1, len(checks) + 1))
        for claim, (_, found, claimed, word) in zip(claims, parts, strict=False):
            step, told = parse(found), parse(claim)
            assert step is not None and told is not None and true(step, seen(one)), one
            assert claimed == str(outcome(told)) and (found == claim) == (word == "same"), one
        *before, last = [word for *_, word in parts]
        assert set(before) <= {"same"}, one
        wrong = parse(claims[len(before)])
        strays = last == "different" and wrong is not None and true(wrong, seen(one))
        if last == "same":
            assert len(parts) == len(claims)
        else:
            assert same == "different"
        seen_kinds.update([same, "strays" if strays else last, f"Step {len(parts)} {last}"])
    assert {"same", "different", "strays", "Step 1 different", "Step 3 different", "Step 3 same"} <= set(seen_kinds)


@given(st.integers())
def test_calculations_stay_within_the_tokenizers_numbers(seed: int) -> None:
    step = calculation(random.Random(seed))
    assert step.result == step.true_result
    assert all(0 <= number < 200 for number in (step.left, step.right, step.result))


@given(STEPS.filter(lambda step: not isinstance(step, Read | Extreme)), st.integers())
def test_damage_changes_a_step(step: Step, seed: int) -> None:
    assert _damaged(step, random.Random(seed)) != step


def test_damage_changes_a_reading() -> None:
    for value in range(200):
        for seed in range(60):
            read = Read("angle A", value)
            assert _damaged(read, random.Random(seed)) != read


@given(st.lists(st.integers(0, 90), min_size=2, unique=True), st.integers())
def test_damage_changes_an_extreme(values: list[int], seed: int) -> None:
    step = Extreme("largest", tuple(values), max(values))
    damaged = _damaged(step, random.Random(seed))
    assert isinstance(damaged, Extreme)
    assert damaged != step
    assert damaged == replace(step, result=damaged.result)
    assert damaged.result in values
