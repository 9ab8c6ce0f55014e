"""YAML within bounds: what is refused, what is not, and that every file of this project is read as before."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from mathse import params, processes, yaml_file
from mathse.errors import UserError
from mathse.look import dvc_lock
from mathse.params.training import Launch
from mathse.yaml_file import NotYaml, parse, read

ROOT = Path(__file__).parents[1]
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
ALIASES = f"a: &a {'[' * 40}x{']' * 40}\nb: &b {'[' * 40}*a{']' * 40}\n"
MERGES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 10)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("file", [*ROOT.glob("*.yaml"), *ROOT.glob("presets/**/*.yaml"), ROOT / "dvc.lock"], ids=str)
def test_the_files_of_this_project_are_read_as_before(file: Path) -> None:
    assert read(file) == yaml.safe_load(file.read_text(encoding="utf-8"))


def test_texts_stay_texts() -> None:
    assert parse("a: yes\nb: 1.0\n", as_texts=True) == {"a": "yes", "b": "1.0"}
    assert parse("") is None
    assert parse("revision: 2026-11-27\nday: 2026-99-99\n") == {"revision": "2026-11-27", "day": "2026-99-99"}
    assert parse("a: &x {b: 1}\nc: {<<: *x, b: 2}\nd: *x\n") == {"a": {"b": 1}, "c": {"b": 2}, "d": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("seed: 1\nbase: x\nseed: 2\n", "line 3: the key seed stands twice, first on line 1; remove one"),
        ("train: {lr: 1, lr: 2}", "line 1: the key lr stands twice"),
        ("a: [{b: 1, b: 1}]", "the key b stands twice"),
        ("1: a\n0x1: b", "the key 0x1 stands twice"),
        ('steps: {"0": 1, "0": 2}', "the key 0 stands twice"),
        ("a: &x {b: 1}\nc: {<<: *x, <<: *x}", "the key << stands twice"),
        (BOMB, "more than 200000 values"),
        (MERGES, "more than 200000 values"),
        ("a: &a [*a]", "an alias of what it lies in"),
        ("[" * 100_000, "more than 50 lists and mappings"),
        ("- " * 100_000 + "x", "more than 50 lists and mappings"),
        ("{a: " * 60 + "1" + "}" * 60, "more than 50 lists and mappings"),
        (ALIASES, "line 2: more than 50 lists and mappings one within another, through aliases"),
        ("seed: " + "9" * 5000, "line 1: 9999.*whole numbers go up to"),
        ("seed: 9223372036854775808", "whole numbers go up to 9223372036854775807"),
        ("seed: -0x8000000000000001", "whole numbers go up to"),
        ("a: 1" + ":59" * 10_000, "whole numbers go up to"),
        ("9" * 60 + ": 1", "whole numbers go up to"),
        ("a: 0x_", "not valid YAML: invalid literal"),
        ("0b_: 1", "not valid YAML: invalid literal"),
        ("a: 1" + ":59" * 400 + ".0", "not valid YAML: int too large"),
        ("a: !!python/object/apply:os.system ['touch x']", "line 1: a tag"),
        ("a: !!int x", "a tag"),
        ("? [a, b]\n: c", "a list or mapping as a key"),
        ("a: b\n---\nc: d", "not valid YAML: expected a single document"),
        ("a: [", "not valid YAML: .*line 2"),
        ("a: *b", "not valid YAML: found undefined alias"),
        ("a: \0", "not valid YAML"),
        ("x" * (yaml_file.LARGEST + 1), "too large"),
    ],
    ids=lambda value: value[:24],
)
def test_what_is_refused_says_where_and_why(text: str, why: str) -> None:
    began = time.process_time()
    with pytest.raises(NotYaml, match=f"(?s){why}") as caught:
        parse(text)
    assert time.process_time() - began < 2 and len(str(caught.value)) < 1000


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotYaml, match="cannot be read: Is a directory"):
        read(tmp_path)
    (tmp_path / "latin").write_bytes(b"a: \xe9\n")
    with pytest.raises(NotYaml, match=r"not valid YAML: .*utf-8"):
        read(tmp_path / "latin")
    with pytest.raises(NotYaml, match="too large"):
        read(Path("/dev/zero"))
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "gone")


@pytest.mark.parametrize("text", [BOMB, MERGES, "seed: 1\nseed: 2\n", "[" * 9999, "seed: " + "9" * 9999])
def test_params_and_lock_say_it_in_one_short_message(tmp_path: Path, text: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(params.ParamsError, match=r"params\.yaml: ") as caught:
        params.load(tmp_path / "params.yaml")
    assert len(str(caught.value)) < 1000
    with pytest.raises(dvc_lock.LockError, match=r"dvc\.lock: "):
        dvc_lock.read(tmp_path)


def test_a_large_value_is_not_printed_whole(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(f"seed: {list(range(9999))}\n")
    with pytest.raises(params.ParamsError, match=r"params\.yaml: seed: .*\[0, 1, 2.* \.\.\.\)") as caught:
        params.load(tmp_path / "params.yaml")
    assert max(map(len, str(caught.value).splitlines())) < 400


@pytest.mark.parametrize("value", [".inf", ".nan", "1.0e+999"])
def test_no_param_is_endless(tmp_path: Path, value: str) -> None:
    content = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(re.sub(r"epochs: [\d.]+", f"epochs: {value}", content))
    with pytest.raises(params.ParamsError, match=r"params\.yaml: .*epochs: Input should be a finite number"):
        params.load(tmp_path / "params.yaml")


def test_a_bomb_costs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(BOMB)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        "from pathlib import Path; from mathse import params\n"
        "try: params.load(Path('params.yaml'))\n"
        "except params.ParamsError as error: print(error)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert "more than 200000 values" in done.stdout, done.stderr


def test_accelerates_file_is_read_before_it_is_handed_on(tmp_path: Path) -> None:
    file = tmp_path / "fsdp.yaml"
    file.write_text("num_processes: 2\nnum_processes: 4\n")
    with pytest.raises(UserError, match=r"train\.launch\.config: .*fsdp\.yaml: line 2: the key num_processes stands"):
        processes.become_several(Launch(processes=2, config=file), 1, "stages.train", "0")
