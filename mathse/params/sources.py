"""Where the problems come from, which of them are taken, and what each is used for.

A source is drawn figures, or a data set that an adapter reads from a path or from the hub:

    {name: figures, seed: 7, train: 1000, orm: 1600, test: 450}
    {name: tabmwp, path: data/sources/tabmwp, weight: 0.5, split: {train: 0.6, orm: 0.3, test: 0.1}}
    {name: geometry3k, repository: hiyouga/geometry3k, revision: <40 hex digits>, hub_split: train, limit: 2000}
"""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from mathse.params.section import Count, Name, Section, Share, one_of
from mathse.registry import names

FILL_IN = "FILL-IN"
"""Stands in a preset where the user has to put the revision to be pinned."""
REVISION = re.compile(rf"[0-9a-f]{{40}}|{FILL_IN}")
SPDX = re.compile(r"[A-Za-z0-9.+-]{1,60}( AND [A-Za-z0-9.+-]{1,60}){0,9}")
"""A licence, or several that all hold."""
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")

SOURCES = Path(__file__).parent.parent / "sources"
ADAPTERS = "mathse.sources.adapters"


def adapter_names() -> tuple[str, ...]:
    """The adapters by name."""
    return names(ADAPTERS)


@cache
def recorded_names() -> tuple[str, ...]:
    """The adapters that have recorded solutions, whose licence `licences.yaml` has as `<name>_recorded`."""
    licences = (SOURCES / "licences.yaml").read_text(encoding="utf-8")
    return tuple(sorted(re.findall(r"^(\w+)_recorded:", licences, re.MULTILINE)))


AdapterName = Annotated[str, one_of(adapter_names)]
RecordedName = Annotated[str, one_of(recorded_names)]
Level = Annotated[int, Field(ge=1, lt=100)]


class FigureSource(Section):
    """Drawn figures (`mathse.synthetic`): problems per split, all distinct by content."""

    name: Literal["figures"]
    seed: int = Field(ge=0)
    train: Count
    orm: Count
    test: Count

    @property
    def source(self) -> str:
        """What its problems' `source` says."""
        return self.name


class Filter(Section):
    """Which rows of a source are taken: those that pass all that is given. The others are rejects, by reason."""

    subjects: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Words, one of which the row's subject has, in any case."
    )
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...] | None = Field(
        default=None, min_length=1, description="ISO 639-1, such as `en`."
    )
    min_level: Level | None = Field(default=None, description="Rows without a level do not pass.")
    max_level: Level | None = Field(default=None, description="Rows without a level do not pass.")
    min_question: Count | None = Field(default=None, description="Characters.")
    max_question: Count | None = Field(default=None, description="Characters.")
    images: Literal["with", "without"] | None = Field(default=None, description="Rows with, or without, an image.")

    @model_validator(mode="after")
    def something_passes(self) -> "Filter":
        """The least is not above the most."""
        for name in ("level", "question"):
            least, most = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if least is not None and most is not None and least > most:
                raise ValueError(f"min_{name}: {least} is above max_{name}, {most}: no row would pass")
        return self


class SplitShares(Section):
    """The shares of a source's problems that each split gets; which problem goes where its content decides."""

    train: float = Field(default=0, ge=0, le=1)
    orm: float = Field(default=0, ge=0, le=1)
    test: float = Field(default=0, ge=0, le=1)

    @model_validator(mode="after")
    def shares_add_up(self) -> "SplitShares":
        """Every problem has one split."""
        total = self.train + self.orm + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train, orm and test must add up to 1, but are {total:g}")
        return self


