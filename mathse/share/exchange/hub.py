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
from mathse.share.exchange.folder import SUMS, digest
from mathse.share.exchange.lineage import LINEAGE
from mathse.share.exchange.shards import FOLDER, SPLIT

_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
STALE = [f"{FOLDER}/{SPLIT}-*.parquet"]
"""What an earlier export may have left in the repository."""


class HubError(UserError):
    """A folder cannot be pushed: its name is none, nobody is logged in, or the hub refuses."""


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
        api: The client; a new one, for the address in `HF_ENDPOINT`, if not given.

    Returns:
        The repository's address.

    Raises:
        HubError: Nobody is logged in, the hub refuses or cannot be reached, or rows that may not be shared would be
            public.
    """
    api = api or HfApi()
    try:
        url = str(api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True))
        if _holds_unshareable(folder) and not api.repo_info(repository, repo_type="dataset").private:
            raise HubError(
                f"{repository}: is public, and {folder} holds rows whose licence forbids that; nothing was pushed"
            )
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type="dataset",
            commit_message=f"mathse export, sums {digest(folder / SUMS)[:12]}",
            delete_patterns=STALE,
        )
    except LocalTokenNotFoundError as error:
        raise HubError("nobody is logged in at the hub: set HF_TOKEN, or run `hf auth login`") from error
    except HfHubHTTPError as error:
        raise HubError(f"{repository}: the hub refuses ({_said(error)})") from error
    except (httpx2.HTTPError, OSError) as error:
        raise HubError(
            f"{repository}: the hub cannot be reached ({type(error).__name__}); {folder} is complete"
        ) from error
    return url


def _holds_unshareable(folder: Path) -> bool:
    return bool(json.loads((folder / LINEAGE).read_text(encoding="utf-8"))["licences_overridden"])


def _said(error: HfHubHTTPError) -> str:
    status = getattr(error.response, "status_code", None)
    if status in (401, 403):
        return f"status {status}: set HF_TOKEN to a token that may write there, or run `hf auth login`"
    return " ".join(str(error).split())[:300]
