"""A table at two git revisions, or at one and as it lies there now: what `mathse diff --rev` says of it.

Sample: `revisions(root)` -> [Revision("4f0c2a91...", "2026-03-01", "Round 3 reconsiders"), ...]
"""

import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from mathse.diff.compare import compare
from mathse.diff.document import Document, Options
from mathse.diff.names import Origin, find
from mathse.look.git import git
from mathse.view.filters import BadFilter

LISTED = 50
"""Revisions to choose from: the last ones that changed what a stage made."""
EXAMPLES = 5
_TITLE = 24
"""Characters of a commit's subject in a list."""
_REVISION = re.compile(r"[0-9A-Za-z][0-9A-Za-z_./~^-]{0,99}")


class Revision(NamedTuple):
    """A commit that changed `dvc.lock`."""

    name: str
    day: str
    subject: str

    @property
    def title(self) -> str:
        """What people choose by, short enough for a telephone."""
        return f"{self.name[:8]} {self.subject if len(self.subject) <= _TITLE else self.subject[: _TITLE - 2] + ' …'}"


def revisions(root: Path) -> list[Revision]:
    """The last commits that changed `dvc.lock`, newest first; none where there is no git."""
    lines = git(
        root, "log", f"--max-count={LISTED}", "--abbrev=12", "--format=%h%x09%cs%x09%s", "--", "dvc.lock"
    ).splitlines()
    return [Revision(*line.split("\t", 2)) for line in lines if line.count("\t") >= 2]


def commit(root: Path, name: str) -> str:
    """The hash (12 digits) of a revision that somebody names: a hash, branch or tag, also with `~2`.

    Raises:
        BadFilter: There is no such revision.
    """
    commit_hash = ""
    if _REVISION.fullmatch(name):
        commit_hash = git(
            root, "rev-parse", "--short=12", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
    if not commit_hash:
        raise BadFilter(f"no revision has the name {name[:80]!r}; `git log -- dvc.lock` lists those that have tables")
    return commit_hash


def comparison(root: Path, table: str, old: str, new: str | None) -> Document:
    """Compare a table at two revisions.

    Args:
        table: Its name, such as `mix@1`.
        old: A commit.
        new: Another one; None: what lies there now.

    Raises:
        DiffError: A revision has no such table, or its content is neither here nor in a remote.
    """
    with tempfile.TemporaryDirectory(prefix="mathse-view-") as folder:
        scratch = Path(folder)
        before, after = (find(table, Origin(root, None, revision), scratch) for revision in (old, new))
        return compare(before, after, Options(limit=EXAMPLES), scratch)
