"""The finished run that reports are made of."""

from tests.share.conftest import run as run
