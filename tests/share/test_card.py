"""The model card: written for publishing, from lineage file, dvc.lock, tables and measurements."""

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from mathse import cli, layout
from mathse.look import dvc_lock
from mathse.look.lineage import Ancestry
from mathse.loop.ask.engines.local.fingerprint import LINEAGE
from mathse.loop.evaluation import scores
from mathse.share import cards, dataset_card
from mathse.share import model_card as of_models
from mathse.share.export import export
from mathse.share.model_card import model_card
from mathse.tables import store
from mathse.tables.files import write_json
from mathse.tables.schemas import Image, Problem
from mathse.tables.schemas import Path as ReasoningPath
from tests import rows
from tests.share import toy
from tests.share.conftest import picture

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.build(tmp_path_factory.mktemp("built") / "project")


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "project", symlinks=True)


def head(card: str) -> dict[str, Any]:
    """The metadata of a card, as the hub's own client reads it."""
    read: dict[str, Any] = ModelCard(card).data.to_dict()  # type: ignore[no-untyped-call]
    return read


def edit_lineage(project: Path, model: str, **changed: Any) -> None:
    file = project / "models" / model / LINEAGE
    file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))


def test_the_card_has_what_made_the_model(project: Path) -> None:
    card = model_card(project, "0")
    assert "fine-tuned on 2 rows, from `models/base`" in card
    assert "| distilled | 0 | figures | CC0-1.0 | en | 1 |\n| distilled | 0 | figures | MIT | en | 1 |" in card
    assert "`data/mix/0.parquet` (content hash `hash of 0`)" in card
    assert re.search(r"\| `data/paths/0.parquet` \| 2 \| [0-9a-f]{32} \| teacher; solve-brief@1 \|", card)
    with toy.within(project):
        assert f"| `models/orm` | {toy.fingerprint('orm')} |" in card
    assert "| judge-brief@1 | " in card
    assert "| `epochs` | 2.0 |" in card and "Made with torch 2, trl 1." in card


def test_the_same_run_gives_the_same_card_by_any_name(project: Path) -> None:
    assert model_card(project, "0") == model_card(project, "models/0") == model_card(project, "0")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("0", "the distilled model"), ("orm", "the Outcome Reward Model"), ("base", "the base"),
    ],
)  # fmt: skip
def test_a_model_is_called_by_its_role(project: Path, name: str, title: str) -> None:
    shutil.copy(ROOT / "presets" / "default.yaml", project / "params.yaml")
    card = model_card(project, name)
    assert f"# MathSE: {title}\n" in card
    assert ("reward-model" in head(card)["tags"]) == (name == "orm")


@pytest.mark.parametrize("name", ["0", "orm", "base"])
def test_what_it_tells_to_run_is_a_stage_of_the_project(project: Path, name: str) -> None:
    from dvc.repo import Repo

    (stage,), (check,) = typed(model_card(project, name))
    with toy.within(project), Repo(".") as repo:
        (found,) = repo.stage.collect(stage)
        assert [str(out.def_path) for out in found.outs] == [f"models/{name}"]
    assert check == ["mathse", "lineage", f"models/{name}", "--check"]
    assert cli.main(["-C", str(project), *check[1:]]) == 0


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Callable[[str], set[str]]]:
    """What a stage of this project's dvc.yaml makes, as DVC resolves it."""
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:

        def outputs(stage: str) -> set[str]:
            (resolved,) = repo.stage.collect(stage)
            return {str(out.def_path) for out in resolved.outs}

        yield outputs


