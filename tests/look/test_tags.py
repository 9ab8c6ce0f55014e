"""`mathse tag`: what a shell says of paths, takes back and lists."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from mathse.cli import main
from mathse.commands.curate import SAYINGS
from mathse.curation import decisions
from mathse.look import catalogue, tags
from mathse.look.tags import TagError
from mathse.look.trace import trace
from mathse.tables.schemas import Tag
from tests.share.mixed import PATHS
from tests.share.mixed import mixed as mixed

TEXT, THREE = PATHS["text"], PATHS["three"]


def tag(project: Path, *words: str) -> int:
    return main(["-C", str(project), "tag", *words, "--who", "Ada"])


def test_a_path_is_tagged_by_the_first_digits_of_its_id(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tag(mixed, "bad", TEXT.path_id[:9], THREE.path_id, "--note", "reads 8\nas 3") == 0
    assert f"bad    {TEXT.path_id[:8]}  step 0  Ada" in capsys.readouterr().out
    said = decisions.current(mixed)
    assert {name: (said[name].tag, said[name].step, said[name].note) for name in said} == {
        TEXT.path_id: (Tag.BAD, "0", "reads 8\nas 3"), THREE.path_id: (Tag.BAD, "0", "reads 8\nas 3"),
    }  # fmt: skip
    assert (said[TEXT.path_id].problem_id, said[TEXT.path_id].round) == (TEXT.problem_id, TEXT.round)


def test_a_correction_comes_from_the_shell_a_file_or_the_standard_input(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "better.txt"
    file.write_text("Step 1: $\\frac{1}{2}$\nB.\n", encoding="utf-8")
    assert tag(mixed, "fixed", TEXT.path_id, "--file", str(file)) == 0
    assert decisions.current(mixed)[TEXT.path_id].text == "Step 1: $\\frac{1}{2}$\nB."
    assert tag(mixed, "fixed", TEXT.path_id, "--text", "B.") == 0
    assert decisions.current(mixed)[TEXT.path_id].text == "B."
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO("C \u2260 B.\n".encode())))
    assert tag(mixed, "fixed", TEXT.path_id, "--file", "-") == 0
    assert decisions.current(mixed)[TEXT.path_id].text == "C \u2260 B."


def test_what_counts_is_listed_and_taken_back(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(mixed), "tag", "list"]) == 0
    assert "nothing was said of any path yet" in capsys.readouterr().out
    tag(mixed, "good", TEXT.path_id)
    tag(mixed, "fixed", TEXT.path_id, "--text", "one\x1b[31m\ntwo")
    capsys.readouterr()
    assert main(["-C", str(mixed), "tag", "list"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[1:] == ["         one\\x1b[31m", "         two"] and "good" not in said
    assert tag(mixed, "undo", TEXT.path_id[:6]) == 0
    assert "undone: fixed" in capsys.readouterr().out
    assert [decision.tag for decision in decisions.current(mixed).values()] == [Tag.GOOD]


def test_a_note_takes_nothing_back_and_makes_nobody_an_author(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tag(mixed, "fixed", TEXT.path_id, "--text", "B.", "--note", "reads 8 as 3")
    before = decisions.current(mixed)[TEXT.path_id]
    bob = ["-C", str(mixed), "tag", "note", TEXT.path_id, "--note", "and 5\nas 6", "--who", "Bob"]
    assert main(bob) == 0
    assert tag(mixed, "note", TEXT.path_id) == 2, "nor does one that says nothing"
    assert decisions.current(mixed)[TEXT.path_id] == before
    capsys.readouterr()
    assert main(["-C", str(mixed), "tag", "list"]) == 0
    about, text, note = capsys.readouterr().out.splitlines()
    assert about.startswith("fixed") and "Ada" in about and about.endswith("reads 8 as 3") and text.strip() == "B."
    assert note.strip().startswith("note") and "Bob" in note and note.endswith("and 5 as 6")
    with catalogue.connect(mixed) as connection:
        assert connection.execute("select who, tag from curation union all select who, tag from notes").fetchall() == [
            ("Ada", "fixed"), ("Bob", "note"),
        ]  # fmt: skip
    assert [node.id for node in trace(mixed, TEXT.path_id).below if node.role == "tagged"] == [
        "fixed by Ada: reads 8 as 3", "note by Bob: and 5\nas 6",
    ]  # fmt: skip


def test_a_note_alone_is_listed_once(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for note in ("one", "two"):
        tag(mixed, "note", TEXT.path_id, "--note", note)
    capsys.readouterr()
    assert main(["-C", str(mixed), "tag", "list"]) == 0
    assert sorted(line.split()[-1] for line in capsys.readouterr().out.splitlines()) == ["one", "two"]


def test_several_are_taken_back_or_none(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tag(mixed, "bad", TEXT.path_id)
    assert main(["-C", str(mixed), "tag", "note", THREE.path_id, "--note", "hm", "--who", "Bob"]) == 0
    assert tag(mixed, "undo", TEXT.path_id, THREE.path_id) == 2
    assert f"path {THREE.path_id}: Ada has nothing to take back there" in capsys.readouterr().err
    assert len(decisions.read(mixed)) == 2


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["bad", "zzz"], "no path of a step whose id begins with 'zzz'"),
        (["bad", ""], "several ids begin with ''"),
        (["bad"], "name a path"),
        (["note", TEXT.path_id], "add --note"),
        (["fixed", TEXT.path_id], "`fixed` needs the corrected text"),
        (["good", TEXT.path_id, "--text", "x"], "`good` takes none"),
        (["fixed", TEXT.path_id, THREE.path_id, "--text", "x"], "one path at a time; name one id"),
        (["fixed", TEXT.path_id, "--text", TEXT.text], "says just this already"),
        (["fixed", TEXT.path_id, "--file", "nowhere.txt"], "cannot be read"),
        (["bad", TEXT.path_id, "zzz"], "begins with 'zzz'"),
        (["undo", TEXT.path_id], "nothing was said of"),
        (["undo", TEXT.path_id], "`mathse tag list` shows what was"),
        (["undo", TEXT.path_id, "--note", "no"], "undo: takes no --note"),
        (["list", TEXT.path_id], "list: takes no ids"),
    ],
)
def test_what_cannot_be_said_is_refused_and_nothing_written(
    words: list[str], fault: str, mixed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tag(mixed, *words) == 2
    assert fault in capsys.readouterr().err
    assert decisions.read(mixed) == []


def test_a_path_that_is_named_twice_is_decided_on_once(mixed: Path) -> None:
    assert tag(mixed, "bad", TEXT.path_id, TEXT.path_id[:9]) == 0
    assert len(decisions.read(mixed)) == 1


def test_every_tag_can_be_said() -> None:
    assert tuple(Tag) == SAYINGS


def test_who_it_is_comes_from_git_or_must_be_named(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "git", lambda *_: "Grace Hopper")
    assert tags.name_of(mixed, None) == "Grace Hopper"
    assert tags.name_of(mixed, "Ada") == "Ada"
    monkeypatch.setattr(tags, "git", lambda *_: "")
    with pytest.raises(TagError, match="--who NAME"):
        tags.name_of(mixed, None)
    for who, fault in ((" ", "nobody is named"), ("A" * 101, "at most 100 characters")):
        with pytest.raises(TagError, match=fault):
            tags.name_of(mixed, who)


def test_what_was_said_is_a_view(mixed: Path) -> None:
    tag(mixed, "bad", TEXT.path_id)
    with catalogue.connect(mixed) as connection:
        rows = connection.execute("select path_id, tag, who from curation join paths using (path_id)").fetchall()
    assert rows == [(TEXT.path_id, "bad", "Ada")]
