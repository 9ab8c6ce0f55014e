"""The licence of every source, from `licences.yaml` beside this file.

Sample: `licence("k12")`  ->  `Licence(spdx="Apache-2.0", training="yes", sharing="yes", ...)`
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mathse.errors import UserError

FILE = Path(__file__).with_name("licences.yaml")

_OPEN = (
    "0BSD AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 BSD-2-Clause BSD-3-Clause CC-BY-3.0 CC-BY-4.0 CC-BY-NC-4.0 "
    "CC-BY-NC-SA-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDLA-Permissive-2.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0-only "
    "GPL-3.0-or-later LGPL-3.0-only LGPL-3.0-or-later MIT MIT-0 MPL-2.0 ODbL-1.0 ODC-By-1.0 PDDL-1.0 Unlicense"
)
PER_ROW = "LicenseRef-per-row"
"""Of a source whose rows have each their own."""
OPEN = frozenset(_OPEN.split())
"""Licences whose text lets rows be changed, passed on and trained on; some bind whoever does so to conditions."""


class Licence(BaseModel):
    """What one source's licence is and allows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spdx: str = Field(pattern=r"[A-Za-z0-9.+-]+", description="SPDX identifier; LicenseRef-unknown if not known.")
    url: str = Field(pattern=r"https://.+", description="The page that states it, or the source's own.")
    training: Literal["yes", "no", "unknown"] = Field(description="Whether models may be trained on it.")
    sharing: Literal["yes", "no", "unknown"] = Field(description="Whether its rows may be passed on.")
    note: str = Field(default="", description="What else to know.")


@cache
def licences() -> Mapping[str, Licence]:
    """All licences, by source."""
    # Every value as text: YAML's own reading turns `yes` into a truth value.
    content = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return TypeAdapter(dict[str, Licence]).validate_python(content)


def licence(source: str) -> Licence:
    """The licence of a source.

    Raises:
        UserError: The file does not have it.
    """
    if source not in licences():
        raise UserError(f"{FILE.name}: no licence for source {source!r}; add its spdx, url, training and sharing")
    return licences()[source]


def strictest(sources: Iterable[str]) -> str:
    """The one of these sources whose licence allows least; of equals, the first.

    Whether rows may be passed on counts first, then whether models may be trained on them, then conditions: use that is
    not commercial, then the same licence for what is made of them.

    Args:
        sources: Names in the file, at least one.
    """

    def freedom(source: str) -> tuple[int, int, bool, bool]:
        stated, allows = licence(source), {"no": 0, "unknown": 1, "yes": 2}
        alike = "GPL" in stated.spdx or "-SA" in stated.spdx
        return allows[stated.sharing], allows[stated.training], "-NC" not in stated.spdx, not alike

    return min(sources, key=freedom)


def refusal(source: str, spdx: str) -> str | None:
    """Why rows of a source may not be shared for training: short and countable; None if they may.

    A row that carries another licence than its source's must pass under both. What is not known is refused.

    Args:
        source: The source's name; one that `licences.yaml` does not have is judged by the licence alone.
        spdx: The licence that the row carries; several, joined by AND, all have to allow it.
    """
    stated = licences().get(source)
    if stated is not None and stated.spdx != PER_ROW:
        for use, word in (("sharing", stated.sharing), ("training", stated.training)):
            if word != "yes":
                return f"licence forbids {use}" if word == "no" else f"licence is not known to allow {use}"
        if stated.spdx == spdx:
            return None
    known = set(spdx.split(" AND ")) <= OPEN
    return None if known else "licence is not known to allow sharing and training"
