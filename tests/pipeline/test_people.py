"""People in the loop: one decides on paths, another corrects a row and trains on it, and it comes back.

Ada has the finished loop. Emmy has a project of her own, of a few figures that Ada does not have; what she is sent is
a part of Ada's mix. Both type what the documentation tells them to type.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import yaml
from datasets import load_dataset

from tests.browser import Browser, chromium
from tests.pipeline.clones import Clone, clone
from tests.pipeline.forks import Forks

pytestmark = pytest.mark.slow

ADA, EMMY = "Ada Lovelace", "Emmy Noether"
MATHSE = (sys.executable, "-m", "mathse.cli")
UNSURE = "select path_id from mix_final join verdicts using (path_id) order by confidence, path_id limit 3"
"""The rows of the final mix of which the judge is least sure."""


@pytest.fixture(scope="module")
def ada(loop: Clone, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The finished loop, committed."""
    folder = tmp_path_factory.mktemp("ada") / "mathse"
    shutil.copytree(loop.folder, folder, symlinks=True)
    return of_person(Clone(folder, forks.all), ADA, "The run")


@pytest.fixture(scope="module")
def emmy(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A project that has run nothing yet: other figures, a rule for a judge, and one step."""
    made = clone(tmp_path_factory.mktemp("emmy") / "mathse", forks=forks.all)
    file = made.folder / "params.yaml"
    params = yaml.safe_load(file.read_text(encoding="utf-8"))
    params["problems"]["sources"][0] |= {"seed": 8, "train": 6, "orm": 30, "test": 2}
    params["orm"] |= {"warmup_problems": 6}
    params["orm"]["train"] |= {"epochs": 1}
    params["train"] |= {"epochs": 1}
    params["mix"]["require"] = "rule"
    params["steps"], params["models"] = ({"0": params[section]["0"]} for section in ("steps", "models"))
    params["measured"] = ["0"]
    file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return of_person(made, EMMY, "My params")


def of_person(project: Clone, name: str, message: str) -> Clone:
    """The project with all of it committed by a person, whose name git has from then on."""
    for key, value in (("user.name", name), ("user.email", "tests@localhost")):
        project.run("git", "config", key, value)
    project.run("git", "add", "--all")
    project.run("git", "commit", "--quiet", "--message", message)
    return project


@contextmanager
def viewed(project: Clone) -> Iterator[tuple[Browser, str]]:
    """A browser at the address that `mathse view --edit` prints, and the address without its tokens."""
    command = [*MATHSE, "view", "--edit", "--no-browser", "--port", "0"]
    environment, out = project.environment(), subprocess.PIPE
    with (
        chromium() as browser,
        subprocess.Popen(command, cwd=project.folder, env=environment, stdout=out, text=True) as serving,
    ):
        try:
            assert serving.stdout is not None
            address = serving.stdout.readline().strip()
            browser.open(address)
            browser.wait("document.querySelector('main h1')")
            yield browser, address.partition("/?")[0]
        finally:
            serving.terminate()


def rows(project: Clone, table: str) -> dict[str, dict[str, object]]:
    """The rows of a table by path."""
    found = duckdb.read_parquet(str(project.folder / "data" / f"{table}.parquet")).to_arrow_table().to_pylist()
    return {row["path_id"]: row for row in found}


def test_what_is_tagged_in_the_browser_leaves_the_mix_and_is_in_the_story(ada: Clone) -> None:
    before = rows(ada, "mix/final")
    with viewed(ada) as (browser, address):
        browser.open(f"{address}/paths?round=final&mix=final")
        for key, tag in (("b", "bad"), ("b", "bad"), ("g", "good")):
            browser.press("j", key)
            browser.wait(f"document.activeElement.querySelector('.tag.{tag}')")
    taken = decisions(ada)
    assert [(line["tag"], line["who"]) for line in taken] == [("bad", ADA), ("bad", ADA), ("good", ADA)]
    *bad, good = (line["path_id"] for line in taken)

    printed = ada.dvc("repro", "mix@final")
    assert ada.ran(printed) == {"curation@orm", *(f"mix@{step}" for step in ("0", "1", "2", "final"))}
    assert before.keys() - rows(ada, "mix/final").keys() == set(bad)

    tagged = ", ".join(path_id[:8] for path_id in sorted(bad))
    story = words(ada.run(*MATHSE, "story", "2", "final"))
    assert "2 tagged bad" in story
    assert f"{ADA}: 2 bad ({tagged}): in neither mix" in story
    assert f"{ADA}: 1 good ({good[:8]}): in the mix now" in story
    since = words(ada.run(*MATHSE, "story", "final", "--rev", "HEAD"))
    assert "out 2 tagged bad" in since
    assert f"{ADA}: 2 bad ({tagged}): out of the mix now" in since
    assert f"{ADA}: 1 good ({good[:8]}): in both mixes" in since


def decisions(project: Clone) -> list[dict[str, str]]:
    """The lines of the file of decisions."""
    return [json.loads(line) for line in (project.folder / "data/curation.jsonl").read_text().splitlines()]


def fingerprint(project: Clone, model: str) -> str:
    """What names a model's weights."""
    return str(json.loads((project.folder / f"models/{model}/lineage.json").read_text(encoding="utf-8"))["model"])


def words(printed: str) -> str:
    """What was printed, on one line."""
    return " ".join(printed.split())


def test_a_row_edited_elsewhere_trains_there_is_traced_to_its_author_and_comes_back(
    ada: Clone, emmy: Clone, tmp_path: Path
) -> None:
    part = tmp_path / "unsure"
    assert "3 rows" in ada.run(*MATHSE, "export", "final", str(part), "--sql", UNSURE)
    parent, text = correct_one(part)
    assert "1 of them edited by Emmy Noether" in emmy.run(*MATHSE, "seal", str(part))

    printed = emmy.run(*MATHSE, "import", str(part), "--name", "ada")
    source, recording = re.findall(r"^  - (\{.+\})$", printed, re.MULTILINE)
    params = yaml.safe_load((emmy.folder / "params.yaml").read_text(encoding="utf-8"))
    emmy.edit_params(
        problems={"sources": [*params["problems"]["sources"], yaml.safe_load(source)]},
        distill={"recorded": [yaml.safe_load(recording)], "fraction": 1},
    )
    assert "train@0" in emmy.ran(emmy.dvc("repro", "train@0"))

    (edited,) = (row for row in rows(emmy, "mix/0").values() if row["kind"] == "edited")
    assert edited["completion"] == [{"role": "assistant", "content": text}]
    assert parent not in rows(emmy, "mix/0"), "the correction stands in its place"
    above = words(emmy.run(*MATHSE, "trace", parent[:8]))
    assert f"corrected by path {str(edited['path_id'])[:8]} edited 0, round {edited['round']}, by {EMMY} with" in above
    traced = words(emmy.run(*MATHSE, "trace", str(edited["path_id"])[:8]))
    assert f"path {edited['path_id']} edited 0, round {edited['round']}, by {EMMY} with" in traced
    assert f"corrects path {parent[:8]}" in traced
    assert "in data/mix/0.parquet" in traced
    assert f"trained models/0 {fingerprint(emmy, '0')[:8]}, from data/mix/0.parquet" in traced

    assert f"1 by {EMMY}" in ada.run(*MATHSE, "import", str(part))
    back = decisions(ada)[-1]
    assert (back["path_id"], back["tag"], back["text"], back["who"]) == (parent, "fixed", text, EMMY)


def correct_one(part: Path) -> tuple[str, str]:
    """Change the completion of the first row, as sharing.md has it done; returns its path and the new text."""
    data = load_dataset(str(part), split="train")
    first = data[0]
    text = f"Read from the figure once more.\nThe answer to this problem is {first['gold_answer']}."

    def better(path_id: str) -> dict[str, object]:
        return {"completion": [{"role": "assistant", "content": text}]} if path_id == first["path_id"] else {}

    data.map(better, input_columns=["path_id"]).to_parquet(part / "data" / "train-00000-of-00001.parquet")
    return first["path_id"], text
