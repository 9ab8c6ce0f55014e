"""reports/index.html: one file that loads nothing, and holds what the tables say."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import PIL.Image
import pytest

from mathse import layout, params
from mathse.report import ablations, drawing, examples, judging, loop_picture, page, paper
from mathse.report.judging import SHARES, Judged, Share
from mathse.tables import schemas, store
from mathse.tables.schemas import Image, PathKind, Problem, Status, Verdict
from tests.browser import chromium
from tests.share.conftest import path, verdict

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e&"
TEMPLATES = Path(drawing.__file__).parent / "templates"


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def built(run: Path) -> str:
    page.build(run)
    return (run / page.WEB_PAGE).read_text(encoding="utf-8")


def hostile(run: Path) -> None:
    """Let every text of the data try to be markup."""
    rows = [row.model_copy(update={"question": HOSTILE, "subject": HOSTILE, "choices": (HOSTILE, "2")})
            for row in store.scan(run / layout.PROBLEMS, Problem)]  # fmt: skip
    store.write(run / layout.PROBLEMS, Problem, rows)
    written = path("roll", PathKind.ROLLOUT).model_dump(exclude={"row_hash", "text_hash"}) | {"text": HOSTILE}
    store.write(run / layout.paths("1"), schemas.Path, [schemas.Path(**written)])
    judged = verdict("roll", Status.CORRECT, HOSTILE, f"{HOSTILE}: {HOSTILE}")
    store.write(run / layout.verdicts("1"), Verdict, [judged])


def test_it_loads_nothing_and_text_is_text(run: Path) -> None:
    hostile(run)
    text = built(run)
    tags = Tags(text).tags
    assert {"script", "iframe", "object", "embed"}.isdisjoint(tag for tag, _ in tags)
    sources = [attributes["src"] for _, attributes in tags if "src" in attributes]
    assert sources and all(source and source.startswith("data:image/") for source in sources)
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    links = [attributes["href"] for tag, attributes in tags if tag in ("a", "link", "use", "image")]
    assert all(link and re.match(r"#|data:|https://arxiv\.org/", link) for link in links)
    assert "url(http" not in text and "@import" not in text
    assert "&lt;script&gt;alert(1)" in text and "\u202e" not in text and "\\u202e" in text


def test_every_table_and_chart_is_on_it(run: Path) -> None:
    text = built(run)
    assert text.count('<div class="canvas"') == len(list((run / layout.PLOTS).glob("*.png"))) + 1 - len(
        {"mean_characters"}
    ), "lengths say more than the mean"
    assert "29.3" not in text
    for number in (*paper.TABLE_1["distilled"], *paper.TABLE_5["verdict alone"], *paper.TABLE_3.values()):
        assert f"{number:.2f}" in text
    assert 'rel="icon" href="data:,"' in text


def test_the_loop_has_the_counts_of_the_run(run: Path) -> None:
    text = built(run)
    picture = text[text.index('<svg class="loop"') : text.index("</svg>")]
    words = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
    assert [word for word in words if word.startswith("models/")] == [
        "models/orm", "models/0", "models/0", "models/1", "models/final",
    ]  # fmt: skip
    assert "1 paths to 1 problems" in words and "accepts 1" in words and "accepts 0" in words
    assert "0 unsolved" in words and "50.0 % of the tests" in words


def test_a_reflection_stands_beside_its_draft(run: Path) -> None:
    told = verdict("refl", Status.CORRECT).model_copy(update={"rule_status": Status.CORRECT})
    store.write(run / layout.verdicts("final"), Verdict, [told])
    (reflection,) = [
        example for example in examples.examples(run, params.load(run / params.PARAMS)) if "draft" in example.title
    ]
    assert [shown.path_id for shown in reflection.paths] == ["roll", "refl"]
    assert (reflection.paths[0].error_step, reflection.paths[0].orm) == ("Step 1", "WRONG")
    assert len(reflection.pictures) == 1


def test_disagreements_are_shown_with_their_ids(run: Path) -> None:
    shown = examples.examples(run, params.load(run / params.PARAMS))
    titles = {example.title: example.paths[0].path_id for example in shown}
    assert titles["ORM against rule grader in distilled: accepted, and wrong by rule"] == "dist"
    assert all(example.problem.problem_id == "1abc1" for example in shown)


def test_of_too_many_examples_each_step_has_its_first(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = params.load(run / params.PARAMS)
    shown = examples.examples(run, settings)
    assert [example.title for example in shown] == [
        "ORM against rule grader in distilled: accepted, and wrong by rule",
        "A wrong path of round 1, and the step that the ORM names",
        "ORM against rule grader in reflection: accepted, and wrong by rule",
    ]
    store.write(run / layout.paths("0"), schemas.Path, [path(name, PathKind.DISTILLED) for name in ("a", "b")])
    store.write(run / layout.verdicts("0"), Verdict, [verdict(name, Status.CORRECT) for name in ("a", "b")])
    monkeypatch.setattr(examples, "MOST_EXAMPLES", 3)
    assert [example.paths[-1].path_id for example in examples.examples(run, settings)] == ["a", "roll", "refl"]


def test_pictures_are_small_and_what_is_none_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = image(PIL.Image.effect_noise((1500, 900), 90))
    assert examples.data_uri(noise).startswith("data:image/jpeg;base64,")
    assert len(examples.data_uri(noise)) < 4 / 3 * examples.MOST_BYTES + 100
    for data in (noise.data[:200], b"no picture"):
        assert examples.data_uri(noise.model_copy(update={"data": data})) == ""
    monkeypatch.setattr(examples, "MOST_BYTES", 100)
    assert examples.data_uri(noise) == ""


def test_a_picture_is_what_models_are_shown() -> None:
    uri = examples.data_uri(image(PIL.Image.new("RGBA", (8, 8), (0, 0, 0, 0))))
    with PIL.Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as shown:
        assert shown.convert("RGB").getcolors() == [(64, (255, 255, 255))], "on white where it is transparent"


def image(picture: PIL.Image.Image) -> Image:
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    return Image(image_id="1", data=encoded.getvalue(), format="PNG", width=picture.width, height=picture.height)


def test_pictures_have_a_bound_together(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = params.load(run / params.PARAMS)
    assert any(example.pictures for example in examples.examples(run, settings))
    monkeypatch.setattr(examples, "MOST_TOGETHER", 10)
    assert not any(example.pictures for example in examples.examples(run, settings))


def test_experiments_are_tables(run: Path) -> None:
    difference = {"variant": "orm", "model": "final", "mean": -0.02, "low": -0.05, "high": 0.01, "p": 0.21}
    row = {"variant": "none", "model": "final", "mean": 0.4, "low": 0.3, "high": 0.5, "seeds": (3, 5)}
    runs = [
        {
            "variant": "none", "seed": seed, "inputs": "i", "train_problems": 9, "steps": {}, "orms": {},
            "models": {
                "final": {
                    "fingerprint": "f", "accuracy": seed / 10, "correct": seed, "rows": 90 + seed,
                    "teacher_calls": 1200, "solved": "0" * 225,
                }
            },
        }
        for seed in (3, 5)
    ]  # fmt: skip
    content = {"experiment": "table3", "title": HOSTILE, "baseline": "orm", "tests": {"n": 900, "sha256": "ab"}}
    experiment = ablations.Results.model_validate(
        content | {"runs": runs, "comparison": [row | {"difference": difference | {"by_seed": {}}}]}
    )
    assert ablations.cells(experiment)[1] == (
        "none", "final", "94", "1,200", "30.0", "50.0", "40.0 (30.0 to 50.0)", "-2.0 (-5.0 to +1.0)", "0.21",
        "orm, final",
    )  # fmt: skip
    ablations.save(ablations.path(run, "table3"), experiment)
    assert "table3: 900 test problems" in built(run)


def test_colours_are_the_charts() -> None:
    sheet = (TEMPLATES / "index.css").read_text(encoding="utf-8")
    view = (TEMPLATES.parents[1] / "view" / "static" / "view.css").read_text(encoding="utf-8")
    for file in (sheet, view):
        assert file.index("{") < file.index("}")
    light, views = ({*re.findall(r"--[\w-]+: #[0-9a-f]{6};", text[: text.index("}")])} for text in (sheet, view))
    assert {colour for colour in views if "wash" not in colour} <= light


def test_arrows_lead_from_the_row_that_is_named() -> None:
    boxes = (("a", "1"), ("b", ""), ("c", "3"), ("", ""))
    rows = [
        loop_picture.Row("one", "", boxes, teacher=True),
        loop_picture.Row("<two>", "", boxes, teacher=False, source=0, grows=True),
    ]
    drawn = loop_picture.draw(rows, "title")
    assert "&lt;two&gt;" in drawn and drawn.count("<rect") == 6
    assert drawn.count('class="arrow"') == 4 + 1 + 1


def test_it_fits_a_phone_and_a_wide_window(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = Share(n=123_456, hits=123_456, share=1.0)
    judged = dict.fromkeys(SHARES, share) | {"paths": 1_234_567, "undecided": 0, "ungraded": 0}
    steps = params.load(run / params.PARAMS).steps
    monkeypatch.setattr(judging, "by_step", lambda *_: dict.fromkeys(steps, Judged.model_validate(judged)))
    built(run)
    with chromium(width=400, height=900) as browser:
        for width in (400, 1400):
            browser.size(width, 900)
            browser.open((run / page.WEB_PAGE).as_uri())
            assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
        cut = "[...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth).length"
        assert browser.run(f"return {cut}") == 0, "a table is wider than the page"
        assert browser.messages() == []
