"""Recorded solutions become distilled paths of the problems that they solve."""

import json
from pathlib import Path

import pytest

from mathse import layout, params
from mathse.loop.recorded import Recordings
from mathse.params import AdapterSource, Distill, FigureSource, Recording
from mathse.sources.ingest import ingest
from mathse.tables import store
from mathse.tables.schemas import Origin, PathKind, Problem
from mathse.tables.store import StoreError
from tests.shared_data import shared
from tests.sources.adapters.samples import chat, png, without_benchmarks

DRAWN = FigureSource(name="figures", seed=1, train=1, orm=1, test=1)


def row(number: int, reply: str = "Count them: 2 + 2 = 4.\nAnswer: 4") -> dict[str, object]:
    return chat(f"How many in {number}?", reply, image=f"{number}.png")


def project(root: Path, rows: list[dict[str, object]], label: str | None = None) -> Recording:
    """A run whose problems are those of the recording."""
    (root / "tabmwp" / "images").mkdir(parents=True)
    for number in range(9):
        (root / "tabmwp" / "images" / f"{number}.png").write_bytes(png(f"#00000{number}"))
    file = root / "tabmwp" / "distilled_cot.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    source = AdapterSource(name="tabmwp", path=root / "tabmwp", label=label)
    ingest(params.Problems(sources=(DRAWN, source)), without_benchmarks(root))
    return Recording(name="tabmwp", path=file, source=label)


def ids(root: Path) -> dict[str, str]:
    return {one.source_id: one.problem_id for one in store.scan(root / layout.ORIGINS, Origin)}


@pytest.mark.parametrize("label", [None, "tables"])
def test_each_problem_has_its_recorded_path(tmp_path: Path, label: str | None) -> None:
    recording = project(tmp_path, [row(0), row(1, "One.\nAnswer: 1")], label)
    known = ids(tmp_path)
    found = Recordings(Distill(fraction=1, samples=1, recorded=(recording,)), [known["0"], known["1"]], tmp_path)
    first, second = found.paths()

    assert found.solved == {known["0"], known["1"]}
    assert (first.problem_id, first.kind, first.author) == (known["0"], PathKind.DISTILLED, "recorded:tabmwp")
    assert (first.text, first.answer) == ("Count them: 2 + 2 = 4.\nAnswer: 4", "4")
    assert second.answer == "1"
    assert not found.left_out
    assert list(found.paths()) == [first, second]


@pytest.mark.parametrize("name", ["mathvl", "multimath", "mathv360k"])
@pytest.mark.parametrize("label", [None, "ours"])
def test_the_replies_of_chat_files_are_recorded_solutions(tmp_path: Path, name: str, label: str | None) -> None:
    (tmp_path / "chat").mkdir()
    rows = [{**row(0), "id": "a", "image": ""}, {**row(1, "Answer: 1"), "id": "b", "image": ""}]
    (tmp_path / "chat" / "chat.json").write_text(json.dumps(rows), encoding="utf-8")
    source = AdapterSource(name=name, path=tmp_path / "chat", label=label, licence="MIT")
    ingest(params.Problems(sources=(DRAWN, source)), without_benchmarks(tmp_path))
    recording = Recording(name=name, path=tmp_path / "chat", source=label)
    known = ids(tmp_path)
    found = Recordings(Distill(fraction=1, samples=1, recorded=(recording,)), known.values(), tmp_path)
    (path,) = found.paths()

    assert (path.problem_id, path.author, path.answer) == (known["a"], f"recorded:{name}", "4")
    assert found.left_out == {"no recorded solution": 1}


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    recording = project(tmp_path, [row(0), row(1), row(2, "No answer.")])
    known = ids(tmp_path)
    text = json.loads(recording.path.read_text())
    more = [*text, {**row(0, "Again.\nAnswer: 4"), "id": "0"}, row(8)]
    recording.path.write_text(json.dumps(more), encoding="utf-8")
    found = Recordings(Distill(fraction=1, samples=1, recorded=(recording,)), [known["0"]], tmp_path)

    assert [path.sample_idx for path in found.paths()] == [0]
    assert found.left_out == {
        "no final answer": 1,
        "recorded for a problem not distilled": 1,
        "recorded for no admitted problem": 2,
    }


def test_a_problem_has_no_more_paths_than_samples(tmp_path: Path) -> None:
    recording = project(tmp_path, [row(0)])
    known = ids(tmp_path)
    twice = Distill(fraction=1, samples=2, recorded=(recording, recording, recording))
    found = Recordings(twice, known.values(), tmp_path)
    assert [path.sample_idx for path in found.paths()] == [0, 1]
    assert found.left_out == {"recorded beyond distill.samples": 1}
    assert len({path.path_id for path in found.paths()}) == 2


def test_without_recordings_nothing_is_read(tmp_path: Path) -> None:
    found = Recordings(Distill(fraction=1, samples=1), ["p1"], tmp_path)
    assert not found.solved
    assert not list(found.paths())


def test_origins_have_to_be_there(tmp_path: Path) -> None:
    recording = Recording(name="tabmwp", path=tmp_path)
    with pytest.raises(StoreError, match=r"origins\.parquet: not found"):
        Recordings(Distill(fraction=1, samples=1, recorded=(recording,)), ["p1"], tmp_path)


def test_the_real_recording_solves_its_200_problems(tmp_path: Path) -> None:
    source = AdapterSource(name="tabmwp", path=shared("tabmwp"))
    counts = ingest(params.Problems(sources=(DRAWN, source)), without_benchmarks(tmp_path))
    assert counts.taken["tabmwp"] == 200
    problems = [one.problem_id for one in store.scan(tmp_path / layout.PROBLEMS, Problem) if one.source == "tabmwp"]
    recording = Recording(name="tabmwp", path=shared("tabmwp/distilled_cot.json"))
    found = Recordings(Distill(fraction=1, samples=1, recorded=(recording,)), problems, tmp_path)
    assert len(list(found.paths())) == len(problems) == 200
    assert not found.left_out
