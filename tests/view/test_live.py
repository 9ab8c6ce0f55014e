"""Pages that follow a run while it goes on, and the other places that they can show."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathse import cli, layout
from mathse.progress import progress, shown_in
from mathse.tables import schemas, store
from mathse.view import folder, live, revisions
from mathse.view.filters import BadFilter
from mathse.view.running import Running, duration, running
from tests import rows
from tests.diff.test_revisions import committed, dvc, git
from tests.share.mixed import mixed
from tests.view.conftest import client_of, write_run

__all__ = ["mixed"]
ROOT = Path(__file__).parents[2]


def test_new_tables_are_shown_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.0)
    with client_of(write_run(tmp_path)) as client:
        before = client.get("/paths/count").text
        shown = client.get("/paths").text.split("/running?tables=")[1].split('"')[0]
        assert "HX-Trigger" not in client.get(f"/running?tables={shown}").headers
        store.write(tmp_path / layout.paths("3"), schemas.Path, [rows.path("new1", "p1", round=3)])
        end = time.monotonic() + 20
        while client.get("/paths/count").text == before:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert client.get("/path/new1").status_code == 200
        assert client.get(f"/running?tables={shown}").headers["HX-Trigger"] == "tables-changed"


def test_what_cannot_be_read_anew_is_said_and_the_old_pages_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.0)
    with client_of(write_run(tmp_path)) as client:

        def full(_: object) -> Path:
            raise store.StoreError("no room for the index")

        monkeypatch.setattr("mathse.view.live.index.ensure", full)
        store.write(tmp_path / layout.paths("3"), schemas.Path, [rows.path("new1", "p1", round=3)])
        end = time.monotonic() + 20
        while "no room for the index" not in (page := client.get("/paths")).text:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert page.status_code == 200 and "/path/r1" in page.text


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that looks like a stage at work."""
    program = "import sys; sys.stdin.read()"
    command = [sys.executable, "-c", program, "stages.paths"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_a_running_stage_says_how_far_it_is_and_how_long_it_takes(tmp_path: Path, stage: subprocess.Popen[str]) -> None:
    client = client_of(write_run(tmp_path))
    file = tmp_path / layout.running("paths 1")
    with shown_in(file, "paths 1"):
        with progress("rollout paths, round 1", 1000, resumed=200) as advance:
            advance(300)
            advance(100)
        content = json.loads(file.read_text())
        assert (content["stage"], content["done"], content["total"]) == ("paths 1", 200, 1000), "once a second"
        now = time.time()
        content |= {"pid": stage.pid, "done": 600, "since": now - 40, "at": now, "began": now - 60}
        file.write_text(json.dumps(content))
        (found,) = running(tmp_path)
        assert (found.share, found.seconds // 10) == (0.6, 6) and found.remaining in range(30, 41)
        text = client.get("/running").text
        assert "<b>paths 1</b>" in text and "600 of 1,000 (60 %), 0:" in text
        stage.kill()
        stage.wait()
        assert running(tmp_path) == [], "a stage that was killed does not run"
    assert not file.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"stage": 1}', '{"stage": "x", "pid": 1e999}', "\xff" * 9])
def test_what_is_no_state_of_a_stage_is_passed_over(tmp_path: Path, content: str) -> None:
    file = tmp_path / layout.running("x")
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert running(tmp_path) == []


def test_no_speed_no_time() -> None:
    about = Running(stage="x", pid=os.getpid(), began=0.0, at=1.0, since=0.0)
    assert about.model_copy(update={"total": 10}).remaining is None
    assert about.share == 0
    assert [duration(seconds) for seconds in (None, 26, 3723)] == ["", "0:26", "1:02:03"]


def test_a_step_that_is_done_says_so(tmp_path: Path) -> None:
    file = tmp_path / layout.running("x")
    with shown_in(file, "x"), progress("x", 3) as advance:
        advance(2)
        advance(1)
        assert json.loads(file.read_text())["done"] == 3


def test_a_stage_that_cannot_say_how_far_it_is_goes_on(tmp_path: Path) -> None:
    (tmp_path / ".mathse").write_text("a file where the folder should be")
    with shown_in(tmp_path / layout.running("x"), "x"), progress("x", 3) as advance:
        advance(3)


@pytest.fixture
def exported(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exports") / "out"
    assert cli.main(["-C", str(mixed), "export", "0", str(out), "--include-unshareable"]) == 0
    return out


def test_an_exported_folder_is_a_run(exported: Path, tmp_path: Path) -> None:
    assert folder.is_export(exported) and not folder.is_export(ROOT)
    assert folder.unpack(exported, tmp_path) == []
    (row, *_) = pq.read_table(exported / "data").slice(0, 1).to_pylist()
    with client_of(tmp_path) as client:
        page = client.get(f"/path/{row['path_id']}")
        assert page.status_code == 200 and row["problem_id"] in page.text
        assert client.get("/mix/0").status_code == 200
        assert "notice bad" not in page.text


def test_nothing_of_an_export_stays_behind(exported: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "mathse.cli", "view", str(exported), "--no-browser", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout and serving.stdout.readline().startswith("http://127.0.0.1:")
        assert list(scratch.iterdir()) != []
        serving.terminate()
        assert serving.wait(timeout=20) == 128 + signal.SIGTERM
    assert list(scratch.iterdir()) == []


def test_an_edited_folder_says_so_and_what_is_no_row_is_left_out(exported: Path, tmp_path: Path) -> None:
    edited = tmp_path / "edited"
    subprocess.run(["cp", "-r", exported, edited], check=True)
    (file,) = (edited / "data").glob("*.parquet")
    table = pq.read_table(file)
    content = table.to_pylist()
    content[0]["kind"] = "guessed"
    pq.write_table(pa.Table.from_pylist(content, schema=table.schema), file)
    said = folder.unpack(edited, tmp_path / "scratch")
    assert any("not as SHA256SUMS says" in sentence for sentence in said)
    assert any(sentence.startswith("1 row cannot be shown whole: kind") for sentence in said), said


def test_files_that_came_or_went_are_named(exported: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["cp", "-r", exported, other], check=True)
    (file,) = (other / "data").glob("*.parquet")
    moved = file.rename(file.with_name("more.parquet"))
    said = folder.unpack(other, tmp_path / "scratch")
    assert said == [
        f"{moved}: SHA256SUMS does not name it: put there since",
        f"{file}: SHA256SUMS names it, but it is not there",
    ]


@pytest.mark.parametrize("damage", ["not parquet", "no columns"])
def test_a_folder_that_is_no_export_is_refused(tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "data" / "train-00000-of-00001.parquet"
    file.parent.mkdir()
    if damage == "not parquet":
        file.write_bytes(b"PAR1")
    else:
        pq.write_table(pa.table({"x": [1]}), file)
    assert cli.main(["view", str(tmp_path), "--no-browser", "--port", "0"]) == cli.USER_ERROR
    assert str(file) in capsys.readouterr().err


def test_a_name_alone_does_not_decide(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["view", str(exported), "--who", "Ada", "--no-browser", "--port", "0"]) == cli.USER_ERROR
    assert "add --edit" in capsys.readouterr().err


def test_an_export_is_not_edited(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["view", str(exported), "--edit", "--who", "Ada", "--no-browser", "--port", "0"]) == cli.USER_ERROR
    assert "mathse import" in capsys.readouterr().err


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`abc`, then `bcde`, each with a `dvc.lock`; now `bcd`."""
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "--initial-branch", "main")
    dvc(folder, "init")
    for names in ("abc", "bcde"):
        (folder / "dvc.lock").write_text(f"# {names}\n")
        committed(folder, names)
    (folder / layout.paths("1")).unlink()
    store.write(folder / layout.paths("1"), schemas.Path, [rows.path(name) for name in "bcd"])
    return folder


def test_a_table_at_two_revisions(project: Path) -> None:
    newest, oldest = revisions.revisions(project)
    assert (newest.subject, oldest.subject) == ("bcde", "abc")
    with client_of(project) as client:
        page = client.get("/revisions").text
        assert oldest.title in page
        text = client.get(f"/revisions/difference?table=paths@1&a={oldest.name}&b={newest.name}").text
        assert "3 rows → 4" in text and "2 added, 1 removed" in text
        text = client.get("/revisions/difference?table=paths@1&a=main~1").text
        assert "3 rows → 3" in text and "1 added, 1 removed" in text


@pytest.mark.parametrize(
    "name", ["none", "--help", "-x", "a b", "", "HEAD:dvc.lock", "$(id)", "a" * 200, "main^{tree}"]
)
def test_only_commits_are_revisions(project: Path, name: str) -> None:
    with pytest.raises(BadFilter, match="no revision"):
        revisions.commit(project, name)


def test_without_git_there_are_no_revisions(tmp_path: Path) -> None:
    with client_of(write_run(tmp_path)) as client:
        assert "No commit has tables yet" in client.get("/revisions").text


def test_the_first_page_tells_what_changed(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    with client_of(write_run(tmp_path)) as client:
        page, story = client.get("/").text, client.get("/story?a=1&b=2").text
        assert 'hx-get="/story?a=1&amp;b=2"' in page
        assert "round 1 → round 2" in story and "3 → 43" in story and "40 rollouts of round 2" in story
        assert "there is no step or model of this name" in client.get("/story?a=1&b=none").text
