"""What README says of sharing: one project pushes its data, another imports a mix, sees an update, and compares."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mathse.tables import store
from mathse.tables.schemas import MixRow
from tests.installed import needs
from tests.share import toy

pytestmark = pytest.mark.slow

KEYS = {"AWS_ACCESS_KEY_ID": "key-of-the-test", "AWS_SECRET_ACCESS_KEY": "secret-of-the-test"}
"""A real remote's come from the environment too, and from nowhere else."""
ROOT = Path(__file__).parents[2]


class Shell:
    """Runs what a person would type, in the folders of two projects."""

    def __init__(self, home: Path, **environment: str) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GIT_"))},
            "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "e",
            "GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "e", "DVC_NO_ANALYTICS": "1", "DVC_STUDIO_OFFLINE": "1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": str(ROOT),
            **environment,
        }  # fmt: skip

    def __call__(self, folder: Path, *command: str, fails: bool = False) -> str:
        words = {"dvc": [sys.executable, "-m", "dvc"], "mathse": [sys.executable, "-m", "mathse.cli"]}
        whole = [*words.get(command[0], [command[0]]), *command[1:]]
        ran = subprocess.run(whole, cwd=folder, env=self._environment, capture_output=True, text=True, timeout=120)
        assert (ran.returncode != 0) == fails, f"{command}: {ran.stdout}\n{ran.stderr}"
        return ran.stdout + ran.stderr

    def without(self, names: dict[str, str]) -> "Shell":
        """The same without some of the environment."""
        bare = Shell(Path(self._environment["HOME"]))
        bare._environment = {name: value for name, value in self._environment.items() if name not in names}
        return bare


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    home = tmp_path / "home"
    home.mkdir()
    return Shell(home, **KEYS)


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A server on this machine that speaks S3, with a bucket."""
    needs("dvc_s3")
    needs("moto")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    names = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=url, **names)
    client.create_bucket(Bucket="mathse-mixes")
    client.close()
    yield url
    server.stop()


def share(shell: Shell, folder: Path) -> Path:
    """The first project, in git, its data in the remote `store` and nowhere else."""
    shell(folder, "dvc", "push", "-q")
    shell(folder, "git", "add", "-A")
    shell(folder, "git", "commit", "-qm", "A mix")
    shutil.rmtree(folder / ".dvc" / "cache")
    return folder


def prepared(shell: Shell, folder: Path, *remote: str) -> Path:
    folder.mkdir()
    shell(folder, "git", "init", "-q")
    toy.build(folder, in_git=True)
    shell(folder, "dvc", "remote", "add", "-q", "-d", "store", *remote)
    return folder


def one_more_row(shell: Shell, owner: Path) -> None:
    """The next version of the mix."""
    shutil.copytree(owner, owner.with_name("before"))
    with toy.within(owner):
        toy.write_mix([toy.mix_row("a1", "p1"), toy.mix_row("a2", "p2"), toy.mix_row("a3", "p2")])
    shell(owner, "dvc", "commit", "-q", "-f")
    share(shell, owner)


def imported_then_updated(shell: Shell, owner: Path, other: Path) -> None:
    """The walk through README's section."""
    other.mkdir()
    shell(other, "git", "init", "-q")
    shell(other, "dvc", "init", "-q")
    url = owner.as_uri()
    shell(other, "dvc", "import", url, "data/mix/0.parquet", "-o", "shared.parquet")
    mix = other / "shared.parquet"
    assert [row.path_id for row in store.read(mix, MixRow)] == ["a1", "a2"]
    shell(other, "git", "add", "-A")
    shell(other, "git", "commit", "-qm", "The mix as it is")
    assert "up to date" in shell(other, "dvc", "status")

    one_more_row(shell, owner)
    assert "update available" in shell(other, "dvc", "status")
    shutil.copy(mix, other / "before.parquet")
    shell(other, "dvc", "update", "shared.parquet.dvc")
    assert [row.path_id for row in store.read(mix, MixRow)] == ["a1", "a2", "a3"]
    assert "a3" in shell(other, "mathse", "diff", "before.parquet", "shared.parquet")

    shell(other, "dvc", "get", url, "data/mix/0.parquet", "--rev", "HEAD~1", "-o", "got.parquet")
    assert (other / "got.parquet").read_bytes() == (other / "before.parquet").read_bytes()


def test_a_mix_is_shared_through_a_folder(shell: Shell, tmp_path: Path) -> None:
    owner = share(shell, prepared(shell, tmp_path / "owner", str(tmp_path / "store")))
    imported_then_updated(shell, owner, tmp_path / "other")


def test_a_named_version_of_an_artifact_is_fetched(shell: Shell, tmp_path: Path) -> None:
    owner = share(shell, prepared(shell, tmp_path / "owner", str(tmp_path / "store")))
    shell(owner, "git", "tag", "-a", "first-mix@v1.0.0", "-m", "The first")
    one_more_row(shell, owner)
    shell(tmp_path, "dvc", "artifacts", "get", owner.as_uri(), "first-mix", "-o", "got.parquet")
    assert [row.path_id for row in store.read(tmp_path / "got.parquet", MixRow)] == ["a1", "a2"]


def test_a_mix_is_shared_through_s3_with_keys_from_the_environment_alone(
    shell: Shell, endpoint: str, tmp_path: Path
) -> None:
    owner = prepared(shell, tmp_path / "owner", "s3://mathse-mixes/store")
    shell(owner, "dvc", "remote", "modify", "store", "endpointurl", endpoint)
    assert "credentials" in shell.without(KEYS)(owner, "dvc", "push", fails=True)
    imported_then_updated(shell, share(shell, owner), tmp_path / "other")
    files = [file for place in ("owner", "other") for file in (tmp_path / place).rglob("*") if file.is_file()]
    assert not [file for file in files for key in KEYS.values() if key.encode() in file.read_bytes()]
