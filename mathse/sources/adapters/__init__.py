"""Adapters: one file a source, real field names in, raw problems out.

An adapter is a function of a location, `read(location) -> Iterator[Raw | Reject]`; it streams, opens no image, and
yields exactly one of the two for each row of the source.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from mathse.sources.adapters import (
    chartqa,
    chat,
    geometry3k,
    geoqa_plus,
    k12,
    math_puma,
    mathse_export,
    mathv360k,
    mavis,
    tabmwp,
    unigeo,
)
from mathse.sources.raw import Raw, Recorded, Row
from mathse.tables.schemas import Reject

Adapter = Callable[[Path], Iterator[Raw | Reject]]

ADAPTERS: Mapping[str, Adapter] = {
    "chartqa": chartqa.read,
    "geometry3k": geometry3k.read,
    "geoqa_plus": geoqa_plus.read,
    "k12": k12.read,
    "math_puma": math_puma.read,
    "mathse_export": mathse_export.read,
    "mathv360k": mathv360k.read,
    "mathvl": chat.reader("mathvl"),
    "mavis_function": mavis.reader("mavis_function", "functions"),
    "mavis_geometry": mavis.reader("mavis_geometry", "geometry"),
    "multimath": chat.reader("multimath"),
    "tabmwp": tabmwp.read,
    "unigeo": unigeo.read,
}
"""Every adapter by its source's name, which is also its name in `licences.yaml`."""

HUB_ROWS: Mapping[str, Callable[[Row], Raw]] = {
    "chartqa": chartqa.problem,
    "geometry3k": geometry3k.problem,
    "k12": k12.problem,
    "math_puma": math_puma.problem,
    "mathv360k": chat.problem,
    "mathvl": chat.problem,
    "mavis_function": partial(mavis.problem, subject="functions"),
    "mavis_geometry": partial(mavis.problem, subject="geometry"),
    "multimath": chat.problem,
    "tabmwp": tabmwp.problem,
}
"""What makes a problem of a row of the hub's; GeoQA+ and UniGeo are pickles, which the hub has no rows of."""

RECORDED: Mapping[str, Callable[[Path], Iterator[Recorded | Reject]]] = {
    "mathse_export": mathse_export.recorded,
    "tabmwp": tabmwp.recorded,
}
"""Recorded solutions by name: of a location, one or a reject for each of its rows."""
