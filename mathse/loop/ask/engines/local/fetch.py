"""The base model that is taken as it is: from the Hugging Face hub at a pinned revision, or from a folder.

In: `base: {from: ..., revision: ...}`. Out: a model folder like any other, with a lineage file. What a model needs and
nothing else is taken: safetensors and text, no pickles; Python code only if `base.trust_remote_code` is set.

The hub's files go through its own cache (HF_HOME), where files that have come stay when a download breaks off, and are
linked from there where the file system allows, so that they lie on the disk once. `base.image` is written into the
image processor's settings, so that every model trained from this base and every engine sees images alike.

Sample of `lineage.json`: {"from": "Qwen/Qwen2-VL-2B-Instruct", "revision": "895c3a...", "licence": "apache-2.0", ...}

The default is `base: {from: ./models/tiny}`, which is kept in git: nothing is downloaded.
"""

import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from mathse.errors import UserError
from mathse.loop.ask.engines.local.families import family_of, image_settings
from mathse.loop.ask.engines.local.fingerprint import model_fingerprint, require_model, write_lineage
from mathse.params import Pretrained
from mathse.params.sources import how_to_pin

log = logging.getLogger(__name__)

WANTED = ("*.safetensors", "*.json", "*.txt", "*.jinja", "*.model", "README.md")
CODE = "*.py"
SPARE = 2**30
"""Bytes that must stay free beside what is fetched."""


class BaseError(UserError):
    """The base model cannot be fetched, or is not what params say of it."""


def fetch(base: Pretrained, out: Path) -> str:
    """Put the base model in its place.

    Args:
        base: Where from, and what to change in its image settings.
        out: Folder of the model; replaced if there is one.

    Returns:
        What was fetched, in one line.

    Raises:
        BaseError: It is not there or cannot be reached, it does not fit on the disk, or it is not what
            `base.fingerprint` says.
        ImageLimitError: `base.image` does not suit it.
        ModelMissing: What was found is no model with safetensors weights.
    """
    patterns = (*WANTED, *([CODE] if base.trust_remote_code else []))
    found = _folder(base) if base.is_folder else _snapshot(base, patterns)
    require_model(found)
    fresh = out.with_name(f".{out.name}.partial")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        size = _take(found, fresh, patterns)
        _check_fingerprint(base, fresh)
        _limit_images(base, fresh)
        licence = _licence(fresh / "README.md")
        # Not `fingerprint`: `model` says what it is, and to demand what is there already must not make other bytes.
        given = base.model_dump(mode="json", by_alias=True, exclude={"fingerprint"})
        fingerprint = write_lineage(fresh, {"name": "base", "licence": licence, **given})
        shutil.rmtree(out, ignore_errors=True)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return f"{base.source}, {size / 2**30:.2f} GiB, licence {licence or 'not stated'}, fingerprint {fingerprint}"


def _folder(base: Pretrained) -> Path:
    folder = Path(base.source).expanduser()
    if not folder.is_dir():
        raise BaseError(f"base.from: there is no folder {base.source}")
    return folder


def _snapshot(base: Pretrained, patterns: Sequence[str]) -> Path:
    """The folder of the hub's cache that holds the pinned revision, downloaded if it is not all there."""
    import huggingface_hub as hub
    from huggingface_hub import errors

    which: dict[str, Any] = {"revision": base.revision, "allow_patterns": list(patterns), "ignore_patterns": ["*/*"]}
    try:
        try:
            files = hub.snapshot_download(base.source, dry_run=True, **which)
            _check_room(Path(hub.constants.HF_HUB_CACHE), sum(one.file_size or 0 for one in files if one.will_download))
        except errors.DryRunError:
            log.info("%s: the hub is out of reach; looking in its cache on this machine", base.source)
        return Path(hub.snapshot_download(base.source, **which))
    except (errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError) as error:
        raise BaseError(
            f"base.revision: {base.source} has no commit {base.revision}; {how_to_pin(base.source)}"
        ) from error
    except (errors.GatedRepoError, errors.RepositoryNotFoundError) as error:
        raise BaseError(
            f"base.from: there is no public model {base.source} on the hub; if it is gated or private, accept its "
            "terms on its page and give a token in the environment variable HF_TOKEN"
        ) from error
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, OSError) as error:
        raise BaseError(_unreachable(base, error)) from error