class AdapterSource(Section):
    """A data set in its own format, from a local path or from the Hugging Face hub."""

    name: AdapterName = Field(description="Its adapter; `mathse/sources/licences.yaml` has its licence by this name.")
    label: Name | None = Field(
        default=None, description="What its problems' `source` says, where one adapter is used twice; null: the name."
    )
    path: Path | None = Field(default=None, description="A file or a folder; best below data/sources/.")
    repository: str | None = Field(default=None, description="In place of a path: `owner/name` on the hub.")
    revision: str | None = Field(default=None, description="The repository's commit, 40 hex digits.")
    hub_split: str = Field(default="train", min_length=1, description="Which split of the repository is read.")
    licence: str | None = Field(
        default=None,
        description="SPDX identifier of its licence, or several joined by ` AND `, where that is not what "
        "`licences.yaml` says of the data set of this name: your own data in its form. Open licences can be shared.",
    )
    limit: Count | None = Field(default=None, description="Problems taken at most, the first that pass; null: all.")
    weight: Share = Field(
        default=1,
        description="Share of its problems that is taken, chosen by content and `problems.seed`: half the weight, half "
        "as many. Above 1 would repeat problems, which are stored once: lower the others' instead.",
    )
    filter: Filter = Filter()
    split: SplitShares = Field(
        default=SplitShares(train=1),
        description="What its problems are used for; problems with one image go to one split.",
    )
    source_split: Literal["follow", "ignore"] = Field(
        default="follow",
        description="follow: what the source itself calls val or test is test, and what it calls train is shared "
        "between train and orm; only rows of which it says nothing are shared among all. ignore: all rows are.",
    )

    @property
    def source(self) -> str:
        """What its problems' `source` says."""
        return self.label or self.name

    @property
    def is_filled_in(self) -> bool:
        """Whether the revision is given, where one is needed."""
        return self.revision != FILL_IN

    @field_validator("label")
    @classmethod
    def the_label_is_free(cls, label: str | None) -> str | None:
        """Drawn figures are known by their source's name."""
        if label == "figures":
            raise ValueError("is the name of the drawn figures; choose another")
        return label

    @field_validator("licence")
    @classmethod
    def the_licence_is_an_identifier(cls, licence: str | None) -> str | None:
        """Free words would be a licence that nobody knows."""
        if licence is not None and not SPDX.fullmatch(licence):
            raise ValueError(
                f"{licence[:60]!r} is no SPDX identifier, such as CC-BY-4.0 (https://spdx.org/licenses), nor "
                "`LicenseRef-` and a name of your own"
            )
        return licence

    @model_validator(mode="after")
    def one_place_is_named(self) -> "AdapterSource":
        """Rows come from one place, and a hub repository moves under its name while a commit does not."""
        if (self.path is None) == (self.repository is None):
            raise ValueError("give either path (a local file or folder) or repository (on the hub)")
        if self.path is not None and self.revision is not None:
            raise ValueError("revision: belongs to a repository, but path is given")
        if self.repository is not None:
            if not HUB_ID.fullmatch(self.repository):
                raise ValueError(f"repository: {self.repository!r} is no `owner/name`")
            if self.revision is None or not REVISION.fullmatch(self.revision):
                raise ValueError(
                    f"revision: must be the 40 hex digits of a commit; {how_to_pin(f'datasets/{self.repository}')}"
                )
        return self


def how_to_pin(hub_id: str) -> str:
    """Where the commit of a hub model, or of `datasets/owner/name`, is found."""
    return f"`git ls-remote https://huggingface.co/{hub_id} HEAD` prints the newest one"


def _which(source: Any) -> str:
    name = source.get("name") if isinstance(source, dict) else getattr(source, "name", None)
    return "<figures>" if name == "figures" else "<adapter>"


AnySource = Annotated[
    Annotated[FigureSource, Tag("<figures>")] | Annotated[AdapterSource, Tag("<adapter>")], Discriminator(_which)
]
"""Told apart by `name`."""


class Leakage(Section):
    """Problems that are items of the configured benchmarks, and what becomes of them."""

    remove: bool = Field(
        default=True,
        description="Leaks leave train and orm, as rejects with the reason `leak`; false: they are listed only.",
    )
    score: float = Field(
        default=5,
        gt=0,
        description="Shared runs of eight rare words, added up, that make two texts a leak; equal texts always are. "
        "1 finds a single shared run; below 5, small sets over-report.",
    )
    images: bool = Field(
        default=True, description="Whether an image alike is a leak by itself. Of drawn figures it never is."
    )


class Problems(Section):
    """The problems the loop learns from and is measured on."""

    sources: tuple[AnySource, ...] = Field(
        description="Their order counts: of problems that are equal in content the first source's stays, and an image "
        "belongs to the split of the first that brings it. The order of a source's files on disk does not count."
    )
    seed: int = Field(default=0, ge=0, description="Decides which problems a `weight` takes and how they are split.")
    max_pixels: int = Field(default=4_000_000, ge=1, description="Images with more pixels are rejected undecoded.")
    max_image_bytes: int = Field(default=20 * 2**20, ge=1, description="Larger image files are rejected unread.")
    max_images: Count = Field(default=16, description="Of one problem.")
    max_question: Count = Field(default=20_000, description="Characters; problems with longer questions are rejected.")

    leakage: Leakage = Leakage()

    @field_validator("sources")
    @classmethod
    def there_is_a_source(cls, sources: tuple[AnySource, ...]) -> tuple[AnySource, ...]:
        """Checked here, as a minimal length would be a second error beside that of a source which is wrong."""
        if not sources:
            raise ValueError("name at least one source")
        return sources

    @model_validator(mode="after")
    def sources_are_told_apart(self) -> "Problems":
        """A row is known by its source and its id within it."""
        seen: set[str] = set()
        for place, source in enumerate(self.sources):
            known = f"figures, seed {source.seed}" if isinstance(source, FigureSource) else source.source
            if known in seen:
                remedy = "another seed" if isinstance(source, FigureSource) else "a label of its own"
                raise ValueError(f"sources.{place}: {known} is there twice; give this one {remedy}")
            seen.add(known)
        return self
