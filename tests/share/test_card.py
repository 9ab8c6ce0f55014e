import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from mathse.backbones.fingerprint import LINEAGE, model_fingerprint
from mathse.share.card import CARD, Published, model_card, stage_of, table
from mathse.tables import store
from mathse.tables.schemas import MixRow, Problem
from mathse.tables.schemas import Path as ReasoningPath
from mathse.training.lineage import history, write_lineage
from tests import rows
from tests.training.mixes import row

MIX = "data/mix/0.parquet"


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mix of three rows whose problems have two licences, and a base model."""
    monkeypatch.chdir(tmp_path)
    problems, paths = Path("data/problems/problems.parquet"), Path("data/distill/paths.parquet")
    of = [rows.problem(f"p{place}", licence="GPL-3.0-only" if place else "MIT", language="zh") for place in range(3)]
    store.write(problems, Problem, of)
    store.write(paths, ReasoningPath, [rows.path(model="a|teacher")], store.input_hashes([problems]))
    store.write(Path(MIX), MixRow, map(row, range(3)), store.input_hashes([problems, paths]))
    for name in ("base", "0"):
        folder = Path("models") / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_text(name)
    return tmp_path


def given(**changed: Any) -> dict[str, Any]:
    start = Path("models/base")
    return {
        "name": "0",
        "start": {"folder": "models/base", "fingerprint": model_fingerprint(start)},
        "mix": {"file": MIX, "hash": store.input_hashes([Path(MIX)])[MIX], "rows": 3},
        "settings": {"epochs": 2.0, "lora": None},
        "seed": 1,
        **changed,
    }


def written(**changed: Any) -> tuple[dict[str, Any], str]:
    made = given(**changed)
    write_lineage(Path("models/0"), {**made, **history(made)})
    lineage: dict[str, Any] = json.loads((Path("models/0") / LINEAGE).read_text())
    return lineage, (Path("models/0") / CARD).read_text()


def head(card: str) -> dict[str, Any]:
    """The metadata of a card, as the hub's own client reads it."""
    read: dict[str, Any] = ModelCard(card).data.to_dict()  # type: ignore[no-untyped-call]
    return read


def base_from_hub(licence: str | None) -> None:
    fetched = {"name": "base", "from": "Owner/Model", "revision": "a" * 40, "licence": licence}
    write_lineage(Path("models/base"), fetched)


def test_the_lineage_has_the_datasets_with_rows_and_who_wrote_them() -> None:
    lineage, _ = written()
    assert {file: one["rows"] for file, one in lineage["ancestry"]["datasets"].items()} == {
        "data/distill/paths.parquet": 1, MIX: 3, "data/problems/problems.parquet": 3
    }  # fmt: skip
    assert lineage["ancestry"]["datasets"]["data/distill/paths.parquet"]["by"] == ["a|teacher"]
    assert list(lineage["ancestry"]["prompts"]) == ["solve-brief@1"]
    assert list(lineage["ancestry"]["models"]) == ["models/base"]


def test_the_composition_counts_every_row_by_its_problems_licence() -> None:
    lineage, _ = written()
    assert [(one["licence"], one["language"], one["rows"]) for one in lineage["composition"]] == [
        ("GPL-3.0-only", "zh", 2), ("MIT", "zh", 1)
    ]  # fmt: skip


def test_the_same_inputs_give_the_same_bytes_and_the_card_no_other_fingerprint() -> None:
    before = model_fingerprint(Path("models/0"))
    first = written()
    assert written() == first
    assert model_fingerprint(Path("models/0")) == before


def test_without_its_ancestors_a_mix_is_told_by_hashes() -> None:
    Path("data/problems/problems.parquet").unlink()
    lineage, card = written()
    assert lineage["ancestry"]["datasets"]["data/problems/problems.parquet"]["rows"] is None
    assert [(one["source"], one["rows"]) for one in lineage["composition"]] == [(None, 3)]
    assert head(card)["license"] == "other"
    assert "it began with: not stated." in card


def test_a_base_that_was_built_has_no_card() -> None:
    write_lineage(Path("models/base"), {"name": "base"})
    assert not (Path("models/base") / CARD).exists()


@pytest.mark.parametrize(
    ("of_base", "of_rows", "expected"),
    [
        ("apache-2.0", "Apache-2.0", ("apache-2.0", None)),
        ("mit", "GPL-3.0-only", ("other", "see-training-data")),
        (None, "MIT", ("other", "see-training-data")),
        ("mit", "LicenseRef-unknown", ("other", "see-training-data")),
    ],
)
def test_a_licence_is_named_only_if_all_agree(of_base: str | None, of_rows: str, expected: tuple[str, str]) -> None:
    base_from_hub(of_base)
    store.write(
        Path("data/problems/problems.parquet"), Problem, [rows.problem(f"p{n}", licence=of_rows) for n in "012"]
    )
    inputs = store.input_hashes([Path("data/problems/problems.parquet")])
    store.write(Path(MIX), MixRow, map(row, range(3)), inputs)
    _, card = written()
    told = head(card)
    assert (told["license"], told.get("license_name")) == expected
    assert told["base_model"] == "Owner/Model"
    assert ("it began with: Apache-2.0." in card) == (expected[0] == "apache-2.0"), "spelt in two ways, named once"


def test_a_base_that_was_taken_says_from_where() -> None:
    card = model_card({"name": "base", "from": "./models/tiny", "licence": "apache-2.0", "model": "f" * 32})
    assert "A vision-language model, taken from `./models/tiny`, by" in card
    assert head(card)["license"] == "apache-2.0"
    assert "## Training" not in card


def test_the_head_is_the_hubs_metadata() -> None:
    _, card = written()
    told = head(card)
    assert told["pipeline_tag"] == "image-text-to-text"
    assert (told["library_name"], told["language"]) == ("transformers", ["zh"])
    assert "base_model" not in told, "it was built here and is not on the hub"
    assert {"mathse", "sft"} <= set(told["tags"])


def test_what_is_known_later_is_added() -> None:
    lineage, _ = written()
    card = model_card(lineage, Published(("Owner/Data",), "| model | accuracy |", {"model_name": "MathSE"}))
    assert head(card)["datasets"] == ["Owner/Data"]
    assert "## Results\n\n| model | accuracy |" in card


def test_an_older_lineage_file_gives_a_shorter_card() -> None:
    card = model_card({"name": "0", "model": "f" * 32, "packages": {"trl": "1"}, "mix": {"file": MIX, "hash": "0"}})
    assert head(card)["license"] == "other"
    assert "## Ancestry" not in card


def test_no_cell_ends_its_table() -> None:
    _, card = written()
    assert r"a\|teacher" in card
    assert table(["one"], [["<b>\n| x |"], [1234], [None]]).splitlines()[2:] == [
        r"| \<b\> \| x \| |", "| 1,234 |", "|  |"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["base", "student", "orm", "0", "1", "final"])
def test_the_stage_of_a_model_is_in_the_pipeline(name: str) -> None:
    import yaml

    stages = yaml.safe_load((Path(__file__).parents[2] / "dvc.yaml").read_text())["stages"]
    assert stage_of(name).partition("@")[0] in stages
