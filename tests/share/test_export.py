import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import datasets
import PIL.Image
import pytest
from huggingface_hub import DatasetCard

from mathse import layout
from mathse.errors import UserError
from mathse.share import shards
from mathse.share.columns import features
from mathse.share.export import export
from mathse.sources.images import from_bytes
from mathse.tables import schemas, store
from mathse.tables.schemas import Image, MixRow, Origin, Problem, Split
from tests.share.mixed import MARKUP, PATHS, PROBLEMS, write_run

SHARED = ("three", "chinese", "markup", "text")


def opened(folder: Path) -> datasets.Dataset:
    return datasets.load_dataset(str(folder), split="train", cache_dir=str(folder.parent / "cache"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_load_dataset_opens_it(mixed: Path, tmp_path: Path) -> None:
    counts = export(mixed, "mix@0", tmp_path / "out")
    rows = {row["path_id"]: row for row in opened(tmp_path / "out")}
    assert counts.rows == len(rows) == 4
    assert rows.keys() == {PATHS[name].path_id for name in SHARED}
    three = rows[PATHS["three"].path_id]
    seen = [image.convert("RGB").getpixel((5, 5)) for image in three["images"]]
    assert [max(range(3), key=colour.__getitem__) for colour in seen] == [0, 1, 2]
    assert three["prompt"] == [{"role": "user", "content": "Which of the three is larger?\nA. 60\nB. 70"}]
    assert three["completion"] == [{"role": "assistant", "content": PATHS["three"].text}]
    lineage = {"author": "solver", "prompt_id": "solve@1", "verdict": "CORRECT", "judge": "orm", "round": 0}
    assert lineage.items() <= three.items()
    assert (three["source"], three["licence"], three["kind"]) == ("figures", "Apache-2.0", "distilled")
    assert rows[PATHS["text"].path_id]["images"] == []


def test_conversations_have_one_token_an_image(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "mix@0", tmp_path / "out")
    for row in opened(tmp_path / "out"):
        first, second = row["conversations"]
        assert (first["role"], second["role"]) == ("user", "assistant")
        assert (first["content"] + second["content"]).count("<image>") == len(row["images"])
        assert first["content"].startswith("<image>" * len(row["images"]))
    asked = next(row for row in opened(tmp_path / "out") if row["path_id"] == PATHS["markup"].path_id)
    assert MARKUP in asked["completion"][0]["content"]


def test_llama_factorys_description_names_columns_that_are_there(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "0", tmp_path / "out")
    (described,) = json.loads((tmp_path / "out/dataset_info.json").read_text()).values()
    assert described["formatting"] == "sharegpt"
    assert set(described["columns"].values()) <= set(features())
    endings = {file.suffix for file in (tmp_path / "out" / described["file_name"]).iterdir()}
    assert endings == {".parquet"}
    tags = described["tags"]
    turns = [turn for row in opened(tmp_path / "out") for turn in row["conversations"]]
    assert {turn[tags["role_tag"]] for turn in turns} == {tags["user_tag"], tags["assistant_tag"]}


def test_rows_that_may_not_be_shared_stay_and_are_listed(mixed: Path, tmp_path: Path) -> None:
    counts = export(mixed, "0", tmp_path / "out")
    (left,) = [json.loads(line) for line in (tmp_path / "out/excluded.jsonl").read_text().splitlines()]
    assert counts.excluded == {"licence is not known to allow sharing": 1}
    assert left["path_id"] == PATHS["closed"].path_id
    assert (left["source"], left["licence"]) == ("unigeo", "LicenseRef-unknown")
    whole = b"".join(contents(tmp_path / "out").values())
    assert b"Whose is it?" not in whole


def test_the_override_is_recorded(mixed: Path, tmp_path: Path) -> None:
    counts = export(mixed, "0", tmp_path / "out", everything=True)
    assert (counts.rows, counts.unshareable) == (5, 1)
    assert "**Warning**: 1 rows" in (tmp_path / "out/README.md").read_text()
    assert json.loads((tmp_path / "out/lineage.json").read_text())["licences_overridden"]
    assert DatasetCard.load(tmp_path / "out/README.md").data["license"] == ["apache-2.0", "unknown"]


def test_the_strictest_of_several_origins_counts(mixed: Path, tmp_path: Path) -> None:
    origins = [
        Origin(problem_id=of.problem_id, source=of.source, source_id="1", licence=of.licence, split=Split.TRAIN)
        for of in PROBLEMS.values()
    ]
    more = [("three", "geoqa_plus", "LicenseRef-unknown"), ("text", "k13", "CC-BY-NC-SA-4.0")]
    origins += [
        Origin(problem_id=PROBLEMS[name].problem_id, source=source, source_id="2", licence=licence, split=Split.TRAIN)
        for name, source, licence in more
    ]
    store.write(mixed / layout.ORIGINS, Origin, origins)
    counts = export(mixed, "0", tmp_path / "out")
    assert counts.excluded.total() == 2
    licences = {row["path_id"]: row["licence"] for row in opened(tmp_path / "out")}
    assert PATHS["three"].path_id not in licences
    assert licences[PATHS["text"].path_id] == "Apache-2.0 AND CC-BY-NC-SA-4.0"


def test_the_card_shows_the_licence_that_the_rows_have(tmp_path: Path) -> None:
    rows = {"text": "k12", "closed": "mathvl", "chinese": "k12"}
    mixed = write_run(tmp_path / "mixed", list(rows))
    licences = {"text": "CC-BY-4.0", "closed": "MIT", "chinese": "Apache-2.0"}
    store.write(
        mixed / layout.PROBLEMS, Problem,
        [PROBLEMS[name].model_copy(update={"source": rows[name], "licence": licences[name]}) for name in rows],
    )  # fmt: skip
    counts = export(mixed, "0", tmp_path / "out")
    assert (counts.rows, counts.excluded) == (3, {})
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    for row in ("| k12 | CC-BY-4.0 |  |", "| mathvl | MIT |  |", "| k12 | Apache-2.0 | https://github.com/ModalMinds"):
        assert row in card
    sources = json.loads((tmp_path / "out/lineage.json").read_text())["sources"]
    assert sources["mathvl"] == {"rows": 1, "licences": ["MIT"], "stated": None}
    assert sources["k12"]["licences"] == ["Apache-2.0", "CC-BY-4.0"]
    assert sources["k12"]["stated"]["spdx"] == "Apache-2.0"


@pytest.mark.parametrize("stored_raw", [False, True])
def test_an_image_is_exported_as_models_were_shown_it(stored_raw: bool, tmp_path: Path) -> None:
    drawing = PIL.Image.new("RGBA", (56, 56), (0, 0, 0, 0))
    drawing.paste((0, 0, 0, 255), (20, 20, 30, 30))
    file = io.BytesIO()
    drawing.save(file, "PNG")
    image = from_bytes(file.getvalue(), 10**6)
    if stored_raw:
        digest = hashlib.sha256(file.getvalue()).hexdigest()
        image = Image(image_id=digest, data=file.getvalue(), format="PNG", width=56, height=56)
    mixed = write_run(tmp_path / "mixed", ["text"])
    store.write(mixed / layout.IMAGES, Image, [image])
    for table, model in ((layout.PROBLEMS, Problem), (layout.mix("0"), MixRow)):
        rows = store.read(mixed / table, model)
        store.write(mixed / table, model, [row.model_copy(update={"image_ids": (image.image_id,)}) for row in rows])
    export(mixed, "0", tmp_path / "out")
    (row,) = opened(tmp_path / "out")
    seen = row["images"][0].convert("RGB")
    assert (seen.getpixel((5, 5)), seen.getpixel((25, 25))) == ((255, 255, 255), (0, 0, 0))


def test_a_recorded_reply_has_the_licence_of_its_problem(tmp_path: Path) -> None:
    mixed = write_run(tmp_path / "mixed", ["text"])
    problem = PROBLEMS["text"].model_copy(update={"source": "mathvl", "licence": "MIT"})
    store.write(mixed / layout.PROBLEMS, Problem, [problem])
    file = mixed / layout.paths("0")
    written = [path.model_copy(update={"author": "recorded:mathvl"}) for path in store.read(file, schemas.Path)]
    store.write(file, schemas.Path, written)
    assert export(mixed, "0", tmp_path / "out").of("licence") == {"MIT": 1}


def test_none_may_be_shared(tmp_path: Path) -> None:
    mixed = write_run(tmp_path / "mixed", ["closed"])
    with pytest.raises(UserError, match=r"none of its 1 rows may be shared: 1 licence is not known.*licences\.yaml"):
        export(mixed, "0", tmp_path / "out")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mixed"]


def test_an_empty_mix(tmp_path: Path) -> None:
    mixed = write_run(tmp_path / "mixed", [])
    with pytest.raises(UserError, match=r"0\.parquet: holds no rows"):
        export(mixed, "0", tmp_path / "out")


def test_an_unknown_mix_names_the_known(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="mix@7: no such mix; there are: 0"):
        export(mixed, "mix@7", tmp_path / "out")


def test_the_mix_by_its_file(mixed: Path, tmp_path: Path) -> None:
    assert export(mixed, str(mixed / layout.mix("0")), tmp_path / "out").rows == 4


def test_a_path_that_is_in_no_table(mixed: Path, tmp_path: Path) -> None:
    (mixed / layout.paths("0")).unlink()
    with pytest.raises(UserError, match="no table of paths"):
        export(mixed, "0", tmp_path / "out")


def test_same_run_same_bytes(mixed: Path, tmp_path: Path) -> None:
    for out in ("a", "b"):
        export(mixed, "0", tmp_path / out)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_stage_and_the_hashes_of_dvcs_record_are_in_it(mixed: Path, tmp_path: Path) -> None:
    (mixed / "dvc.lock").write_text(
        "stages: {mix@0: {cmd: c, outs: [{path: data/mix/0.parquet, md5: 12ab}]},"
        " problems: {cmd: c, outs: [{path: data/problems, md5: 34cd.dir}]}}"
    )
    export(mixed, "mix@0", tmp_path / "out")
    lineage = json.loads((tmp_path / "out/lineage.json").read_text())
    assert lineage["stage"] == "mix@0"
    assert lineage["dvc"] == {"data/mix/0.parquet": "12ab", "data/problems": "34cd.dir"}
    assert lineage["files"]["data/mix/0.parquet"] == hashlib.sha256((mixed / layout.mix("0")).read_bytes()).hexdigest()
    assert "dvc repro mix@0 " in (tmp_path / "out/README.md").read_text()


def test_several_shards_are_one_data_set(mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "GROUP_ROWS", 1)
    export(mixed, "0", tmp_path / "out", shard_bytes=1)
    names = sorted(file.name for file in (tmp_path / "out/data").iterdir())
    assert names == [f"train-{place:05d}-of-00004.parquet" for place in range(4)]
    assert len(opened(tmp_path / "out")) == 4


def test_the_sums_are_sha256sums(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "0", tmp_path / "out")
    checked = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=tmp_path / "out", capture_output=True)
    assert checked.returncode == 0
    lines = (tmp_path / "out/SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in lines} == contents(tmp_path / "out").keys() - {"SHA256SUMS"}
    assert lines[0].split("  ")[0] == hashlib.sha256((tmp_path / "out/README.md").read_bytes()).hexdigest()


def test_the_card_is_metadata_and_text(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "0", tmp_path / "out")
    card = DatasetCard.load(tmp_path / "out/README.md")
    assert (card.data.license, card.data.language, card.data.size_categories) == ("apache-2.0", ["en", "zh"], "n<1K")
    assert card.data.configs == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
    ]
    info = datasets.DatasetInfo._from_yaml_dict(card.data["dataset_info"])
    assert info.features == features()
    assert info.splits["train"].num_examples == 4
    outside = card.text.split("````json")[0]
    assert "<script>" not in outside
    assert "| say \\`&lt;image&gt;\\` \\| " in outside


@pytest.mark.filterwarnings("ignore")  # those of mlcroissant's own libraries
def test_croissant_is_valid_and_yields_the_rows(mixed: Path, tmp_path: Path) -> None:
    import mlcroissant

    export(mixed, "0", tmp_path / "out")
    found = mlcroissant.Dataset(tmp_path / "out/croissant.json")
    assert not found.metadata.ctx.issues.errors
    records = list(found.records("rows"))
    assert {record["rows/path_id"].decode() for record in records} == {PATHS[name].path_id for name in SHARED}
    three = next(record for record in records if len(record["rows/images"]) == 3)
    assert three["rows/images"][0].size == (56, 56)
    assert three["rows/completion"][0]["rows/completion/content"].decode() == PATHS["three"].text


KILLED = """
import os, signal, sys
from pathlib import Path
from mathse.share import export
export.write_sums = lambda folder: os.kill(os.getpid(), signal.SIGKILL)
export.export(Path(sys.argv[1]), "0", Path(sys.argv[2]))
"""


def test_killed_while_it_writes(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, str(mixed), str(out)]
    assert subprocess.run(command, check=False, cwd=Path(__file__).parents[2]).returncode == -9
    assert not out.exists()
    export(mixed, "0", out)
    before = contents(out)
    assert subprocess.run(command, check=False, cwd=Path(__file__).parents[2]).returncode == -9
    assert contents(out) == before
    export(mixed, "0", out)
    assert contents(out) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "run"]
