"""Every source's licence is known, or known to be unknown."""

import pytest

from mathse.errors import UserError
from mathse.sources.licences import Licence, canonical, licence, licences, refusal, strictest


def test_what_is_unknown_may_not_be_shared() -> None:
    unknown = [name for name, stated in licences().items() if stated.sharing == "unknown"]
    assert unknown
    assert all(refusal(name, licence(name).spdx) for name in unknown)


def test_a_known_licence() -> None:
    k12 = licence("k12")
    assert (k12.spdx, k12.sharing, k12.training) == ("Apache-2.0", "yes", "yes")


def test_a_source_without_a_line_is_an_error() -> None:
    with pytest.raises(UserError, match=r"licences\.yaml: no licence for source 'k13'; add"):
        licence("k13")


def test_a_word_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="sharing"):
        Licence.model_validate({"spdx": "MIT", "url": "https://x.org", "training": "yes", "sharing": "maybe"})


@pytest.mark.parametrize(
    ("licensed", "expected"),
    [
        (("k12", "geometry3k"), "k12"),
        (("k12", "tabmwp"), "tabmwp"),
        (("tabmwp", "chartqa"), "tabmwp"),
        (("k12", "chartqa"), "chartqa"),
        (("tabmwp", "unigeo"), "unigeo"),
        (("k12", ("mathvl", "MIT")), "k12"),
        ((("mathvl", "MIT"), "mathvl"), "mathvl"),
        (("k12", ("k12", "LicenseRef-mine")), ("k12", "LicenseRef-mine")),
        (("k12", ("k12", "CC-BY-NC-4.0"), ("mathse_export", "MIT")), ("k12", "CC-BY-NC-4.0")),
    ],
)
def test_the_strictest_licence_allows_least(
    licensed: tuple[str | tuple[str, str], ...], expected: str | tuple[str, str]
) -> None:
    pairs = [(one, licence(one).spdx) if isinstance(one, str) else one for one in (*licensed, expected)]
    assert strictest(pairs[:-1]) == pairs[-1]


def test_a_licence_is_spelled_as_its_list_spells_it() -> None:
    assert canonical("mit AND cc-by-4.0 AND LicenseRef-mine") == "MIT AND CC-BY-4.0 AND LicenseRef-mine"


@pytest.mark.parametrize(
    ("source", "spdx", "reason"),
    [
        ("k12", "Apache-2.0", None),
        ("k12", "LicenseRef-mine", "licence is not known to allow sharing and training"),
        ("unigeo", "LicenseRef-unknown", "licence is not known to allow sharing"),
        ("unigeo", "MIT", None),
        ("mathvl", "CC-BY-4.0", None),
        ("mathvl", "LicenseRef-unknown", "licence is not known to allow sharing"),
        ("mathse_export", "LicenseRef-per-row", "licence is not known to allow sharing and training"),
        ("my-own", "CC-BY-4.0", None),
        ("my-own", "CC-BY-ND-4.0", "licence is not known to allow sharing and training"),
        ("mathse_export", "MIT AND CC-BY-NC-SA-4.0", None),
        ("mathse_export", "MIT AND LicenseRef-unknown", "licence is not known to allow sharing and training"),
    ],
)
def test_what_may_be_shared(source: str, spdx: str, reason: str | None) -> None:
    assert refusal(source, spdx) == reason


def test_every_licence_of_our_own_that_allows_all_passes() -> None:
    open_ones = [name for name, stated in licences().items() if (stated.sharing, stated.training) == ("yes", "yes")]
    assert len(open_ones) > 4
    assert not [name for name in open_ones if refusal(name, licence(name).spdx)]
