"""Opens whoever params name for a role: a local model, a model behind a server, or recorded responses.

open_for("judge", settings, folder=layout.model("orm"))

role        described by            may be
teacher     teacher                 any_role; one for the teacher alone is opened by `teacher.open_teacher`
student     student                 model, any_role
judge       judge                   model, any_role
extractor   evaluate.extractor      model, any_role; with the benchmarks at hand
matcher     evaluate.matcher        model, any_role; with the benchmarks at hand

`model` is a local model; any_role: the modules of that folder, such as `api` and `replay`.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from mathse import layout
from mathse.loop.ask.engines.kind import Surroundings
from mathse.loop.ask.engines.local_model import LocalModel
from mathse.loop.ask.engines.registry import opened
from mathse.loop.ask.protocol import Engine
from mathse.params import Extractor, Judge, Matcher, Params, Student, Teacher
from mathse.tables import store
from mathse.tables.image_stores import BENCHMARK_PIXELS, ImageStores, StoredImages
from mathse.tables.images import ImageStore
from mathse.tables.lookup import SourceIds
from mathse.tables.schemas import BenchmarkItem, Problem

Role = Literal["teacher", "student", "judge", "extractor", "matcher"]
HELPERS = ("extractor", "matcher")
Described = Teacher | Student | Judge | Extractor | Matcher


def open_for(
    role: Role,
    settings: Params,
    *,
    folder: Path | None = None,
    batch_size: int | None = None,
    benchmarks: bool = False,
) -> Engine:
    """Open the engine of a role; the problems' images and ids are at hand.

    Args:
        role: Whose engine.
        settings: The whole of params.
        folder: The local model, for the engine `model`.
        batch_size: The most requests that a batch engine computes at once, in place of the role's own.
        benchmarks: Whether the benchmarks' items and images are at hand too; the helpers always have them.

    Raises:
        UserError: A model's folder, a key, the image table or the file of responses is missing, or the engine cannot be
            opened.
    """
    described = _described(role, settings)
    surroundings = surroundings_of(settings, benchmarks or role in HELPERS)
    if described.engine != "model" or isinstance(described, Teacher):
        key = f"evaluate.{role}" if role in HELPERS else role
        return opened("mathse.loop.ask.engines.any_role", described, key, surroundings)
    if folder is None:
        raise ValueError(f"{role}: its engine is a local model, whose folder must be given")
    return _local(folder, settings, batch_size or described.batch_size, surroundings.images())


def surroundings_of(settings: Params, benchmarks: bool = False) -> Surroundings:
    """What engines may use beside their own settings.

    Args:
        settings: The whole of params.
        benchmarks: Whether the benchmarks' items and images are at hand too.
    """
    return Surroundings(settings, lambda: _images(settings, benchmarks), lambda: source_ids(benchmarks))


def _described(role: Role, settings: Params) -> Described:
    evaluate = settings.evaluate
    described: Mapping[Role, Described | None] = {
        "teacher": settings.teacher, "student": settings.student, "judge": settings.judge,
        "extractor": evaluate.extractor, "matcher": evaluate.matcher,
    }  # fmt: skip
    if (one := described[role]) is None:
        raise ValueError(f"evaluate.{role} is not configured, so there is nobody to open")
    return one


def _local(folder: Path, settings: Params, batch_size: int, images: StoredImages) -> Engine:
    model = LocalModel(folder, settings.compute, settings.inference, batch_size, settings.trust_remote_code)
    if settings.inference.ray is None:
        return model.open(images)
    from mathse.loop.ask.engines.ray import RayEngine

    return RayEngine(model, images, settings.inference.ray)


def _images(settings: Params, benchmarks: bool) -> StoredImages:
    own = ImageStore(layout.IMAGES, settings.problems.max_pixels)
    return ImageStores([own, ImageStore(layout.BENCHMARK_IMAGES, BENCHMARK_PIXELS)]) if benchmarks else own


def source_ids(benchmarks: bool = False) -> Mapping[str, str]:
    """Each problem's id within its source, by problem id: recorded responses and figures are known by it.

    Args:
        benchmarks: Whether to add the benchmarks' items. An item's own id that another benchmark or one of our problems
            has too is left out: a response to it has to name the problem id, `mathvision/4`.

    Raises:
        StoreError: There is no problem table.
    """
    own = SourceIds(layout.PROBLEMS)
    if not benchmarks:
        return own
    items = {item.problem_id: item.item_id for item in store.scan(layout.BENCHMARK_ITEMS, BenchmarkItem)}
    known = Counter(items.values())
    known.update(problem.source_id for problem in store.scan(layout.PROBLEMS, Problem) if problem.source_id in known)
    return dict(own) | {problem_id: item_id for problem_id, item_id in items.items() if known[item_id] == 1}
