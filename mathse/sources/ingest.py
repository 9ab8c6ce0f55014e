"""The problems stage: every source's rows, admitted or rejected with a reason.

In: `params.problems`. Out: problems (one row a distinct problem), images (one row a distinct image), rejects (one row a
rejected source row). Sample reject: `figures, bar_sum-2-1041, duplicate problem, the same as bar_sum-2-17`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mathse import params, prompts
from mathse.answers.grade import grade
from mathse.errors import UserError
from mathse.schemas import Image, Problem, Reject, Split, Status
from mathse.sources import figures
from mathse.sources.images import ImageError, from_bytes


@dataclass
class Ingested:
    """What the sources came to; every source row is in `problems` or in `rejects`."""

    problems: dict[str, Problem] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)


def ingest(settings: params.Problems) -> Ingested:
    """Read all sources.

    Raises:
        UserError: A split came out empty.
    """
    result = Ingested()
    for source in settings.sources:
        admit(*figures.load(source), settings.max_pixels, result)
    empty = [split for split in Split if all(problem.split != split for problem in result.problems.values())]
    if empty:
        raise UserError(
            f"params.yaml: problems.sources: no problem was admitted to split {', '.join(empty)}; "
            f"{len(result.rejects)} rows were rejected ({reason_counts(result.rejects)})"
        )
    return result


def admit(problems: Iterable[Problem], images: Iterable[Image], max_pixels: int, result: Ingested) -> None:
    """Check rows and add them to the result: to its problems and images, or to its rejects.

    Args:
        problems: Rows of one source.
        images: Their images.
        max_pixels: Images with more pixels are rejected before they are decoded.
        result: What was admitted so far; changed in place.
    """
    by_id = {image.image_id: image for image in images}
    split_of_image = {i: problem.split for problem in result.problems.values() for i in problem.image_ids}
    for problem in problems:
        fault = _fault(problem, by_id, split_of_image, result.problems, max_pixels)
        if fault:
            reason, detail = fault
            result.rejects.append(
                Reject(source=problem.source, source_id=problem.source_id, reason=reason, detail=detail)
            )
            continue
        result.problems[problem.problem_id] = problem
        for image_id in problem.image_ids:
            result.images[image_id] = by_id[image_id]
            split_of_image[image_id] = problem.split


def _fault(
    problem: Problem,
    images: Mapping[str, Image],
    split_of_image: Mapping[str, Split],
    admitted: Mapping[str, Problem],
    max_pixels: int,
) -> tuple[str, str] | None:
    """Why a problem cannot be admitted: reason and detail; None if it can."""
    if problem.problem_id in admitted:
        return "duplicate problem", f"the same as {admitted[problem.problem_id].source_id}"
    for image_id in problem.image_ids:
        if image_id not in images:
            return "missing image", image_id
        try:
            from_bytes(images[image_id].data, max_pixels)
        except ImageError as error:
            return error.reason, str(error)
        if split_of_image.get(image_id, problem.split) != problem.split:
            return "image in another split", f"{image_id} is in {split_of_image[image_id]}"
    own = grade(problem.answer, f"{prompts.MARKER} {problem.answer}.", problem.choices)
    if own.status is not Status.CORRECT:
        return "gold fails its own grader", f"{problem.answer!r}: {own.reason}"
    return None


def reason_counts(rejects: Iterable[Reject]) -> str:
    """Reject reasons with their counts, in alphabetical order: `duplicate problem 3, missing image 1`."""
    reasons = [reject.reason for reject in rejects]
    return ", ".join(f"{reason} {reasons.count(reason)}" for reason in sorted(set(reasons))) or "none"
