"""A run made to be hard to show: code, formulas, several alphabets, three images, no verdict, no problem."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from starlette.testclient import TestClient

from mathse import layout
from mathse.tables import schemas, store
from mathse.tables.schemas import (
    BenchmarkItem,
    Image,
    Message,
    MixRow,
    PathKind,
    Prediction,
    Problem,
    Split,
    Status,
    Verdict,
)
from mathse.view import server
from tests import rows

PORT, TOKEN = 8377, "right-token"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
LATEX = r"Step 1: area is $\frac{1}{2}ab$. Step 2: so \[ x^2 = 9 \] it costs $5 and $7. Step 3: \boxed{3}"
CHINESE = "第一步：角A等于50°。第二步：三角形内角和为180°。第三步：所以答案是 130。"


def picture(colour: str) -> Image:
    encoded = io.BytesIO()
    PIL.Image.new("RGB", (40, 30), colour).save(encoded, "PNG")
    return image(encoded.getvalue())


def image(data: bytes) -> Image:
    return Image(image_id=hashlib.sha256(data).hexdigest(), data=data, format="PNG", width=40, height=30)


PICTURES = [picture(colour) for colour in ("red", "green", "blue")]
INK = PIL.Image.new("RGBA", (40, 30), (0, 0, 0, 0))
INK.paste((0, 0, 0, 255), (0, 0, 20, 30))


def transparent(form: str) -> Image:
    """Black on a ground that is not there."""
    encoded = io.BytesIO()
    INK.save(encoded, form)
    return image(encoded.getvalue())


TRANSPARENT = [transparent(form) for form in ("PNG", "TIFF")]
DRAWING = image(b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
PROBLEMS = [
    rows.problem("p1", question="How large is angle C?", image_ids=tuple(one.image_id for one in PICTURES)),
    rows.problem(
        "p2",
        question=rf"{SCRIPT} Find $\sqrt{{2}}$.",
        subject="<b>areas</b>",
        level=2,
        choices=("60", r"\pi"),
        image_ids=(),
    ),
    rows.problem("p3", question="三角形的角C是多少？", language="zh", level=3, image_ids=()),
    rows.problem("t1", question="ما قياس الزاوية؟", language="ar", split=Split.TEST, image_ids=(DRAWING.image_id,)),
    rows.problem("t2", split=Split.TEST, image_ids=()),
]
PATHS = {
    "0": [rows.path("d1", "p3", kind=PathKind.DISTILLED, round=0, text=CHINESE, author="solver")],
    "1": [
        rows.path("r1", "p1", text="Step 1: A is 50. Step 2: 50 + 60 = 111. Step 3: so it is 69."),
        rows.path("r2", "p2", text=LATEX, answer=r"\frac{6}{2}"),
        rows.path("r3", "p2", sample_idx=1, text=f"Step 1: {SCRIPT}", answer=SCRIPT),
        rows.path("r4", "gone", text="A path to a problem that is not there."),
        rows.path("r5", "p3", text="", finish_reason="error", error="the server was gone"),
    ],
    "2": [
        rows.path(f"s{number}", "p1", round=2, text=f"Step 1: word{number} angle.") for number in range(60)
    ],
    "final": [
        rows.path("f1", "p1", kind=PathKind.REFLECTION, text="Step 1: 50 + 60 = 110. So 70.", parent_path_id="r1"),
    ],
}  # fmt: skip
VERDICTS = {
    "0": [rows.verdict("d1", "p3")],
    "1": [
        rows.verdict("r1", "p1", Status.WRONG, error_step="Step 2", error_analysis="calculation: 50 + 60 is not 111"),
        rows.verdict("r2", "p2", Status.WRONG, rule_status=Status.CORRECT, error_step="Step 9"),
        rows.verdict("r3", "p2", Status.UNDECIDED, undecided_reason=SCRIPT),
    ],
    "2": [rows.verdict(f"s{number}", "p1") for number in range(60)],
    "final": [rows.verdict("f1", "p1")],
}


ITEM = BenchmarkItem(
    benchmark="mathvision", item_id="17", question="Which item?", answer="A", image_ids=(PICTURES[1].image_id,),
    subject="solid geometry", level=5, licence="MIT", official="{}",
)  # fmt: skip


def prediction(problem_id: str, status: Status, **fields: Any) -> Prediction:
    return Prediction(
        problem_id=problem_id, author="m", prompt_id="p@1", text=f"Step 1: it is {status.value}.", answer="4",
        status=status, reason="said", finish_reason="stop", tokens_in=1, tokens_out=1, **fields,
    )  # fmt: skip


def mix_row(path: schemas.Path) -> MixRow:
    said = (Message(role="user", content="How large is it?"),), (Message(role="assistant", content=path.text),)
    return MixRow(
        path_id=path.path_id, problem_id=path.problem_id, kind=path.kind, round=path.round, image_ids=(),
        prompt=said[0], completion=said[1],
    )  # fmt: skip


def write_run(root: Path) -> Path:
    """The tables of the run below `root`."""
    store.write(root / layout.mix("1"), MixRow, map(mix_row, PATHS["1"][:3]))
    store.write(root / layout.mix("2"), MixRow, map(mix_row, [*PATHS["1"][:3], *PATHS["2"][:40]]))
    store.write(root / layout.PROBLEMS, Problem, PROBLEMS)
    store.write(root / layout.IMAGES, Image, [*PICTURES, *TRANSPARENT, DRAWING])
    store.write(root / layout.BENCHMARK_ITEMS, BenchmarkItem, [ITEM])
    store.write(root / layout.BENCHMARK_IMAGES, Image, [PICTURES[1]])
    for step, written in PATHS.items():
        store.write(root / layout.paths(step), schemas.Path, written)
        store.write(root / layout.verdicts(step), Verdict, VERDICTS[step])
    for model, (one, other) in {"base": (Status.WRONG, Status.CORRECT), "final": (Status.CORRECT,) * 2}.items():
        predicted = [prediction("t1", one), prediction("t2", other)]
        predicted += [
            prediction(ITEM.problem_id, one, benchmark="mathvision"),
            prediction(ITEM.problem_id, other, benchmark="mathvision", sample_idx=1),
        ]
        store.write(root / layout.predictions(model), Prediction, predicted)
    return root


def client_of(root: Path) -> TestClient:
    """Somebody who knows the token."""
    client = TestClient(server.application(root, PORT, TOKEN), base_url=f"http://127.0.0.1:{PORT}")
    client.cookies.set(f"mathse-view-{PORT}", TOKEN)
    return client


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("shown"))


@pytest.fixture(scope="session")
def client(shown: Path) -> Iterator[TestClient]:
    with client_of(shown) as client:
        yield client
