"""The numbers that a report shows beside accuracy: each field of `Metrics` that is declared with what it is `shown` as.

    mean_characters: float = Field(ge=0, ..., json_schema_extra={"shown": "characters of a solution"})

A title that ends with `%` shows a share as a percentage. The table has a column for each, the page and `mathse view` a
chart. Sample row of the plots' data:

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
    number: float | None = getattr(metrics, measure.name)
    return None if number is None else round(100 * number if measure.title.endswith("%") else number, 1)


def cells(metrics: Metrics) -> tuple[str, ...]:
    """A model's numbers, one cell per measure."""
    return tuple("" if (number := value(measure, metrics)) is None else f"{number:,.1f}" for measure in MEASURES)


def rows(models: Iterable[tuple[str, Metrics]]) -> list[dict[str, str | int | float]]:
    """The plots' data, one row per measure and model, from the models' titles and metrics."""
    return [
        {"measure": measure.name, "title": measure.title, "stage": title, "value": number}
        for title, metrics in models
        for measure in MEASURES
        if (number := value(measure, metrics)) is not None
    ]
