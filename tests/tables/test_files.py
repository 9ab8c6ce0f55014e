from pathlib import Path

import pytest
from pydantic import BaseModel

from mathse.tables.files import sha256, whole_or_not_at_all, write_json


class Report(BaseModel):
    rows: int
    loss: float


def test_a_model_keeps_the_order_of_its_fields_and_a_mapping_is_sorted(tmp_path: Path) -> None:
    write_json(tmp_path / "new" / "report.json", Report(rows=3, loss=0.5))
    assert (tmp_path / "new" / "report.json").read_text() == '{\n  "rows": 3,\n  "loss": 0.5\n}\n'
    write_json(tmp_path / "given.json", {"b": {"d": "é", "c": 1}, "a": []})
    wanted = '{\n  "a": [],\n  "b": {\n    "c": 1,\n    "d": "é"\n  }\n}\n'
    assert (tmp_path / "given.json").read_text(encoding="utf-8") == wanted


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.json"
    write_json(file, {"rows": 1})

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_json(file, {"rows": 2})
    assert file.read_text() == '{\n  "rows": 1\n}\n'
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_takes_its_place_whole(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with whole_or_not_at_all(folder) as fresh:
        (fresh / "one").touch()
        assert not folder.exists()
    with pytest.raises(KeyboardInterrupt), whole_or_not_at_all(folder) as fresh:
        (fresh / "two").touch()
        raise KeyboardInterrupt
    assert [file.name for file in folder.iterdir()] == ["one"]
    (tmp_path / ".model.partial").mkdir()  # what a kill left
    (tmp_path / ".model.partial" / "half").touch()
    with whole_or_not_at_all(folder) as fresh:
        (fresh / "two").touch()
    assert [file.name for file in folder.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_hash_is_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty").startswith("e3b0c44298fc1c14")
