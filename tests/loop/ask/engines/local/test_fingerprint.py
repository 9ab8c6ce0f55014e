from pathlib import Path

import pytest

from mathse.loop.ask.engines.local.fingerprint import LINEAGE, ModelMissing, model_fingerprint, write_lineage


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_it_does_not_depend_on_the_place(model: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    for file in sorted(model.iterdir(), reverse=True):
        (other / file.name).write_bytes(file.read_bytes())
    assert model_fingerprint(other) == model_fingerprint(model)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"])
def test_what_decides_a_text_changes_it(model: Path, name: str) -> None:
    before = model_fingerprint(model)
    (model / name).write_text("changed")
    assert model_fingerprint(model) != before


@pytest.mark.parametrize("name", [LINEAGE, "README.md", ".gitattributes", "training_args.bin"])
def test_what_only_describes_does_not(model: Path, name: str) -> None:
    before = model_fingerprint(model)
    (model / name).write_text("changed")
    assert model_fingerprint(model) == before


def test_the_lineage_file_has_sorted_keys_and_the_models_fingerprint(model: Path) -> None:
    fingerprint = write_lineage(model, {"name": "角", "from": "./x"})
    assert (
        (model / LINEAGE).read_text()
        == f'''{{
  "from": "./x",
  "model": "{fingerprint}",
  "name": "角"
}}
'''
    )
    assert fingerprint == model_fingerprint(model)


def test_contents_swapped_between_files_count(model: Path) -> None:
    before = model_fingerprint(model)
    first, second = model / "config.json", model / "tokenizer.json"
    texts = first.read_text(), second.read_text()
    second.write_text(texts[0])
    first.write_text(texts[1])
    assert model_fingerprint(model) != before


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_half_a_model_is_refused(model: Path, missing: str) -> None:
    (model / missing).unlink()
    with pytest.raises(ModelMissing, match="dvc repro"):
        model_fingerprint(model)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="models/0: there is no such model folder"):
        model_fingerprint(tmp_path / "models" / "0")
