"""Matched rows compared value by value, column by column.

Two missing values are equal, a missing and a present one are not. In columns of numbers NaN is a missing value too, and
1 equals 1.0; where a column is text in one table and something else in the other, both are compared as text.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

Mask = npt.NDArray[np.bool_]


def differ(old: pl.Series, new: pl.Series) -> Mask:
    """Whether values differ, row by row.

    Args:
        old: Values of the earlier rows.
        new: Values of their counterparts, in the same order.
    """
    if old.dtype.is_numeric() and new.dtype.is_numeric():
        old, new = _without_nan(old), _without_nan(new)
    elif old.dtype != new.dtype:
        if not _is_text(old) and not _is_text(new):
            return (old.is_not_null() | new.is_not_null()).to_numpy()
        old, new = (series.cast(pl.String, strict=False) for series in (old, new))
    return (~old.eq_missing(new)).to_numpy()


def _without_nan(series: pl.Series) -> pl.Series:
    return series.fill_nan(None) if series.dtype.is_float() else series


def _is_text(series: pl.Series) -> bool:
    return series.dtype in (pl.String, pl.Categorical, pl.Enum)
