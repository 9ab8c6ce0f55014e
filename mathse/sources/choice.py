"""Which rows of a source are taken, and which split each goes to; content decides, so that order never does.

A row that is not taken is a reject like any other, so that every row is accounted for: `not sampled`, `filtered by
language, zh`. Problems that share an image go to one split where they can: the image's id decides, not the question's.
"""

from dataclasses import dataclass

from mathse.params import AdapterSource, Filter, SplitShares
from mathse.sources.rows.raw import Faulty, Raw
from mathse.tables.schemas import Split, content_id

HELD_OUT = ("val", "validation", "dev", "test")
"""What sources call rows that are not meant for training."""
ANY = Filter()
FOR_TRAINING = SplitShares(train=1)


@dataclass(frozen=True)
class Choice:
    """What is taken of a source, and for what.

    Attributes:
        filter: What a row must be like.
        weight: Share of the problems that is taken.
        shares: Of each split.
        follow: Whether what the source says of a row's split is followed.
        seed: Another one takes and splits otherwise.
    """

    filter: Filter = ANY
    weight: float = 1
    shares: SplitShares = FOR_TRAINING
    follow: bool = True
    seed: int = 0

    @classmethod
    def of(cls, source: AdapterSource, seed: int) -> "Choice":
        """As params say."""
        return cls(source.filter, source.weight, source.split, source.source_split == "follow", seed)

    def check(self, raw: Raw) -> None:
        """Look at a row before its images are read.

        Raises:
            Faulty: It does not pass the filter.
        """
        wanted, subject = self.filter, raw.subject or raw.source
        if wanted.subjects and not any(word.casefold() in subject.casefold() for word in wanted.subjects):
            raise Faulty("filtered by subject", subject)
        if wanted.languages and raw.language not in wanted.languages:
            raise Faulty("filtered by language", raw.language)
        if (wanted.min_level or wanted.max_level) and not _within(raw.level, wanted.min_level or 1, wanted.max_level):
            raise Faulty("filtered by level", str(raw.level))
        if not _within(len(raw.question), wanted.min_question or 0, wanted.max_question):
            raise Faulty("filtered by length", f"{len(raw.question)} characters")
        if wanted.images and (wanted.images == "with") != bool(raw.images):
            raise Faulty("filtered by images", f"{len(raw.images)} images")

    def split(self, raw: Raw, problem_id: str, image_ids: tuple[str, ...]) -> Split:
        """What a problem is used for.

        Raises:
            Faulty: It is not taken, or there is no split for it.
        """
        if self.weight < 1 and _place("sample", self.seed, problem_id) >= self.weight:
            raise Faulty("not sampled", f"weight {self.weight:g}")
        own = raw.split if self.follow else None
        if own in HELD_OUT:
            return Split.TEST
        shares = [(Split.TRAIN, self.shares.train), (Split.ORM, self.shares.orm)]
        if own is None:
            shares.append((Split.TEST, self.shares.test))
        shares = [(split, share) for split, share in shares if share]
        if not shares:
            raise Faulty("no split", f"the source calls it {(own or '')[:40]}; split.train and split.orm are 0")
        if len(shares) == 1:
            return shares[0][0]
        place = _place("split", self.seed, min(image_ids, default=problem_id)) * sum(share for _, share in shares)
        for split, share in shares[:-1]:
            if place < share:
                return split
            place -= share
        return shares[-1][0]


class SourceSplits(Choice):
    """Every row, into the split that the source says, in our own words: `train`, `orm` or `test`."""

    def split(self, raw: Raw, problem_id: str, image_ids: tuple[str, ...]) -> Split:
        """The split that the source says."""
        return Split(raw.split or "")


def _within(value: int, least: int, most: int | None) -> bool:
    return least <= value and (most is None or value <= most)


def _place(what: str, seed: int, content: str) -> float:
    """Where between 0 and 1 something stands, by its content."""
    return int(content_id(what, seed, content)[:13], 16) / 16**13
