"""A small source for every adapter, in the field names and the layout of the real one."""

import io
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from mathse import layout
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem

Fields = dict[str, Any]


def png(colour: str = "red", size: tuple[int, int] = (6, 4)) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, colour).save(buffer, format="PNG")
    return buffer.getvalue()


def without_benchmarks(root: Path) -> Path:
    """A run that is measured on no benchmark, so that no problem leaks."""
    store.write(root / layout.BENCHMARK_ITEMS, BenchmarkItem, [])
    return root


@dataclass(frozen=True)
class Sample:
    """Rows, where they are written, and the images beside them."""

    rows: tuple[Fields, ...]
    images: tuple[str, ...]
    write: Callable[[Path, list[Any]], list[Path]]

    def put(self, folder: Path, rows: list[Any] | None = None) -> list[Path]:
        """Write the source into an empty folder; the files that hold rows."""
        for place, name in enumerate(self.images):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(png(("red", "green", "blue")[place % 3]))
        return self.write(folder, list(self.rows) if rows is None else rows)


def as_json(name: str) -> Callable[[Path, list[Any]], list[Path]]:
    def write(folder: Path, rows: list[Any]) -> list[Path]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(rows, indent=1), encoding="utf-8")
        return [folder / name]

    return write


def as_lines(name: str) -> Callable[[Path, list[Any]], list[Path]]:
    def write(folder: Path, rows: list[Any]) -> list[Path]:
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return [folder / name]

    return write


def as_mapping(folder: Path, rows: list[Any]) -> list[Path]:
    content = {str(place + 1): row for place, row in enumerate(rows)}
    (folder / "problems_train.json").write_text(json.dumps(content), encoding="utf-8")
    return [folder / "problems_train.json"]


def as_folders(folder: Path, rows: list[Any]) -> list[Path]:
    files = [folder / "train" / str(place) / "data.json" for place in range(len(rows))]
    for file, row in zip(files, rows, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(row), encoding="utf-8")
    return files


def as_pickle(folder: Path, rows: list[Any]) -> list[Path]:
    (folder / "train.pk").write_bytes(pickle.dumps(rows, protocol=4))
    return [folder / "train.pk"]


def chat(asked: str, reply: str, **others: Any) -> Fields:
    return {**others, "conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": reply}]}


GREY = np.arange(24, dtype=np.uint8).reshape(4, 6)

