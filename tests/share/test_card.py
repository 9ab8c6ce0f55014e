"""The model card: written for publishing, from lineage file, dvc.lock, tables and measurements."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from mathse import cli, layout
from mathse.loop.ask.engines.local.fingerprint import LINEAGE
from mathse.loop.evaluation import scores
from mathse.share import recorded
from mathse.share.card import table
from mathse.share.exchange import card as exported
from mathse.share.published import published_card
from mathse.tables import store
from mathse.tables.files import write_json
from mathse.tables.schemas import Path as ReasoningPath
from mathse.tables.schemas import Problem
from tests import rows
from tests.share import toy

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
    card = published_card(project, "0")
    assert "fine-tuned on 2 rows, from `models/base`" in card
    assert "| distilled | 0 | figures | CC0-1.0 | en | 1 |\n| distilled | 0 | figures | MIT | en | 1 |" in card
    assert "`data/mix/0.parquet` (content hash `hash of 0`)" in card
    assert re.search(r"\| `data/paths/0.parquet` \| 2 \| [0-9a-f]{32} \| teacher; solve-brief@1 \|", card)
    with toy.within(project):
        assert f"| `models/orm` | {toy.fingerprint('orm')} |" in card
    assert "| judge-brief@1 | " in card
    assert "| epochs | 2.0 |" in card and "Made with torch 2, trl 1." in card


def test_the_same_run_gives_the_same_card_by_any_name(project: Path) -> None:
    assert published_card(project, "0") == published_card(project, "models/0") == published_card(project, "0")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("0", "the distilled model"), ("orm", "the Outcome Reward Model"), ("base", "the base"),
    ],
)  # fmt: skip
def test_a_model_is_called_by_its_role(project: Path, name: str, title: str) -> None:
    shutil.copy(ROOT / "presets" / "default.yaml", project / "params.yaml")
    card = published_card(project, name)
    assert f"# MathSE: {title}\n" in card
    assert ("reward-model" in head(card)["tags"]) == (name == "orm")


@pytest.mark.parametrize("name", ["0", "orm", "base"])
def test_what_it_tells_to_run_is_a_stage_of_the_project(project: Path, name: str) -> None:
    from dvc.repo import Repo

    (stage,) = re.findall(r"^    dvc repro (\S+)$", published_card(project, name), re.MULTILINE)
    with toy.within(project), Repo(".") as repo:
        (found,) = repo.stage.collect(stage)
        assert [str(out.def_path) for out in found.outs] == [f"models/{name}"]
    (command,) = re.findall(r"^    mathse (lineage \S+ --check)$", published_card(project, name), re.MULTILINE)
    assert cli.main(["-C", str(project), *command.split()]) == 0


def test_the_stages_that_cards_of_this_run_name_are_in_its_pipeline() -> None:
    """Models, and the mixes that are exported."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    made = {path: one.stage for path, one in recorded.makers(ROOT).items() if path.startswith(("models/", "data/mix/"))}
    assert made
    for stage in made.values():
        assert stage.partition("@")[0] in stages


@pytest.mark.parametrize("stage", ["mix@final", None])
def test_the_card_of_a_dataset_names_the_stage_that_makes_it(stage: str | None) -> None:
    said = exported._reproduce({"mix": "final", "stage": stage, "git": None, "dvc": {}})
    assert ("dvc repro mix@final " in said) == (stage is not None)
    assert "mathse export final FOLDER" in said


def test_without_its_problems_a_mix_is_told_without_licences(project: Path) -> None:
    (project / layout.PROBLEMS).unlink()
    card = published_card(project, "0")
    assert "| distilled | 0 |  |  |  | 2 |" in card
    assert head(card)["license"] == "other"
    (project / toy.MIX).unlink()
    assert "it began with: not stated." in published_card(project, "0")


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
    card = published_card(project, "0")
    told = head(card)
    assert (told["license"], told.get("license_name")) == expected
    assert ("it began with: Apache-2.0." in card) == (expected[0] == "apache-2.0"), "spelt in two ways, named once"
    assert told["base_model"] == "Owner/Model"


def test_a_base_that_was_taken_says_from_where(project: Path) -> None:
    taken = {"name": "base", "from": "./models/tiny", "licence": "apache-2.0", "model": "f" * 32}
    (project / "models/base" / LINEAGE).write_text(json.dumps(taken))
    card = published_card(project, "base")
    assert "A vision-language model, taken from `./models/tiny`, by" in card
    assert head(card)["license"] == "apache-2.0"
    assert "## Training" not in card


def test_the_head_is_the_hubs_metadata(project: Path) -> None:
    told = head(published_card(project, "0"))
    assert told["pipeline_tag"] == "image-text-to-text"
    assert (told["library_name"], told["language"]) == ("transformers", ["en"])
    assert "base_model" not in told, "it was built here and is not on the hub"
    assert {"mathse", "sft"} <= set(told["tags"])


def test_the_licence_of_a_model_further_back_counts(project: Path) -> None:
    edit_lineage(project, "base", **{"from": "Owner/Model", "revision": "a" * 40, "licence": "GPL-3.0"})
    edit_lineage(project, "0", start={"folder": "models/orm", "fingerprint": "f" * 32})
    assert "began with: CC0-1.0, GPL-3.0, MIT." in published_card(project, "0")


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
    assert "ORM on 2 held-out paths" in published_card(run, "orm")


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
    assert r"a\|teacher" in published_card(project, "0")
    assert table(["one"], [["<b>\n| x |"], [1234], [None]]).splitlines()[2:] == [
        r"| \<b\> \| x \| |", "| 1,234 |", "|  |"
    ]  # fmt: skip