def typed(card: str) -> tuple[list[str], list[list[str]]]:
    """The stages that a card tells to run, and its other command lines as words."""
    (block,) = re.findall(r"^```bash\n(.*?)^```", card, re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    stages = [words[2] for words in lines if words[:2] == ["dvc", "repro"]]
    others = [words for words in lines if words[0] != "dvc"]
    assert len(stages) + len(others) == len(lines), "of DVC's commands only `dvc repro STAGE` is told"
    mentioned = re.findall(r"dvc repro (\S+)", card)
    assert mentioned == stages, "no other stage is named"
    return stages, others


def parses(words: list[str]) -> bool:
    """Whether a command line is one that the command understands."""
    if words[0] == "mathse":
        return callable(cli._parser().parse_args(words[1:]).run)
    return words[:2] in (["git", "clone"], ["git", "checkout"])


@pytest.mark.parametrize("name", ["base", "student", "orm", "0", "1", "2", "final"])
def test_all_that_a_models_card_tells_to_run_is_there(
    name: str, pipeline: Callable[[str], set[str]], project: Path
) -> None:
    lock = dvc_lock.read(ROOT)
    behind = Ancestry(f"models/{name}", tuple(lock.steps(f"models/{name}")), {})
    (stage,), others = typed(of_models._reproduce(behind))
    assert pipeline(stage) >= {f"models/{name}"}
    assert others and all(parses(words) for words in others)


@pytest.mark.parametrize("name", ["student", "orm", "0", "1", "2", "final"])
def test_all_that_a_datasets_card_tells_to_run_is_there(name: str, pipeline: Callable[[str], set[str]]) -> None:
    made = dvc_lock.read(ROOT).source(f"data/mix/{name}.parquet")
    assert made is not None
    git = {"url": "https://host/mathse", "commit": "5e8e11f", "clean": True}
    lineage = {"mix": name, "stage": made.stage, "git": git, "dvc": {}}
    (stage,), others = typed(dataset_card._reproduce(lineage))
    assert pipeline(stage) >= {f"data/mix/{name}.parquet"}
    assert len(others) == 3 and all(parses(words) for words in others)


def test_the_checks_of_what_is_told_can_fail(pipeline: Callable[[str], set[str]]) -> None:
    from dvc.exceptions import DvcException

    with pytest.raises(DvcException):
        pipeline("mix_0")
    with pytest.raises(SystemExit):
        parses(["mathse", "export"])
    with pytest.raises(AssertionError):
        typed("```bash\ndvc run mix@0\n```")


def test_the_card_of_an_export_tells_what_is_there(built: Path, tmp_path: Path) -> None:
    """Whole cards, of the toy project: its own pipeline has the stage."""
    from dvc.repo import Repo

    with toy.within(built), Repo(".") as repo:
        store.write(layout.IMAGES, Image, [picture()])
        export(Path(), "mix@0", tmp_path / "out", everything=True)
        (stage,), others = typed((tmp_path / "out/README.md").read_text())
        assert [str(out.def_path) for out in repo.stage.collect(stage)[0].outs] == ["data/mix/0.parquet"]
        assert others == [["mathse", "export", "0", "FOLDER"]]


@pytest.mark.parametrize("stage", ["mix@final", None])
def test_the_card_of_a_dataset_names_a_stage_only_if_dvc_recorded_one(stage: str | None) -> None:
    text = dataset_card._reproduce({"mix": "final", "stage": stage, "git": None, "dvc": {}})
    assert typed(text) == ([stage] if stage else [], [["mathse", "export", "final", "FOLDER"]])


def test_without_its_problems_a_mix_is_told_without_licences(project: Path) -> None:
    (project / layout.PROBLEMS).unlink()
    card = model_card(project, "0")
    assert "| distilled | 0 |  |  |  | 2 |" in card
    assert head(card)["license"] == "other"
    (project / toy.MIX).unlink()
    assert "it began with: not stated." in model_card(project, "0")


@pytest.mark.parametrize(
    ("of_base", "of_rows", "expected"),
    [
        ("apache-2.0", "Apache-2.0", ("apache-2.0", None)),
        ("mit", "GPL-3.0-only", ("other", "see-training-data")),
        (None, "MIT", ("other", "see-training-data")),
        ("mit", "LicenseRef-unknown", ("other", "see-training-data")),
    ],
)
def test_a_licence_is_named_only_if_all_agree(
    project: Path, of_base: str | None, of_rows: str, expected: tuple[str, str]
) -> None:
    edit_lineage(project, "base", **{"from": "Owner/Model", "revision": "a" * 40, "licence": of_base})
    store.write(project / layout.PROBLEMS, Problem, [rows.problem(f"p{n}", licence=of_rows) for n in "12"])
    card = model_card(project, "0")
    told = head(card)
    assert (told["license"], told.get("license_name")) == expected
    assert ("it began with: Apache-2.0." in card) == (expected[0] == "apache-2.0"), "spelt in two ways, named once"
    assert told["base_model"] == "Owner/Model"


def test_a_base_that_was_taken_says_from_where(project: Path) -> None:
    taken = {"name": "base", "from": "./models/tiny", "licence": "apache-2.0", "model": "f" * 32}
    (project / "models/base" / LINEAGE).write_text(json.dumps(taken))
    card = model_card(project, "base")
    assert "A vision-language model, taken from `./models/tiny`, by" in card
    assert head(card)["license"] == "apache-2.0"
    assert "## Training" not in card


def test_the_head_is_the_hubs_metadata(project: Path) -> None:
    told = head(model_card(project, "0"))
    assert told["pipeline_tag"] == "image-text-to-text"
    assert (told["library_name"], told["language"]) == ("transformers", ["en"])
    assert "base_model" not in told, "it was built here and is not on the hub"
    assert {"mathse", "sft"} <= set(told["tags"])


def test_the_licence_of_a_model_further_back_counts(project: Path) -> None:
    edit_lineage(project, "base", **{"from": "Owner/Model", "revision": "a" * 40, "licence": "GPL-3.0"})
    edit_lineage(project, "0", start={"folder": "models/orm", "fingerprint": "f" * 32})
    assert "began with: CC0-1.0, GPL-3.0, MIT." in model_card(project, "0")


def test_the_card_has_the_runs_table(run: Path, built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("models", "dvc.lock", "data/problems", "data/mix", "data/paths", "data/verdicts"):
        place = run / name
        if place.is_dir():
            shutil.rmtree(place)
        copy = shutil.copytree if (built / name).is_dir() else shutil.copy
        copy(built / name, place)
    assert cli.main(["-C", str(run), "lineage", "0", "--card"]) == cli.USER_ERROR
    assert "0.json: measures f, and the model is " in capsys.readouterr().err
    with toy.within(run):
        measured = scores.load(layout.metrics("0"))
        write_json(layout.metrics("0"), measured.model_copy(update={"fingerprint": toy.fingerprint("0")}))
    assert cli.main(["-C", str(run), "lineage", "0", "--card"]) == 0
    card = capsys.readouterr().out
    assert head(card)["model-index"][0]["results"][0]["metrics"][0]["type"] == "accuracy"
    assert "| + distilled | 100 | 50.0 (9.5 to 90.5) | 5 of 9 |" in card
    assert "this model is *+ distilled*" in card
    assert "ORM on 2 held-out paths" in model_card(run, "orm")


@pytest.mark.parametrize("text", ["", "{}", '{"model": "f", "mix": 3}'])
def test_a_card_needs_a_lineage_file(project: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "models" / "0" / LINEAGE).write_text(text)
    assert cli.main(["-C", str(project), "lineage", "0", "--card"]) == cli.USER_ERROR
    assert "does not say what a card needs" in capsys.readouterr().err


def test_a_card_needs_the_record_of_the_model(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "dvc.lock").unlink()
    assert cli.main(["-C", str(project), "lineage", "0", "--card"]) == cli.USER_ERROR
    assert "dvc.lock: not found" in capsys.readouterr().err


def test_no_cell_ends_its_table(project: Path) -> None:
    paths = [rows.path(f"a{place}", f"p{place}", author="a|teacher") for place in (1, 2)]
    store.write(project / toy.DISTILLED, ReasoningPath, paths)
    assert r"a\|teacher" in model_card(project, "0")
    assert cards.table(["one"], [["<b>\n| x |"], [1234], [None]]).splitlines()[2:] == [
        r"| &lt;b&gt; \| x \| |", "| 1,234 |", "|  |"
    ]  # fmt: skip
    assert cards.table(["one"], [["a|`b`\nc"], [None]], code=["one"]).splitlines()[2:] == [r"| `a\|'b' c` |", "|  |"]
