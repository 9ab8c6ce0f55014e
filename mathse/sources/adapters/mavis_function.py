"""MAVIS Function; see `mathse.sources.mavis` for its rows."""

from functools import partial

from mathse.sources import mavis
from mathse.sources.adapter import Adapter

ADAPTER = Adapter("mavis_function", partial(mavis.problem, subject="functions"))
