"""The licence of every source, from `licences.yaml` beside this file.

Sample: `licence("k12")`  ->  `Licence(spdx="Apache-2.0", training="yes", sharing="yes", ...)`
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mathse import yaml_file
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
    return TypeAdapter(dict[str, Licence]).validate_python(yaml_file.read(FILE, as_texts=True))


def licence(source: str) -> Licence:
    """The licence of a source.

    Raises:
        UserError: The file does not have it.
    """
    if source not in licences():
        raise UserError(f"{FILE.name}: no licence for source {source!r}; add its spdx, url, training and sharing")
    return licences()[source]


def stated(source: str, spdx: str) -> Licence | None:
    """What the file says of a source, where the row of it that carries this licence is under the one in the file.

    A source may have a licence of its own in params: a user's own data in the form of a known data set.

    Args:
        spdx: An SPDX identifier; or several, joined by AND, of which the file's is one.
    """
    known = licences().get(source)
    return known if known is not None and known.spdx in spdx.split(" AND ") else None


def canonical(spdx: str) -> str:
    """The licence with the identifiers that are known here in their own spelling: `mit` is `MIT`."""
    spelling = {identifier.casefold(): identifier for identifier in OPEN}
    return " AND ".join(spelling.get(part.casefold(), part) for part in spdx.split(" AND "))


def _uses(source: str, spdx: str) -> tuple[str, str]:
    """Whether a source's row under a licence may be shared, and trained on: by the file, or by the licence alone."""
    known = licences().get(source)
    if known is not None and known.spdx == spdx != PER_ROW:
        return known.sharing, known.training
    return ("yes", "yes") if set(spdx.split(" AND ")) <= OPEN else ("unknown", "unknown")


def strictest(licensed: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The one of these sources with their licences that allows least; of equals, the first.

    Whether rows may be passed on counts first, then whether models may be trained on them, then conditions: use that is
    not commercial, then the same licence for what is made of them.

    Args:
        licensed: Source and SPDX expression, at least one.
    """

    def freedom(pair: tuple[str, str]) -> tuple[int, int, bool, bool]:
        (sharing, training), spdx = _uses(*pair), pair[1]
        allows = {"no": 0, "unknown": 1, "yes": 2}
        return allows[sharing], allows[training], "-NC" not in spdx, not ("GPL" in spdx or "-SA" in spdx)

    return min(licensed, key=freedom)


def refusal(source: str, spdx: str) -> str | None:
    """Why rows of a source may not be shared for training: short and countable; None if they may.

    A row that carries another licence than `licences.yaml` has of its source is judged by that licence alone. What is
    not known is refused.

    Args:
        source: The source's name.
        spdx: The licence that the row carries; several, joined by AND, all have to allow it.
    """
    sharing, training = _uses(source, spdx)
    if (sharing, training) == ("unknown", "unknown") and (stated(source, spdx) is None or spdx == PER_ROW):
        return "licence is not known to allow sharing and training"
    for use, word in (("sharing", sharing), ("training", training)):
        if word != "yes":
            return f"licence forbids {use}" if word == "no" else f"licence is not known to allow {use}"
    return None
