"""From raw problems to problems: images read, golds checked, each failure a reject with its reason.

In: what an adapter yields. Out: as many `Admitted` and `Reject` rows as came in. This is the first thing that happens
to a row: what a grader could never mark as right, or a model never see, must not reach the loop.

Duplicates by content have the same `problem_id`. They are admitted each with its own `Origin`; whoever merges them
keeps one problem and all origins (grain: problem, source, source id), so that no source is forgotten and the strictest
of their licences can be found.

Sample reject: `k12, 34a1463e, missing image, images/34a1463e.png: FileNotFoundError`
"""

import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import PIL.Image

from mathse.answers.grade import Grade, grade, grade_answer
from mathse.sources.choice import Choice
from mathse.sources.images import encode, from_bytes, id_of
from mathse.sources.rows import questions
from mathse.sources.rows.fields import as_gold
from mathse.sources.rows.raw import Faulty, ImageRef, Pixels, Raw, rejected
from mathse.tables.images import MISSING, TOO_LARGE, ImageError
from mathse.tables.schemas import MARKER, Image, Origin, Problem, Reject, Status

EVERYTHING = Choice()
NO_FOLDER = Path("/nonexistent")
"""Where the images of a source without a folder are looked for; its rows hold theirs."""
_DRAWN = 100_000
"""Pictures that were encoded here whose ids are remembered."""
_SHORT = 500
"""Characters of a gold answer and its choices below which its grade is remembered."""


@dataclass(frozen=True)
class Limits:
    """What a row may cost.

    Attributes:
        image_pixels: Width times height above which an image is not decoded.
        image_bytes: Size of an encoded image above which it is not read.
        images: Of one problem.
        question: Characters.
    """

    image_pixels: int = 4_000_000
    image_bytes: int = 20 * 2**20
    images: int = 16
    question: int = 20_000


@dataclass(frozen=True)
class Admitted:
    """A problem that passed, its images that were not known yet, and where it came from."""

    problem: Problem
    images: tuple[Image, ...]
    origin: Origin


def admit(
    raws: Iterable[Raw | Reject],
    folder: Path,
    licence: str,
    limits: Limits,
    choice: Choice = EVERYTHING,
    known: Callable[[str], bool] = lambda _: False,
) -> Iterator[Admitted | Reject]:
    """Check every row; rejects that come in go out as they are.

    Args:
        folder: The source's folder, out of which no image path may lead.
        licence: SPDX identifier of the source's licence.
        choice: Which rows are taken, and for which split.
        known: Whether an image of this id is stored already, and need not be decoded again.
    """
    images = _Images(folder.resolve(), limits, known)
    for raw in raws:
        if isinstance(raw, Reject):
            yield raw
            continue
        try:
            yield _admitted(raw, images, licence, limits, choice)
        except Faulty as fault:
            yield rejected(raw.source, raw.source_id, fault.reason, fault.detail)


def _admitted(raw: Raw, images: "_Images", licence: str, limits: Limits, choice: Choice) -> Admitted:
    """A row that passes.

    Raises:
        Faulty: It does not.
    """
    choice.check(raw)
    if len(raw.question) > limits.question:
        raise Faulty("question too long", f"{len(raw.question)} characters, at most {limits.question}")
    if len(raw.images) > limits.images:
        raise Faulty("too many images", f"{len(raw.images)}, at most {limits.images}")
    named = set(questions.placeholders(raw.question))
    if named and named != set(range(1, len(raw.images) + 1)):
        raise Faulty("placeholders do not match images", f"{sorted(named)} of {len(raw.images)} images")
    question = questions.without_placeholders(raw.question)
    if not question:
        raise Faulty("empty question")
    answer = gold_of(raw)
    rows = [images.admit(ref) for ref in raw.images]
    image_ids = tuple(image_id for image_id, _ in rows)
    problem_id = Problem.id_for(question, raw.choices, answer, image_ids)
    split, licence = choice.split(raw, problem_id, image_ids), raw.licence or licence
    problem = Problem(
        problem_id=problem_id,
        source=raw.source,
        source_id=raw.source_id,
        licence=licence,
        split=split,
        question=question,
        choices=raw.choices,
        answer=answer,
        solution=raw.solution,
        image_ids=image_ids,
        subject=raw.subject or raw.source,
        level=raw.level,
        language=raw.language,
    )
    origin = Origin(problem_id=problem_id, source=raw.source, source_id=raw.source_id, licence=licence, split=split)
    return Admitted(problem, tuple(image for _, image in rows if image), origin)


def gold_of(raw: Raw) -> str:
    """The gold answer as we keep it: an option's letter where there are options.

    Raises:
        Faulty: It says that there is none (`see solution`), does not pass its own grader, or is none of the options.
    """
    if not raw.answer.strip():
        raise Faulty("empty answer")
    answer = as_gold(raw.answer.strip(), "answer")
    if not raw.choices and questions.is_no_answer(answer):
        raise Faulty("gold is no answer", repr(answer[:80]))
    gold = _letter(answer, raw.choices) if raw.choices else answer
    short = len(gold) + sum(map(len, raw.choices)) < _SHORT
    own = (_own_grade if short else _own_grade.__wrapped__)(gold, raw.choices)
    if own.status is not Status.CORRECT:
        raise Faulty("gold fails its own grader", f"{gold[:80]!r}: {own.reason}")
    return gold


