"""The pages of a run as it is now: when its tables change, they are read anew beside the pages that are shown.

Requests are answered by the old pages until the new index stands, which takes a moment, or minutes at ten million rows.
"""

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from mathse.errors import UserError
from mathse.view import index
from mathse.view.changes import Changes
from mathse.view.decisions import Decisions
from mathse.view.edits import Edits
from mathse.view.pages import Pages
from mathse.view.site import Site
from mathse.view.tables import discover

log = logging.getLogger(__name__)

LOOK_SECONDS, AGAIN_SECONDS = 1.0, 30.0
"""Seconds after which the tables are looked at again; where they could not be read the last time."""


class Run:
    """Everything that is answered of a run in one state."""

    def __init__(self, site: Site) -> None:
        self.site, self.pages, self.changes, self.edits = site, Pages(site), Changes(site), Edits(site)


class Live:
    """Pages of a run that follow its tables.

    Args:
        root: The project's.
        decisions: What people say of its paths.
        notes: Sentences that stand above every page.

    Raises:
        UserError: The first index cannot be built.
    """

    def __init__(self, root: Path, decisions: Decisions, notes: Sequence[str] = ()) -> None:
        self._root, self._decisions, self._notes = root, decisions, notes
        self._run = self._read()
        self._looked = time.monotonic()
        self._turn = threading.Lock()
        self._building: threading.Thread | None = None

    @property
    def run(self) -> Run:
        """What to answer with; where tables have changed, new pages are made meanwhile."""
        with self._turn:
            idle = self._building is None or not self._building.is_alive()
            wait = LOOK_SECONDS if self._run.site.problem is None else AGAIN_SECONDS
            if idle and time.monotonic() - self._looked > wait:
                self._looked = time.monotonic()
                if self._run.site.are_stale():
                    self._building = threading.Thread(target=self._renew, daemon=True)
                    self._building.start()
            return self._run

    def _renew(self) -> None:
        try:
            self._run = self._read()
        except (UserError, OSError, duckdb.Error, pa.ArrowException, KeyboardInterrupt) as error:
            self._run.site.problem = str(error)
            log.warning("%s", error)

    def _read(self) -> Run:
        tables = discover(self._root)
        return Run(Site(self._root, tables, index.ensure(tables), self._decisions, self._notes))
