"""What README and the pages of docs/ tell a reader to type, held to the code."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from mathse import cli, layout
from mathse.params import Params
from mathse.report import table
from mathse.tables import store
from mathse.tables.schemas import Leak, Message, MixRow, PathKind, Reject

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(file for file in (ROOT / "docs").glob("*.md") if file.name != "LOG.md")
TEXT = "\n".join([README, *(file.read_text(encoding="utf-8") for file in PAGES)])
QUERIES = [query for query in re.findall(r'mathse query "(.*?)"', TEXT, re.DOTALL) if query != "..."]
REPLACED = {"steps", "models", "orms", "measured", "mix", "base"}
"""Sections that the pages show whole; of the others it shows the keys to set."""
SECTIONS = (
    "steps|models|orms|measured|orm|reflect|mix|compute|inference|base|teacher|student|judge|train|further|prefer"
)
SHOWN = rf"(?:{SECTIONS}): *(?:\{{|\[|$|#)"
SNIPPETS = re.findall(rf"(?:^    {SHOWN}.*\n(?:^     +.*\n)*)+", TEXT, re.MULTILINE)
"""Stretches of params that the pages show, each to be put in together."""


@pytest.mark.parametrize("command", sorted(set(re.findall(r"(?:^    |`|\$ )mathse ([a-z]+)\b", TEXT, re.MULTILINE))))
def test_commands_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^    )make ([a-z]+)", TEXT, re.MULTILINE))))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", re.findall(r"^      ((?:[a-z/]+(?:/|\.py)(?:, )?)+)  ", README, re.MULTILINE))
def test_the_tree_names_what_is_there(name: str) -> None:
    assert all((ROOT / "mathse" / part).exists() for part in name.split(", "))


@pytest.mark.parametrize("file", re.findall(r"(?:mathse|stages|tests|docs)/[\w/]+\.(?:py|sql|svg|md)", TEXT))
def test_files_exist(file: str) -> None:
    assert (ROOT / file).exists()


def test_the_round_that_readme_adds_changes_no_row_before_it() -> None:
    (shown,) = re.findall(r"^    steps:\n(?:^    .*\n)+", README, re.MULTILINE)
    added, default = yaml.safe_load(shown), yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for section in ("steps", "models"):
        assert set(added[section]) - set(default[section]) == {"3"}
        before = {name: row for name, row in default[section].items() if name != "final"}
        assert {name: added[section][name] for name in before} == before, "they would be made anew"
    Params.model_validate(default | added)


def test_the_results_have_the_columns_of_the_report() -> None:
    heading = README.split("<!-- results -->\n")[1].splitlines()[0]
    assert heading == f"| {' | '.join(table.HEADINGS)} |"


@pytest.mark.parametrize("name", re.findall(r"`((?:qwen|internvl|glm|real|every)[\w.]*-[\w.-]+|smoke)`", TEXT))
def test_presets_exist(name: str) -> None:
    assert (ROOT / "presets" / f"{name}.yaml").is_file()


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_params_shown_are_valid(snippet: str) -> None:
    content: dict[str, Any] = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    sections = re.findall(r"^    \S.*\n(?:^     +.*\n)*", snippet, re.MULTILINE)
    together = len({section.split(":")[0] for section in sections}) == len(sections)  # else one or the other
    changed = content
    for section in sections:
        ((name, shown),) = yaml.safe_load(textwrap.dedent(section)).items()
        before = changed if together else content
        changed = before | {name: shown if name in REPLACED else before.get(name, {}) | shown}
        if not together:
            Params.model_validate(changed)
    Params.model_validate(changed)


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *PAGES):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            name, _, anchor = target.partition("#")
            file = page.parent / name if name else page
            assert file.is_file(), f"{page.name}: {target}"
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
            assert not anchor or anchor in [re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings]


def test_readme_is_short_enough_to_be_read() -> None:
    assert len(README.encode()) <= 12_000


def test_params_are_shown() -> None:
    assert sum(len(re.findall(r"^    \S", snippet, re.MULTILINE)) for snippet in SNIPPETS) >= 11


@pytest.mark.parametrize("query", QUERIES)
def test_queries_run(run: Path, query: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = Message(role="assistant", content="Said so.")
    row = MixRow(
        path_id="roll",
        problem_id="1abc1",
        kind=PathKind.ROLLOUT,
        round=1,
        image_ids=(),
        prompt=(said,),
        completion=(said,),
    )
    store.write(run / layout.mix("final"), MixRow, [row])
    leak = Leak(
        problem_id="1abc1", benchmark="b", item_id="1", kind="equal_text", score=1, shared="", question="",
        item_question="",
    )  # fmt: skip
    store.write(run / layout.LEAKS, Leak, [leak])
    store.write(run / layout.REJECTS, Reject, [Reject(source="k12", source_id="1", reason="empty answer")])
    assert cli.main(["-C", str(run), "query", query, "--csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 1