@lru_cache(maxsize=16_384)
def _own_grade(gold: str, choices: tuple[str, ...]) -> Grade:
    """What the grader says of a solution that ends with the gold answer."""
    return grade(gold, f"{MARKER} {gold}.", choices)


def _letter(answer: str, choices: tuple[str, ...]) -> str:
    """The letter of the option that the gold answer is, given by letter or by value."""
    if len(choices) < 2 or len(choices) > len(questions.LETTERS):
        raise Faulty("number of choices", str(len(choices)))
    if not all(choice.strip() for choice in choices):
        raise Faulty("empty choice")
    named = questions.letter(answer)
    if named and questions.LETTERS.index(named) < len(choices):
        return named
    right = [place for place, choice in enumerate(choices) if choice.strip() == answer.strip()] or [
        place for place, choice in enumerate(choices) if grade_answer(choice, answer).status is Status.CORRECT
    ]
    if not right and (both := questions.labelled(answer)) is not None and both[0] in questions.LETTERS[: len(choices)]:
        place = questions.LETTERS.index(both[0])
        right = [place] if grade_answer(choices[place], both[1]).status is Status.CORRECT else []
    if not right:
        raise Faulty("gold is not among the choices", f"{answer[:80]!r}")
    if len({choices[place] for place in right}) > 1:
        raise Faulty("gold fits several choices", f"{answer[:80]!r}")
    return questions.LETTERS[right[0]]


def picture(ref: ImageRef, folder: Path, limits: Limits) -> Image:
    """An image as it is stored.

    Args:
        folder: The source's folder, resolved, out of which no path may lead.
        limits: What an image may cost.

    Raises:
        Faulty: It is missing, unreadable, too large or outside of the folder.
    """
    _, image = _Images(folder, limits, lambda _: False).admit(ref)
    assert image is not None
    return image


@dataclass(frozen=True)
class _Images:
    """The images of one source, of which some are known already."""

    folder: Path
    limits: Limits
    known: Callable[[str], bool]
    drawn: dict[bytes, str] = field(default_factory=dict)  # ids by hash of pixels, so that none are encoded twice
    encoded: dict[str, str] = field(default_factory=dict)  # ids of pictures by those of files that were encoded anew

    def admit(self, ref: ImageRef) -> tuple[str, Image | None]:
        """An image's id, and the image itself if it is not known yet.

        Raises:
            Faulty: It is missing, unreadable, too large or outside of the folder.
        """
        try:
            if isinstance(ref, Pixels):
                return self._drawn(ref)
            data = ref if isinstance(ref, bytes) else self._file(ref)
            if len(data) > self.limits.image_bytes:
                raise Faulty("too many bytes", f"{len(data)}, at most {self.limits.image_bytes}")
            file_id = id_of(data)
            image_id = self.encoded.get(file_id, file_id)
            if self.known(image_id):
                return image_id, None
            image = from_bytes(data, self.limits.image_pixels)
            if image.image_id != file_id:
                if len(self.encoded) == _DRAWN:
                    self.encoded.clear()
                self.encoded[file_id] = image.image_id
            return image.image_id, image
        except ImageError as error:
            raise Faulty(error.reason, error.detail) from None

    def _drawn(self, pixels: Pixels) -> tuple[str, Image | None]:
        form = f"{pixels.mode} {pixels.width} {pixels.height} ".encode()
        digest = hashlib.blake2b(form + pixels.data, digest_size=16).digest()
        image_id = self.drawn.get(digest)
        if image_id is not None and self.known(image_id):
            return image_id, None
        count, most = pixels.width * pixels.height, self.limits.image_pixels
        if count > most:
            raise ImageError(TOO_LARGE, f"{pixels.width} x {pixels.height} = {count}, at most {most}")
        image = encode(PIL.Image.frombytes(pixels.mode, (pixels.width, pixels.height), pixels.data))
        if len(self.drawn) == _DRAWN:
            self.drawn.clear()
        self.drawn[digest] = image.image_id
        return image.image_id, image

    def _file(self, ref: str) -> bytes:
        """The bytes of a regular file inside the folder, whatever the path says."""
        leaves = ".." in Path(ref).parts or Path(ref).is_absolute()
        try:
            # The same name may be written in two ways: in an archive from a Mac, `é` is two characters.
            spellings = [ref, *(unicodedata.normalize(form, ref) for form in ("NFC", "NFD"))]
            there = next((spelling for spelling in spellings if os.path.exists(self.folder / spelling)), ref)
            file = (self.folder / there).resolve(strict=True)
            if leaves or not file.is_relative_to(self.folder):
                raise Faulty("path leaves the folder", ref)
            if not file.is_file():
                raise ImageError(MISSING, f"{ref} is no file")
            size = file.stat().st_size
            if size > self.limits.image_bytes:
                raise Faulty("too many bytes", f"{ref}: {size}, at most {self.limits.image_bytes}")
            return file.read_bytes()
        except (OSError, ValueError, RuntimeError) as error:  # no such file, a NUL byte, a loop of links
            if leaves:
                raise Faulty("path leaves the folder", ref) from None
            raise ImageError(MISSING, f"{ref}: {type(error).__name__}") from None
