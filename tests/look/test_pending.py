"""What `mathse check` says that a run would do."""

from pathlib import Path

import pytest
from dvc.repo import Repo

from mathse import layout
from mathse.look import pending
from mathse.look.pending import Pending
from mathse.tables.files import write_json

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what DVC imports
PIPELINE = """
stages:
  mix:
    cmd: cp in.txt mix.txt && true stages.mix 1
    params: [limit]
    deps: [in.txt]
    outs: [mix.txt]
  train:
    cmd: cp mix.txt model.txt && true stages.train 1
    deps: [mix.txt]
    outs: [model.txt]
  other:
    cmd: cp in.txt other.txt
    deps: [in.txt]
    outs: [other.txt]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {"dvc.yaml": PIPELINE, "params.yaml": "limit: 4", "in.txt": "a"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    Repo.init(str(tmp_path), no_scm=True).close()
    write_json(tmp_path / layout.stage_timings("mix-1"), {"seconds": 30.0})
    write_json(tmp_path / layout.timings("train-1"), {"seconds": 90.0})
    return tmp_path


def test_what_changed_runs_and_what_comes_after_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    first = pending.pending(project)
    assert first and {stage.stage for stage in first} == {"mix", "train", "other"}
    assert pending.summary(first).endswith("3 stages: 2.0 minutes at most by their last runs here; 1 has not run here")
    with Repo(str(project)) as repo:
        repo.reproduce()
    assert pending.pending(project) == []
    (project / "params.yaml").write_text("limit: 3", encoding="utf-8")
    assert pending.pending(project) == [
        Pending("mix", ("params.yaml: limit",), (), 30.0),
        Pending("train", (), ("mix",), 90.0),
    ]
    (project / "other.txt").unlink()
    stages = pending.pending(project)
    assert stages
    heading, rule, *lines = pending.lines(stages, 60)
    assert heading == "stage  why                     minutes"
    assert rule == "─" * len(heading)
    assert sorted(lines) == [
        "mix    params.yaml: limit          0.5",
        "other  other.txt is not there",
        "train  after mix                   1.5",
    ]


def test_a_folder_that_dvc_does_not_track_says_nothing(tmp_path: Path) -> None:
    assert pending.pending(tmp_path) is None