SAMPLES = {
    "mathvl": Sample(
        (
            chat("<image>\nAB ∥ CD and ∠1 = 50°. Find ∠2.", "Equal angles.\nThe answer is 50°.", id="1", image="a.png"),
            chat(
                "<image>\n如图,求x。\nA. 30° B. 45° C. 60° D. 90°", "所以x=45°。故选B。", id="2", image="images/b.png"
            ),
            chat(
                "From <image1> to <image2>: how many more?",
                "5 - 3 = 2, so the answer is 2.",
                id="3",
                image=["a.png", "images/b.png"],
            ),
        ),
        ("a.png", "images/b.png"),
        as_json("mathvl.json"),
    ),
    "multimath": Sample(
        (
            chat("<image>\n求阴影部分的面积。", "面积为 3 × 4 = 12。答案是12", id="m1", image="i/1.png"),
            chat("<image>\nFind x.\nA. 2\nB. 4", "x = 4.\nAnswer: B", id="m2", image="i/2.png"),
        ),
        ("i/1.png", "i/2.png"),
        as_lines("multimath.jsonl"),
    ),
    "mathv360k": Sample(
        (
            chat(
                "<image>\nHint: Please answer the question and provide the correct option letter, e.g., A, B, at the "
                "end.\nQuestion: Find the angle.\nChoices:\n(A) 145°\n(B) 140°",
                "The answer is B.",
                id="identity-0",
                image="GeoQA+/images/0.png",
            ),
            chat(
                "<image>\nHint: Please answer the question requiring an integer answer.\nQuestion: How many cubes?",
                "The answer is 4",
                id="identity-1",
                image="CLEVR/1.png",
            ),
        ),
        ("data_images/GeoQA+/images/0.png", "data_images/CLEVR/1.png"),
        as_json("train_samples_all_tuning.json"),
    ),
    "math_puma": Sample(
        (
            {
                "image_url": ["i/1.png"],
                "instruction": "Find x. A. 30 B. 45 C. 60",
                "output": "x = 45. The answer is B.",
            },
            {"image_url": "i/2.png", "instruction": "What is the area?", "output": "2 × 3 = 6. The answer is 6."},
        ),
        ("i/1.png", "i/2.png"),
        as_json("stage3.json"),
    ),
    "k12": Sample(
        (
            {"id": "k-1", "question": "Angle B is", "answer": "30°", "image_path": "images/1.png"},
            {"id": "k-2", "question": "Width ___, height ___.", "answer": "8\n4", "image_path": "images/2.png"},
        ),
        ("images/1.png", "images/2.png"),
        as_json("k12.json"),
    ),
    "geometry3k": Sample(
        (
            {
                "id": 14,
                "problem_text": "Find x.",
                "annotat_text": "Find $x$.",
                "choices": ["36", "48", "66", "72"],
                "answer": "B",
                "detailed_solution": " ",
                "problem_type_graph": ["Line"],
                "problem_type_goal": ["Length"],
                "precise_value": [36.0, 48.0, 66.0, 72.0],
                "data_type": "train",
            },
            {
                "id": 15,
                "problem_text": "Find y.",
                "choices": ["2 \\sqrt { 3 }", "4"],
                "answer": "A",
                "problem_type_graph": ["Triangle"],
                "problem_type_goal": ["Length"],
                "data_type": "test",
            },
        ),
        ("train/0/img_diagram.png", "train/1/img_diagram.png"),
        as_folders,
    ),
    "chartqa": Sample(
        (
            {"imgname": "41.png", "query": "How many food items are shown?", "label": "14"},
            {"imgname": "42.png", "query": "Is blue the largest?", "label": "Yes"},
        ),
        ("train/png/41.png", "train/png/42.png"),
        as_json("train/train_human.json"),
    ),
    "mavis_geometry": Sample(
        (
            {
                "id": 3,
                "image_text_dominant": "i/3.png",
                "image_vision_dominant": "i/3v.png",
                "choices": ["A: 30°", "B: 45°"],
                "answer_index": 1,
                "text_en": {
                    "text_dominant_question": "AB = AC and angle A is 90°. Find angle B.",
                    "vision_dominant_question": "Find angle B.",
                    "CoT_reasoning": "(180° - 90°) / 2 = 45°.",
                },
            },
        ),
        ("i/3.png", "i/3v.png"),
        as_json("mavis_geometry.json"),
    ),
    "mavis_function": Sample(
        (
            {
                "id": "f1",
                "image_text_dominant": "i/f.png",
                "choices": ["2", "-1", "0"],
                "answer_index": 0,
                "text_en": {"text_dominant_question": "f(x) = ax + 1 and f(1) = 3. What is a?"},
            },
        ),
        ("i/f.png",),
        as_lines("mavis_function.jsonl"),
    ),
    "tabmwp": Sample(
        (
            {
                "question": "Which day had most?",
                "choices": ["Tuesday", "Friday"],
                "answer": "Friday",
                "unit": None,
                "table_title": "Pretzels",
                "table": "Day | Sold\nTuesday | 4\nFriday | 7",
                "ques_type": "multi_choice",
                "ans_type": "extractive_text",
                "grade": 3,
                "split": "train",
                "solution": "7 is the largest number: Friday.",
            },
            {
                "question": "How much do 3 cost?",
                "choices": None,
                "answer": "10.25",
                "unit": "$",
                "ques_type": "free_text",
                "grade": 7,
                "split": "test",
                "solution": "Multiply.",
            },
        ),
        ("tables/1.png", "tables/2.png"),
        as_mapping,
    ),
    "geoqa_plus": Sample(
        (
            {
                "id": 5,
                "subject": "如图,∠1=N_0,∠2等于()",
                "numbers": ["60°"],
                "choice_nums": [30.0, 60.0, 120.0],
                "label": 1,
                "image": GREY,
                "formal_point": ["平行线"],
                "manual_program": ["g_equal", "N_0"],
                "answer": "两直线平行,∠2=60°",
            },
            {
                "id": 6,
                "subject": "求x",
                "numbers": [],
                "choice_nums": np.array([0.5, 2.0]),
                "label": 0,
                "image": np.stack([GREY] * 3, axis=-1),
                "formal_point": [],
            },
        ),
        (),
        as_pickle,
    ),
    "unigeo": Sample(
        (
            {
                "id": 9,
                "English_problem": "As shown, angle 1 = N_0 and a is parallel to b. Angle 2 is",
                "numbers": ["40.0"],
                "choice_nums": [40.0, 140.0],
                "label": 0,
                "image": GREY,
                "manual_program": ["g_equal", "N_0"],
            },
            {
                "id": 10,
                "input_text": "AB = CD ( Elements: ... )",
                "proving_sequence": ["E_0", "E_1"],
                "img": GREY,
                "problem_type": "parallel",
            },
        ),
        (),
        as_pickle,
    ),
}
