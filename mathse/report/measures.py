"""The numbers that a report shows beside accuracy: each field of `Metrics` that is declared with what it is `shown` as.

    mean_characters: float = Field(ge=0, ..., json_schema_extra={"shown": "characters of a solution"})

A title that ends with `%` shows a share as a percentage. The table has a column, the page a picture and `mathse view` a
chart for each of them. Sample row of the plots' data:

    {"measure": "mean_characters", "title": "characters of a solution", "stage": "+ distilled", "value": 96.5}
"""

from collections.abc import Iterable
from typing import NamedTuple

from mathse.loop.evaluation.scores import Metrics


class Measure(NamedTuple):
    """A number that is shown: the field's name, and what readers are told it is."""

    name: str
    title: str


def declared(model: type[Metrics]) -> tuple[Measure, ...]:
    """The measures among a model's fields, in their order."""
    extras = {name: field.json_schema_extra for name, field in model.model_fields.items()}
    return tuple(
        Measure(name, str(extra["shown"]))
        for name, extra in extras.items()
        if isinstance(extra, dict) and "shown" in extra
    )


MEASURES = declared(Metrics)


def value(measure: Measure, metrics: Metrics) -> float | None:
    """A model's number as it is shown; None where it was not measured."""
    found: float | None = getattr(metrics, measure.name)
    return None if found is None else round(100 * found if measure.title.endswith("%") else found, 1)


def cells(metrics: Metrics) -> tuple[str, ...]:
    """A model's numbers, a cell for each measure."""
    return tuple("" if (one := value(measure, metrics)) is None else f"{one:,.1f}" for measure in MEASURES)


def rows(models: Iterable[tuple[str, Metrics]]) -> list[dict[str, str | int | float]]:
    """The plots' data: one row per measure and model.

    Args:
        models: What a model is called, and its metrics, in the order of the report.
    """
    found = [(measure, stage, value(measure, metrics)) for stage, metrics in models for measure in MEASURES]
    return [
        {"measure": measure.name, "title": measure.title, "stage": stage, "value": one}
        for measure, stage, one in found
        if one is not None
    ]
