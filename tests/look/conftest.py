"""The finished run that the tests of `share` have, to look at."""

from tests.share.conftest import run as run
