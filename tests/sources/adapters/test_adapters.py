# ruff: noqa: RUF001 (questions come in every script)
"""Each adapter against a source in the real field names, and against the real samples where they are."""

import io
import pickle
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Literal

import datasets
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathse.errors import UserError
from mathse.params.sources import adapter_names, recorded_names
from mathse.sources import chat, hub
from mathse.sources.adapter import adapter, own_solutions
from mathse.sources.adapters import geometry3k
from mathse.sources.admit import Admitted, Limits, admit
from mathse.sources.licences import licence, licences
from mathse.sources.reading import SourceError
from mathse.sources.rows.raw import Raw, Recorded, converted
from mathse.tables.schemas import Problem, Reject, Split
from tests.shared_data import shared
from tests.sources.adapters.samples import SAMPLES, as_json, png
from tests.sources.adapters.samples import chat as talk

LIMITS = Limits()


def run(name: str, location: Path) -> tuple[list[Admitted], list[Reject]]:
    rows = list(admit(adapter(name).read(location), adapter(name).root(location), licence(name).spdx, LIMITS))
    return [row for row in rows if isinstance(row, Admitted)], [row for row in rows if isinstance(row, Reject)]


def problems(name: str, folder: Path) -> list[Problem]:
    SAMPLES[name].put(folder)
    admitted, rejects = run(name, folder)
    assert not rejects
    return [row.problem for row in admitted]


def test_every_source_has_an_adapter_a_sample_and_a_licence() -> None:
    assert set(adapter_names()) == set(SAMPLES) | {"mathse_export"}  # which has tests of its own, beside the export's
    assert set(adapter_names()) <= set(licences())
    assert [adapter(name).name for name in adapter_names()] == list(adapter_names())


def test_recorded_solutions_have_a_licence_of_their_own() -> None:
    assert set(recorded_names()) == {name for name in adapter_names() if adapter(name).recorded}


