"""The finished run that samples are taken of."""

from tests.share.conftest import run as run
