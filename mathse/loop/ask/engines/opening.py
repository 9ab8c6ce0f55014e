"""Opens whoever params name for a role: a local model, a model behind a server, or recorded responses.

open_for("judge", settings, folder=layout.model("orm"))

role        described by
student     student
judge       judge
extractor   evaluate.extractor; with the benchmarks at hand
matcher     evaluate.matcher; with the benchmarks at hand

Each may be `model`, a local one, or an engine of the folder `any_role`, such as `api` and `replay`. The teacher is
opened by `mathse.loop.ask.engines.teacher`.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from mathse import layout
from mathse.loop.ask.engines.kind import LocalModel, Surroundings, open_engine
from mathse.loop.ask.protocol import Engine
from mathse.params import Extractor, Judge, Matcher, Params, Student
from mathse.tables import lookup, store
from mathse.tables.images import BENCHMARK_PIXELS, ImageStore, ImageStores, StoredImages
from mathse.tables.schemas import BenchmarkItem

Role = Literal["student", "judge", "extractor", "matcher"]
HELPERS = ("extractor", "matcher")


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
        folder: The local model, for the engine `model`.
        batch_size: The most requests that a batch engine computes at once, in place of the role's own.
        benchmarks: Whether the benchmarks' items and images are at hand too; the helpers always have them.

    Raises:
        UserError: A model's folder, a key, the image table or the file of responses is missing, or the engine cannot be
            opened.
    """
    choices: Mapping[Role, Student | Judge | Extractor | Matcher | None] = {
        "student": settings.student, "judge": settings.judge,
        "extractor": settings.evaluate.extractor, "matcher": settings.evaluate.matcher,
    }  # fmt: skip
    choice = choices[role]
    if choice is None:
        raise ValueError(f"evaluate.{role} is not configured, so there is nobody to open")
    around = surroundings(settings, benchmarks or role in HELPERS)
    if choice.engine != "model":
        key = f"evaluate.{role}" if role in HELPERS else role
        return open_engine("mathse.loop.ask.engines.any_role", choice, key, around)
    if folder is None:
        raise ValueError(f"{role}: its engine is a local model, whose folder must be given")
    model = LocalModel(
        folder, settings.compute, settings.inference, batch_size or choice.batch_size, settings.trust_remote_code
    )
    if settings.inference.ray is None:
        return model.open(around.images())
    from mathse.loop.ask.engines.ray import RayEngine

    return RayEngine(model, around.images(), settings.inference.ray)


def surroundings(settings: Params, benchmarks: bool = False) -> Surroundings:
    """What engines may use beside their own settings; with `benchmarks` also their items and images."""

    def images() -> StoredImages:
        own = ImageStore(layout.IMAGES, settings.problems.max_pixels)
        return ImageStores([own, ImageStore(layout.BENCHMARK_IMAGES, BENCHMARK_PIXELS)]) if benchmarks else own

    return Surroundings(settings, images, lambda: source_ids(benchmarks))


def source_ids(benchmarks: bool = False) -> Mapping[str, str]:
    """Each problem's id within its source, by problem id: recorded responses and figures are known by it.

    Args:
        benchmarks: Whether to add the benchmarks' items. An item's own id that another benchmark or one of our problems
            has too is left out: a response to it has to name the problem id, `mathvision/4`.

    Raises:
        StoreError: There is no problem table.
    """
    own = lookup.source_ids(layout.PROBLEMS)
    if not benchmarks:
        return own
    items = {item.problem_id: item.item_id for item in store.scan(layout.BENCHMARK_ITEMS, BenchmarkItem)}
    uses = Counter(items.values())
    uses.update(source_id for source_id in own.values() if source_id in uses)
    return own | {problem_id: item_id for problem_id, item_id in items.items() if uses[item_id] == 1}
