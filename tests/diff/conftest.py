"""The small finished run that the tests of `share` have too."""

from tests.share.conftest import run

__all__ = ["run"]
