"""A small run to export: three images in a question, Chinese, LaTeX, texts with markup, a source that stays at home."""

import io
from pathlib import Path

import PIL.Image
import pytest

from mathse import layout
from mathse.loop.mix_rows import student_row
from mathse.sources.images import from_bytes
from mathse.tables import schemas, store
from mathse.tables.schemas import Image, MixRow, PathKind, Problem, Split, Status, Verdict, content_id

MARKUP = 'say `<image>` | "--- # **x**": [y](z) \\n<script>alert(1)</script> ```` $a_1$'


def picture(colour: str, form: str = "PNG") -> Image:
    encoded = io.BytesIO()
    PIL.Image.new("RGB", (56, 56), colour).save(encoded, form)
    return from_bytes(encoded.getvalue(), 10**6)


PICTURES = {"red": picture("red"), "green": picture("green", "JPEG"), "blue": picture("blue")}


def problem(question: str, *colours: str, source: str = "figures", licence: str = "Apache-2.0") -> Problem:
    images = tuple(PICTURES[colour].image_id for colour in colours)
    return Problem(
        problem_id=Problem.id_for(question, ("60", "70"), "B", images),
        source=source,
        source_id=f"{source}-{len(question)}",
        licence=licence,
        split=Split.TRAIN,
        question=question,
        choices=("60", "70"),
        answer="B",
        solution="It is 70.",
        image_ids=images,
        subject=MARKUP,
        level=2,
        language="zh" if "角" in question else "en",
    )


def path(of: Problem, text: str, kind: PathKind = PathKind.DISTILLED, parent: str | None = None) -> schemas.Path:
    number = int(kind is PathKind.ROLLOUT)
    identity = (of.problem_id, kind, number, 0, "solver", "solve@1", 5, parent, text)
    return schemas.Path(
        path_id=content_id("path", *identity), problem_id=of.problem_id, kind=kind, round=number, sample_idx=0,
        author="solver", prompt_id="solve@1", seed=5, text=text, answer="B", finish_reason="stop", tokens_in=3,
        tokens_out=4, cost=0.5, parent_path_id=parent,
    )  # fmt: skip


def verdict(of: schemas.Path) -> Verdict:
    return Verdict(
        path_id=of.path_id, problem_id=of.problem_id, author="orm", prompt_id="judge@1", status=Status.CORRECT,
        raw="{}", rule_status=Status.CORRECT, rule_reason="same option",
    )  # fmt: skip


ASKED = MARKUP.replace("<image>", "this")
"""As a question may be: admission leaves no placeholder in it."""
PROBLEMS = {
    "three": problem("Which of the three is larger?", "red", "green", "blue"),
    "chinese": problem("求角 $\\angle C = \\frac{1}{2}\\alpha$ 的度数", "red"),
    "markup": problem(ASKED, "blue"),
    "text": problem("What is 60 + 10?"),
    "closed": problem("Whose is it?", "green", source="unigeo", licence="LicenseRef-unknown"),
}
PATHS = {
    name: path(of, f"Step 1: {of.question}, {MARKUP}\nThe answer to this problem is B.")
    for name, of in PROBLEMS.items()
}


def write_run(root: Path, names: list[str]) -> Path:
    """The tables of a run whose mix 0 has these paths."""
    paths = [PATHS[name] for name in names]
    store.write(root / layout.PROBLEMS, Problem, PROBLEMS.values())
    store.write(root / layout.IMAGES, Image, PICTURES.values())
    store.write(root / layout.paths("0"), schemas.Path, paths)
    store.write(root / layout.verdicts("0"), Verdict, map(verdict, paths))
    rows = [student_row(PROBLEMS[name], PATHS[name], "solve-brief@1") for name in names]
    store.write(root / layout.mix("0"), MixRow, rows)
    return root


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """The root of a run with a mix of five rows, one of which may not be shared."""
    return write_run(tmp_path / "run", list(PROBLEMS))
