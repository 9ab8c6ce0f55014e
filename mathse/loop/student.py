"""Opens whoever answers as student or judge: a local model, one behind a server, or recorded responses."""

from collections import Counter
from pathlib import Path

from mathse import layout
from mathse.ask.protocol import Engine
from mathse.engines.local import LocalModel
from mathse.params import Answering, Params
from mathse.sources.benchmarks.items import LIMITS
from mathse.tables import store
from mathse.tables.image_stores import ImageStores, StoredImages
from mathse.tables.images import ImageStore
from mathse.tables.schemas import BenchmarkItem, Problem


def open_model(
    folder: Path, answering: Answering, batch_size: int, settings: Params, benchmarks: bool = False
) -> Engine:
    """Open the engine that params name; the problems' images are at hand.

    Args:
        folder: The local model, for the engine `model`.
        answering: `params.student` or `params.judge`.
        batch_size: The most requests that a batch engine computes at once.
        settings: The whole of params.
        benchmarks: Whether the benchmarks' items and images are at hand too.

    Raises:
        UserError: The folder holds no model, there is no image table, or the engine cannot be opened.
    """
    if answering.replay is not None and answering.engine == "replay":
        from mathse.engines.replay import ReplayEngine

        return ReplayEngine(answering.replay, source_ids(benchmarks))
    images = _images(settings, benchmarks)
    if answering.api is not None and answering.engine == "api":
        from mathse.engines.api import open_api

        return open_api(answering.api, images)
    trusted = settings.trust_remote_code
    local = LocalModel(folder, settings.compute, settings.inference, batch_size, trusted)
    if settings.inference.ray is not None:
        from mathse.engines.ray import RayEngine

        return RayEngine(local, images, settings.inference.ray)
    return local.open(images)


def _images(settings: Params, benchmarks: bool) -> StoredImages:
    own = ImageStore(layout.IMAGES, settings.problems.max_pixels)
    return ImageStores([own, ImageStore(layout.BENCHMARK_IMAGES, LIMITS.image_pixels)]) if benchmarks else own


def source_ids(benchmarks: bool = False) -> dict[str, str]:
    """Each problem's id within its source, by problem id: recorded responses are known by it.

    Args:
        benchmarks: Whether to add the benchmarks' items. An item's own id that another benchmark has too is left out:
            a response to it has to name the problem id, `mathvision/4`.

    Raises:
        StoreError: There is no problem table.
    """
    own = {problem.problem_id: problem.source_id for problem in store.scan(layout.PROBLEMS, Problem)}
    items = list(store.scan(layout.BENCHMARK_ITEMS, BenchmarkItem)) if benchmarks else []
    known = Counter([*own.values(), *(item.item_id for item in items)])
    return own | {item.problem_id: item.item_id for item in items if known[item.item_id] == 1}
