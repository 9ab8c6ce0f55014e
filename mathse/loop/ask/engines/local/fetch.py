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

from mathse import yaml_file
from mathse.errors import UserError
from mathse.loop.ask.engines.local.families import family_of, image_settings
from mathse.loop.ask.engines.local.fingerprint import model_fingerprint, require_model, write_lineage
from mathse.params import Pretrained
from mathse.params.sources import how_to_pin
from mathse.tables.files import whole_or_not_at_all

log = logging.getLogger(__name__)

WANTED = ("*.safetensors", "*.json", "*.txt", "*.jinja", "*.model", "README.md")
CODE = "*.py"
SPARE = 2**30
"""Bytes that must stay free beside what is fetched."""


class BaseError(UserError):
    """The base model cannot be fetched, or is not what params say of it."""


def fetch(base: Pretrained, out: Path) -> str:
    """Put the base model in its place, the folder `out`, which is replaced; returns what was fetched, in one line.

    Raises:
        BaseError: It is not there or cannot be reached, it does not fit on the disk, or it is not what
            `base.fingerprint` says.
        ImageLimitError: `base.image` does not suit it.
        ModelMissing: What is there is no model with safetensors weights.
    """
    patterns = (*WANTED, *([CODE] if base.trust_remote_code else []))
    source = Path(base.source).expanduser() if base.is_folder else _snapshot(base, patterns)
    if not source.is_dir():
        raise BaseError(f"base.from: there is no folder {base.source}")
    require_model(source)
    with whole_or_not_at_all(out) as fresh:
        size = _take(source, fresh, patterns)
        if base.fingerprint is not None and base.fingerprint != (actual := model_fingerprint(fresh)):
            raise BaseError(
                f"base.fingerprint: {base.source} is another model: {actual}, not {base.fingerprint}; point base.from "
                "at the one that is meant, or put in what was found if that is it"
            )
        _limit_images(base, fresh)
        licence = _licence(fresh / "README.md")
        # Not `fingerprint`: `model` says what it is, and to demand what is there already must not make other bytes.
        described = base.model_dump(mode="json", by_alias=True, exclude={"fingerprint"})
        fingerprint = write_lineage(fresh, {"name": "base", "licence": licence, **described})
    return f"{base.source}, {size / 2**30:.2f} GiB, licence {licence or 'not stated'}, fingerprint {fingerprint}"


def _snapshot(base: Pretrained, patterns: Sequence[str]) -> Path:
    """The folder of the hub's cache that holds the pinned revision, downloaded if it is not all there."""
    import huggingface_hub as hub
    from huggingface_hub import errors

    which: dict[str, Any] = {"revision": base.revision, "allow_patterns": list(patterns), "ignore_patterns": ["*/*"]}
    try:
        try:
            files = hub.snapshot_download(base.source, dry_run=True, **which)
            needed = sum(file.file_size or 0 for file in files if file.will_download)
            _check_room(Path(hub.constants.HF_HUB_CACHE), needed)
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
        cause = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BaseError(
            f"base.from: {base.source} at {base.revision} could not be fetched ({cause}). Files that have come are "
            f"kept: run the stage again to go on. On a machine with a network, `hf download {base.source} --revision "
            f"{base.revision} --local-dir FOLDER` makes a folder to carry over; then `base: {{from: ./FOLDER}}`"
        ) from error


def _check_room(place: Path, needed: int) -> None:
    """Refuse to begin what cannot end: `needed` bytes in a folder that may not be there yet."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if needed + SPARE > free:
        raise BaseError(
            f"base.from: needs {needed / 2**30:.1f} GiB and {SPARE / 2**30:.0f} GiB to spare at {place}, where "
            f"{free / 2**30:.1f} GiB are free; make room, or point HF_HOME at a larger disk"
        )


def _take(source: Path, fresh: Path, patterns: Sequence[str]) -> int:
    """Link or copy the files that a model needs; returns their bytes."""
    files = sorted({file for pattern in patterns for file in source.glob(pattern) if file.is_file()})
    size = sum(file.stat().st_size for file in files)
    if source.resolve().stat().st_dev != fresh.stat().st_dev:
        _check_room(fresh, size)
    for file in files:
        target = fresh / file.name
        if file.suffix == ".safetensors":
            with file.open("rb") as content:  # begins with its header's length (8 bytes), then JSON
                length, opening = int.from_bytes(content.read(8), "little"), content.read(1)
            if opening != b"{" or length > file.stat().st_size:
                raise BaseError(
                    f"{file}: not a safetensors file; if it is a pointer of Git LFS, `git lfs pull` there brings the "
                    "weights"
                )
            try:
                os.link(file.resolve(), target)
                continue
            except OSError:  # the file system has no hard links between these places
                pass
        shutil.copyfile(file, target)
    return size


def _limit_images(base: Pretrained, fresh: Path) -> None:
    """Write `base.image` into the image processor's settings."""
    limits = base.image.given()
    if not limits:
        return
    changes = family_of(fresh).limited(image_settings(fresh), limits)
    for name, nested in (("processor_config.json", True), ("preprocessor_config.json", False)):
        file = fresh / name
        whole = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        if whole is None or (nested and "image_processor" not in whole):
            continue
        settings = whole.get("image_processor", whole)
        settings.update(changes)
        for legacy in ("min_pixels", "max_pixels"):
            settings.pop(legacy, None)  # would win over `size`
        file.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    raise BaseError("base.image: the model has no settings of an image processor (preprocessor_config.json)")


def _licence(readme: Path) -> str | None:
    """The licence that a model card names in its head; None if it names none."""
    if not readme.is_file():
        return None
    parts = readme.read_text(encoding="utf-8", errors="replace").split("---", 2)
    try:
        head = yaml_file.parse(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    except yaml_file.NotYaml:
        return None
    licence = (head.get("license_name") or head.get("license")) if isinstance(head, dict) else None
    return str(licence) if licence else None
