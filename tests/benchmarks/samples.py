"""A small copy of every benchmark, in its own field names and layout."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sources.adapters.samples import png

Fields = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """Rows, the images beside them, and how they are written."""

    rows: tuple[Fields, ...]
    images: tuple[str, ...]
    write: Callable[[Path, list[Any]], None]

    def put(self, folder: Path, rows: list[Any] | None = None) -> Path:
        """Write the benchmark into a folder, which is returned."""
        for place, name in enumerate(self.images):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(png(("red", "green", "blue")[place % 3]))
        self.write(folder, list(self.rows) if rows is None else rows)
        return folder


def as_mapping(folder: Path, rows: list[Any]) -> None:
    named = {str(row.get("pid", place)) if isinstance(row, dict) else str(place): row for place, row in enumerate(rows)}
    content = named if len(named) == len(rows) else rows
    (folder / "testmini.json").write_text(json.dumps(content), encoding="utf-8")


def as_json(name: str) -> Callable[[Path, list[Any]], None]:
    def write(folder: Path, rows: list[Any]) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(rows), encoding="utf-8")

    return write


def as_lines(name: str) -> Callable[[Path, list[Any]], None]:
    def write(folder: Path, rows: list[Any]) -> None:
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    return write


def vista(pid: str, question: str, answer: str, **others: Any) -> Fields:
    task = others.pop("task", "geometry problem solving")
    return {
        "question": question, "image": f"images/{pid}.jpg", "choices": None, "unit": None, "precision": None,
        "answer": answer, "question_type": "free_form", "answer_type": "integer", "pid": pid, **others,
        "metadata": {
            "split": "testmini", "language": "english", "img_width": 6, "img_height": 4, "source": "GeoQA+",
            "category": "math-targeted-vqa", "task": task, "context": "geometry diagram", "grade": "high school",
            "skills": ["geometry reasoning"],
        },
    }  # fmt: skip


def verse(index: int, version: str, question: str, answer: str, kind: str = "multi-choice") -> Fields:
    return {
        "sample_index": str(index), "problem_index": "1", "problem_version": version, "question": question,
        "image": "" if version == "Text Only" else f"images_version_1-4/image_{index}.png", "answer": answer,
        "question_type": kind,
        "metadata": {"split": "testmini", "source": "GeoQA", "subject": "Plane Geometry", "subfield": "Angle"},
        "query_wo": f"Please directly answer.\nQuestion: {question}", "query_cot": f"Please reason.\n{question}",
    }  # fmt: skip


def vision(number: int, question: str, answer: str, options: list[str], **others: Any) -> Fields:
    return {
        "id": str(number), "question": question, "options": options, "answer": answer, "solution": None, "level": 3,
        "subject": "logic", "image": f"images/{number}.jpg", **others,
    }  # fmt: skip


ANGLE = "AB is parallel to CD and angle 1 is 40. Find angle 2.\nChoices:\nA:40°\nB:140°"
SAMPLES = {
    "mathvista": Sample(
        (
            vista("1", "如图,∠A=40°,则∠B=( )", "140°", choices=["40°", "140°"], question_type="multi_choice",
                  answer_type="text"),
            vista("2", "How much is in the cup?", "1.25", answer_type="float", precision=2, unit="l", task="vqa"),
            vista("3", "How many cubes?", "4", task="figure question answering"),
            vista("4", "List them.", "[1, 2]", answer_type="list", task="vqa"),
        ),
        tuple(f"images/{pid}.jpg" for pid in range(1, 5)),
        as_mapping,
    ),
    "mathverse": Sample(
        (
            verse(1, "Text Dominant", ANGLE, "B"),
            verse(2, "Text Lite", "Find angle 2.\nChoices:\nA:40°\nB:140°", "B"),
            verse(3, "Vision Intensive", "Find it.", "14", "free-form"),
            verse(4, "Vision Dominant", "Find it.", "14", "free-form"),
            verse(5, "Vision Only", "", "B"),
        ),
        tuple(f"images_version_1-4/image_{index}.png" for index in range(1, 6)),
        as_json("testmini.json"),
    ),
    "mathverse_text_only": Sample((verse(1, "Text Only", ANGLE, "B"),), (), as_json("testmini_text_only.json")),
    "mathvision": Sample(
        (
            vision(4, "How many digits are in <image1>?\n<image2>", "6", []),
            vision(6, "Which one is it?\n<image1>", "D", ["A", "B", "C", "D", "E"]),
            vision(9, "How much is it?", "C", ["1", "2", r"$\frac{1}{2}$", "4", "5"]),
        ),
        ("images/4.jpg", "images/6.jpg", "images/9.jpg"),
        as_lines("test.jsonl"),
    ),
    "chartqa": Sample(
        (
            {"imgname": "41.png", "query": "How many food items are shown?", "label": "14"},
            {"imgname": "42.png", "query": "What is the largest?", "label": "Yes"},
        ),
        ("test/png/41.png", "test/png/42.png"),
        as_json("test/test_human.json"),
    ),
    "mathvl_test": Sample(
        (
            {"source_id": "a", "question": "<image>求x。", "choices": ["30", "45"], "answer": "B", "images": ["1.png"],
             "subject": "angles", "level": 2, "language": "zh"},
            {"id": 7, "question": "2 + 2?", "answer": "4"},
        ),
        ("1.png",),
        as_json("mathvl_test.json"),
    ),
}  # fmt: skip
"""By the benchmark's title."""