def test_the_adapters_that_the_page_names_are_there() -> None:
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(\w+)`", page.partition("There is one adapter per dataset")[2].partition("\n\n")[0])
    assert len(listed) > 10
    assert set(listed) <= set(adapter_names())


def test_an_adapter_that_is_none_is_an_error() -> None:
    with pytest.raises(UserError, match="no adapter is called 'k13'; there are chartqa, "):
        adapter("k13")


def test_a_chat_row_is_a_question_with_its_options_and_a_worked_answer(tmp_path: Path) -> None:
    free, chosen, several = problems("mathvl", tmp_path)

    assert (free.question, free.answer, free.choices) == ("AB ∥ CD and ∠1 = 50°. Find ∠2.", "50°", ())
    assert (free.source, free.source_id, free.licence) == ("mathvl", "1", "LicenseRef-unknown")
    assert free.solution == "Equal angles.\nThe answer is 50°."
    assert (chosen.question, chosen.choices) == ("如图,求x。", ("30°", "45°", "60°", "90°"))
    assert (chosen.answer, chosen.language) == ("B", "zh")
    assert several.question == "From (image 1) to (image 2): how many more?"
    assert len(set(several.image_ids)) == 2


def test_multimath(tmp_path: Path) -> None:
    area, x = problems("multimath", tmp_path)
    assert (area.answer, area.language) == ("12", "zh")
    assert (x.answer, x.choices, x.question, x.language) == ("B", ("2", "4"), "Find x.", "en")


def test_mathv360k_loses_its_hints_and_finds_its_images(tmp_path: Path) -> None:
    angle, cubes = problems("mathv360k", tmp_path)
    assert (angle.question, angle.choices, angle.answer) == ("Find the angle.", ("145°", "140°"), "B")
    assert (cubes.question, cubes.answer) == ("How many cubes?", "4")


def test_math_puma(tmp_path: Path) -> None:
    x, area = problems("math_puma", tmp_path)
    assert (x.question, x.choices, x.answer) == ("Find x.", ("30", "45", "60"), "B")
    assert (area.answer, area.source_id) == ("6", "stage3.json:1")


def test_k12_blanks_are_one_list(tmp_path: Path) -> None:
    assert [problem.answer for problem in problems("k12", tmp_path)] == ["30°", "8, 4"]


def test_geometry3k_folders(tmp_path: Path) -> None:
    x, y = problems("geometry3k", tmp_path)
    assert (x.question, x.choices, x.answer, x.subject) == ("Find $x$.", ("36", "48", "66", "72"), "B", "line length")
    assert (y.question, x.split, y.split) == ("Find y.", Split.TRAIN, Split.TEST)
    assert (x.source_id, x.solution) == ("14", None)


def hub_row(**others: object) -> dict[str, object]:
    return {"images": [{"bytes": png(), "path": None}], "problem": "<image>Find $x$.", "answer": "48", **others}


@pytest.mark.parametrize("form", ["parquet", "stream"])
def test_geometry3k_of_the_hub(tmp_path: Path, form: str) -> None:
    rows = [hub_row(), hub_row(id="7", choices=["36", "48"], ground_truth="B")]
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist([{**rows[1], **row} for row in rows[1:]]), tmp_path / "train.parquet")
        raws = list(adapter("geometry3k").read(tmp_path))
    else:
        features = datasets.Features(
            {"images": datasets.List(datasets.Image()), "problem": datasets.Value("string")}
            | {name: datasets.Value("string") for name in ("answer", "id", "ground_truth")}
            | {"choices": datasets.List(datasets.Value("string"))}
        )
        streamed = datasets.Dataset.from_list(
            [{"id": None, "choices": None, "ground_truth": None, **row} for row in rows], features=features
        ).to_iterable_dataset()
        raws = list(converted("geometry3k", hub.dataset_rows(streamed, "hub"), geometry3k.problem))
    admitted = [row for row in admit(raws, tmp_path, "MIT", LIMITS) if isinstance(row, Admitted)]

    assert [row.problem.answer for row in admitted] == (["B"] if form == "parquet" else ["48", "B"])
    assert admitted[-1].problem.source_id == "7"
    assert {row.images[0].data for row in admitted} == {png()}


def test_a_hub_source_is_pinned() -> None:
    with pytest.raises(SourceError, match="40 hex digits"):
        next(hub.rows("hiyouga/geometry3k", "main"))


def test_chartqa(tmp_path: Path) -> None:
    items, largest = problems("chartqa", tmp_path)
    assert (items.answer, largest.answer, items.split) == ("14", "Yes", Split.TRAIN)


def test_mavis_takes_the_version_with_most_text(tmp_path: Path) -> None:
    (angle,) = problems("mavis_geometry", tmp_path)
    assert angle.question == "AB = AC and angle A is 90°. Find angle B."
    assert (angle.choices, angle.answer, angle.solution) == (("30°", "45°"), "B", "(180° - 90°) / 2 = 45°.")


def test_mavis_function(tmp_path: Path) -> None:
    (slope,) = problems("mavis_function", tmp_path)
    assert (slope.choices, slope.answer, slope.subject) == (("2", "-1", "0"), "A", "functions")


def test_tabmwp_problems(tmp_path: Path) -> None:
    day, cost = problems("tabmwp", tmp_path)
    assert (day.source_id, day.answer, day.level, day.split) == ("1", "B", 3, Split.TRAIN)
    assert (cost.question, cost.answer, cost.split) == ("How much do 3 cost? (Unit: $)", "10.25", Split.TEST)


def test_geoqa_plus_pickles(tmp_path: Path) -> None:
    angle, x = problems("geoqa_plus", tmp_path)
    assert (angle.question, angle.choices, angle.answer) == ("如图,∠1=60°,∠2等于()", ("30", "60", "120"), "B")
    assert (angle.language, angle.subject, x.choices) == ("zh", "平行线", ("0.5", "2"))
    assert angle.image_ids != x.image_ids


def test_unigeo_proofs_are_rejected_as_such(tmp_path: Path) -> None:
    SAMPLES["unigeo"].put(tmp_path)
    admitted, rejects = run("unigeo", tmp_path)
    assert [row.problem.question for row in admitted] == ["As shown, angle 1 = 40.0 and a is parallel to b. Angle 2 is"]
    assert [(row.source_id, row.reason) for row in rejects] == [("10", "a proof has no final answer")]


def test_a_row_of_the_same_id_keeps_its_place(tmp_path: Path) -> None:
    row = SAMPLES["k12"].rows[0]
    SAMPLES["k12"].put(tmp_path, [row, row, {**row, "answer": None}])
    admitted, rejects = run("k12", tmp_path)

    assert [kept.origin.source_id for kept in admitted] == ["k-1", "k-1@k12.json:1"]
    assert len({kept.problem.problem_id for kept in admitted}) == 1
    assert [(row.source_id, row.reason) for row in rejects] == [("k-1@k12.json:2", "missing field")]


def test_a_location_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        list(adapter("k12").read(tmp_path / "k13"))


@pytest.mark.parametrize(
    ("name", "rows", "reasons"),
    [
        ("k12", 150, {"gold fails its own grader": 2}),
        ("geometry3k", 10, {}),
        ("tabmwp", 200, {}),
    ],
)
def test_the_real_samples(name: str, rows: int, reasons: dict[str, int]) -> None:
    admitted, rejects = run(name, shared(name))
    assert Counter(row.reason for row in rejects) == reasons
    assert len(admitted) + len(rejects) == rows
    assert all(row.images for row in admitted)


def test_recorded_solutions_belong_to_their_problems() -> None:
    folder = shared("tabmwp")
    raws = {raw.source_id: raw for raw in adapter("tabmwp").read(folder) if isinstance(raw, Raw)}
    recorded = [row for row in own_solutions("tabmwp")(folder / "distilled_cot.json") if isinstance(row, Recorded)]

    assert len(recorded) == 200
    assert all(row.text.rstrip().endswith(f"Answer: {raws[row.source_id].answer}") for row in recorded)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("\frac{1}{2}", r"\frac{1}{2}"),
        ("\text{cm} \times 3", r"\text{cm} \times 3"),
        ("$\beta$", r"$\beta$"),
        ("x \neq 3", r"x \neq 3"),
        ("x \ne 3", "control character"),
        ("x \to 3", "control character"),
        ("3\x00", "control character"),
        ("3\x85\x9c", "control character"),
        ("略", "gold is no answer"),
        ("N/A", "gold is no answer"),
    ],
)
def test_a_gold_is_whole_and_an_answer_or_rejected(answer: str, gold: str, tmp_path: Path) -> None:
    row = {**SAMPLES["k12"].rows[0], "answer": answer}
    SAMPLES["k12"].put(tmp_path, [row])
    admitted, rejects = run("k12", tmp_path)
    assert [row.problem.answer for row in admitted] + [row.reason for row in rejects] == [gold]


@pytest.mark.parametrize(("answer", "letter"), [("B. 48", "B"), ("(B) 48", "B"), ("B:48", "B"), ("B. 36", None)])
def test_a_gold_may_have_letter_and_value(answer: str, letter: str | None, tmp_path: Path) -> None:
    raws = [Raw("Find x.", answer, ("36", "48"), source="k12", source_id="1")]
    (row,) = admit(raws, tmp_path, "MIT", LIMITS)
    assert (row.problem.answer if isinstance(row, Admitted) else None) == letter


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("First reason, then answer in the format: Answer: xxx.\nQuestion:Find x.", "Find x."),
        (
            "Please answer the question and provide the option letter, e.g. A, B, at the end. Question: Find x.",
            "Find x.",
        ),
        ("<image>Hint: Give the letter.\nQuestion: Find x.\nAnswer:", "<image>Find x."),
        ("Context: A cow eats 3 kg.\nQuestion: How much do 2 eat?", "Context: A cow eats 3 kg.\nHow much do 2 eat?"),
        ("Please reason step by step. A cow eats 3 kg. Question: And 2?", "A cow eats 3 kg. And 2?"),
        ("请先推理，再给出答案。\n问题：求x。", "求x。"),
        ("Find x.\nAnswer the question using a single word or phrase.", "Find x."),
        (
            "Find x.\nA. 1\nB. 2\nAnswer with the option's letter from the given choices directly.",
            "Find x.\nA. 1\nB. 2",
        ),
        ("Find x.\nGive your answer to 2 decimal places.", "Find x.\nGive your answer to 2 decimal places."),
        ("Choose the answer: 2 + 2 is", "Choose the answer: 2 + 2 is"),
    ],
)
def test_instructions_are_no_part_of_a_question(text: str, question: str) -> None:
    assert chat.without_instructions(text).strip() == question


@pytest.mark.parametrize(
    ("reply", "solution"),
    [
        ("答案是9", None),
        ("9", None),
        ("Answer: 9", None),
        ("The answer is 9.", None),
        ("\\boxed{9}", None),
        ("3 × 3 = 9. The answer is 9.", "3 × 3 = 9. The answer is 9."),
        ("共有3组，每组3个，答案是9", "共有3组，每组3个，答案是9"),
    ],
)
def test_an_answer_alone_is_no_solution(reply: str, solution: str | None, tmp_path: Path) -> None:
    as_json("chat.json")(tmp_path, [talk("一共多少个?", reply, id="1")])
    (row,), rejects = run("mathvl", tmp_path)
    assert not rejects
    assert (row.problem.answer, row.problem.solution) == ("9", solution)


def test_a_chat_row_has_its_own_answer_grade_and_language(tmp_path: Path) -> None:
    row = talk("اندازه زاویه را پیدا کنید.", "It is so.", id="1", answer="45°", grade=3, image="")
    as_json("chat.json")(tmp_path, [row, talk("Find x.", "4", id="2", language="German", images=[])])
    persian, german = (admitted.problem for admitted in run("multimath", tmp_path)[0])
    assert (persian.answer, persian.level, persian.language, persian.image_ids) == ("45°", 3, "fa", ())
    assert (german.answer, german.level, german.language) == ("4", 0, "de")


@pytest.mark.parametrize("name", ["mathvl", "multimath", "mathv360k"])
@pytest.mark.parametrize(
    ("file", "image", "named"),
    [
        ("chat.json", "images/1.png", "1.png"),
        ("chat.json", "RGB_images/a/1.png", "a/1.png"),
        ("json/chat.json", "images/1.png", "1.png"),
        ("a/json/chat.json", "RGB_images/1.png", "1.png"),
        ("json/chat.json", "json/RGB_images/1.png", "1.png"),
        ("json/chat.json", "json/images/1.png", "images/1.png"),
    ],
)
def test_chat_images_lie_beside_the_file_or_above(name: str, file: str, image: str, named: str, tmp_path: Path) -> None:
    (tmp_path / image).parent.mkdir(parents=True)
    (tmp_path / image).write_bytes(png())
    as_json(file)(tmp_path, [talk("<image>Find x.", "4", id="1", image=named), talk("<image>y?", "4", image="no.png")])
    for location in (tmp_path, tmp_path / file):
        if location == tmp_path or not file.startswith("a/"):
            admitted, rejects = run(name, location)
            assert [row.images[0].data for row in admitted] == [png()]
            assert [row.reason for row in rejects] == ["missing image"]


@pytest.mark.parametrize(
    ("label", "answer"),
    [
        ("[2013, 2016]", "2013, 2016"),
        ("[2003,2009]", "2003, 2009"),
        ("['Gambia', 'Niger']", "Gambia, Niger"),
        ("[1,000, 2,000]", "1,000, 2,000"),
        ("[Yes]", "Yes"),
        (["Yes"], "Yes"),
    ],
)
def test_a_list_of_chartqa_may_be_text(label: object, answer: str, tmp_path: Path) -> None:
    SAMPLES["chartqa"].put(tmp_path, [{**SAMPLES["chartqa"].rows[0], "label": label}])
    admitted, _ = run("chartqa", tmp_path)
    assert [row.problem.answer for row in admitted] == [answer]


def test_a_pickle_of_other_things_is_one_reject(tmp_path: Path) -> None:
    SAMPLES["geoqa_plus"].put(tmp_path)
    (tmp_path / "sub_dataset_dict.pk").write_bytes(pickle.dumps(dict.fromkeys(range(100), "angle")))
    admitted, rejects = run("geoqa_plus", tmp_path)
    assert len(admitted) == 2
    assert [(row.source_id, row.reason) for row in rejects] == [("sub_dataset_dict.pk", "no rows")]


@pytest.mark.parametrize("name", ["mathvl", "multimath", "mathv360k", "math_puma", "tabmwp"])
def test_every_row_has_a_recorded_solution_or_a_reason(name: str, tmp_path: Path) -> None:
    SAMPLES[name].put(tmp_path)
    recorded = adapter(name).recorded
    assert recorded is not None
    raws = [raw for raw in adapter(name).read(tmp_path) if isinstance(raw, Raw)]
    solutions = list(recorded(tmp_path))
    texts = [row.text if isinstance(row, Recorded) else None for row in solutions]
    assert texts == [raw.solution for raw in raws]
    assert len(solutions) == len(SAMPLES[name].rows)


@pytest.mark.parametrize(
    ("name", "folder", "counts", "level"),
    [
        ("chartqa", "chartqa/ChartQA Dataset", (60, 0), 0),
        ("multimath", "chat_multimath_cmath", (60, 0), 1),
        ("mathvl", "chat_geo170k", (60, 0), 0),
        ("geoqa_plus", "geoqa_plus", (0, 1), 0),
    ],
)
def test_the_real_files(name: str, folder: str, counts: tuple[int, int], level: int) -> None:
    admitted, rejects = run(name, shared(f"adapters/{folder}"))
    assert (len(admitted), len(rejects)) == counts
    for row in admitted:
        problem = row.problem
        assert not re.search(r"[\[\]]|Question|format", problem.answer + problem.question)
        assert (problem.solution, problem.level) == (None, level)
        assert problem.language == ("zh" if name == "multimath" else "en")


@pytest.mark.parametrize("name", ["k12", "mathvl"])
@pytest.mark.parametrize(("on_disk", "in_row"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFC", "NFC")])
def test_a_name_is_the_same_in_either_of_its_spellings(
    name: str, on_disk: Literal["NFC", "NFD"], in_row: Literal["NFC", "NFD"], tmp_path: Path
) -> None:
    file = tmp_path / unicodedata.normalize(on_disk, "images/Übung é.png")
    file.parent.mkdir()
    file.write_bytes(png())
    image = unicodedata.normalize(in_row, "images/Übung é.png")
    row = {"id": "1", "question": "Find x.", "answer": "4", "image_path": image}
    as_json("rows.json")(tmp_path, [row if name == "k12" else talk("Find x.", "4", image=image)])
    admitted, rejects = run(name, tmp_path)
    assert ([row.images[0].data for row in admitted], rejects) == ([png()], [])


def test_a_picture_that_is_encoded_anew_is_decoded_once(tmp_path: Path) -> None:
    clear = io.BytesIO()
    PIL.Image.new("RGBA", (6, 4)).save(clear, "PNG")
    raws = [Raw(f"{place}?", "4", images=(clear.getvalue(),), source_id=str(place)) for place in range(3)]
    seen: set[str] = set()
    for row in admit(raws, tmp_path, "MIT", LIMITS, known=seen.__contains__):
        assert isinstance(row, Admitted)
        assert len(row.images) == (not seen)
        seen.update(row.problem.image_ids)
    assert len(seen) == 1