def _unreachable(base: Pretrained, error: Exception) -> str:
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    return (
        f"base.from: {base.source} at {base.revision} could not be fetched ({said}). Files that have come are kept: "
        f"run the stage again to go on. On a machine with a network, `hf download {base.source} "
        f"--revision {base.revision} --local-dir FOLDER` makes a folder to carry over; then `base: {{from: ./FOLDER}}`"
    )


def _check_room(place: Path, needed: int) -> None:
    """Refuse to begin what cannot end.

    Args:
        place: Folder that will hold the files, there yet or not.
        needed: Bytes.
    """
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if needed + SPARE > free:
        raise BaseError(
            f"base.from: needs {needed / 2**30:.1f} GiB and {SPARE / 2**30:.0f} GiB to spare at {place}, where "
            f"{free / 2**30:.1f} GiB are free; make room, or point HF_HOME at a larger disk"
        )


def _take(found: Path, fresh: Path, patterns: Sequence[str]) -> int:
    """Link or copy the wanted files; returns their bytes."""
    files = sorted({file for pattern in patterns for file in found.glob(pattern) if file.is_file()})
    size = sum(file.stat().st_size for file in files)
    if found.resolve().stat().st_dev != fresh.stat().st_dev:
        _check_room(fresh, size)
    for file in files:
        if file.suffix == ".safetensors":
            _check_weights(file)
            _link(file.resolve(), fresh / file.name)
        else:
            shutil.copyfile(file, fresh / file.name)
    return size


def _check_weights(file: Path) -> None:
    """Refuse what only has the name of a weight file: it begins with its header's length (8 bytes), then JSON."""
    with file.open("rb") as handle:
        length, opening = int.from_bytes(handle.read(8), "little"), handle.read(1)
    if opening != b"{" or length > file.stat().st_size:
        raise BaseError(
            f"{file}: not a safetensors file; if it is a pointer of Git LFS, `git lfs pull` there brings the weights"
        )


def _link(file: Path, target: Path) -> None:
    """A hard link, or a copy where the file system has none between these places."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def _check_fingerprint(base: Pretrained, fresh: Path) -> None:
    """Hold what was taken to what params say it is."""
    if base.fingerprint is None:
        return
    taken = model_fingerprint(fresh)
    if taken != base.fingerprint:
        raise BaseError(
            f"base.fingerprint: {base.source} is another model: {taken}, not {base.fingerprint}; point base.from at "
            "the one that is meant, or put in what was found if that is it"
        )


def _limit_images(base: Pretrained, fresh: Path) -> None:
    """Write `base.image` into the image processor's settings."""
    wanted = base.image.given()
    if not wanted:
        return
    changed = family_of(fresh).limited(image_settings(fresh), wanted)
    file, whole = _settings_file(fresh)
    inner = whole.get("image_processor", whole)
    inner.update(changed)
    for legacy in ("min_pixels", "max_pixels"):
        inner.pop(legacy, None)  # would win over `size`
    file.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _settings_file(fresh: Path) -> tuple[Path, dict[str, Any]]:
    for name, nested in (("processor_config.json", True), ("preprocessor_config.json", False)):
        file = fresh / name
        if file.is_file():
            whole: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            if not nested or "image_processor" in whole:
                return file, whole
    raise BaseError("base.image: the model has no settings of an image processor (preprocessor_config.json)")


def _licence(readme: Path) -> str | None:
    """The licence that a model card names in its head; None if it names none."""
    if not readme.is_file():
        return None
    parts = readme.read_text(encoding="utf-8", errors="replace").split("---", 2)
    try:
        head = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    except yaml.YAMLError:
        return None
    named = (head.get("license_name") or head.get("license")) if isinstance(head, dict) else None
    return str(named) if named else None
