"""An export on the Hugging Face hub: committed, after which the repository holds what the folder holds.

The token is the client's own business (`HF_TOKEN`, or what `hf auth login` has stored): it is never read or shown here.
"""

import json
import re
from pathlib import Path

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

from mathse.errors import UserError
from mathse.share.folder import SUMS
from mathse.share.provenance import LINEAGE
from mathse.share.shards import SHARDS
from mathse.tables.files import sha256

_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


class HubError(UserError):
    """A folder cannot be pushed: the name is no repository's, nobody is logged in, or the hub refuses."""


def require_name(repository: str) -> None:
    """Check a repository's name before any work is done.

    Raises:
        HubError: It is not `owner/name`.
    """
    if not _NAME.fullmatch(repository):
        raise HubError(f"--push-to-hub {repository}: must be OWNER/NAME")


def push(folder: Path, repository: str, private: bool, api: HfApi | None = None) -> str:
    """Make the repository if there is none, and commit the folder.

    Args:
        folder: A finished export.
        repository: `owner/name`.
        private: Whether a new repository is private; one that exists stays as it is.
        api: The client; None: a new one, for the address in `HF_ENDPOINT`.

    Returns:
        The repository's address.

    Raises:
        HubError: Nobody is logged in, the hub refuses or cannot be reached, or rows that may not be shared would become
            public.
    """
    api = api or HfApi()
    try:
        url = str(api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True))
        unshareable = json.loads((folder / LINEAGE).read_text(encoding="utf-8"))["licences_overridden"]
        if unshareable and not api.repo_info(repository, repo_type="dataset").private:
            raise HubError(
                f"{repository}: is public, and {folder} holds rows whose licence forbids that; nothing was pushed"
            )
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type="dataset",
            commit_message=f"mathse export, sums {sha256(folder / SUMS)[:12]}",
            delete_patterns=[SHARDS],  # an earlier export may have had more of them
        )
    except LocalTokenNotFoundError as error:
        raise HubError("nobody is logged in at the hub: set HF_TOKEN, or run `hf auth login`") from error
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        why = " ".join(str(error).split())[:300]
        if status in (401, 403):
            why = f"status {status}: set HF_TOKEN to a token that may write there, or run `hf auth login`"
        raise HubError(f"{repository}: the hub refuses ({why})") from error
    except (httpx2.HTTPError, OSError) as error:
        raise HubError(
            f"{repository}: the hub cannot be reached ({type(error).__name__}); {folder} is complete"
        ) from error
    return url
