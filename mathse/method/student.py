"""Opens whoever answers as student or judge: a local model, one behind a server, or recorded responses."""

from pathlib import Path

from mathse import layout, store
from mathse.engines.local import LocalModel
from mathse.engines.protocol import Engine
from mathse.params import Answering, Params
from mathse.schemas import Problem
from mathse.sources.images import ImageStore


def open_model(folder: Path, answering: Answering, batch_size: int, settings: Params) -> Engine:
    """Open the engine that params name; the problems' images are at hand.

    Args:
        folder: The local model, for the engine `model`.
        answering: `params.student` or `params.judge`.
        batch_size: The most requests that a batch engine computes at once.
        settings: The whole of params.

    Raises:
        UserError: The folder holds no model, there is no image table, or the engine cannot be opened.
    """
    if answering.replay is not None and answering.engine == "replay":
        from mathse.engines.replay import ReplayEngine

        return ReplayEngine(answering.replay, source_ids())
    images = ImageStore(layout.IMAGES, settings.problems.max_pixels)
    if answering.api is not None and answering.engine == "api":
        from mathse.engines.api import open_api

        return open_api(answering.api, images)
    trusted = settings.trust_remote_code
    local = LocalModel(folder, settings.compute, settings.inference, batch_size, trusted)
    if settings.inference.ray is not None:
        from mathse.engines.ray import RayEngine

        return RayEngine(local, images, settings.inference.ray)
    return local.open(images)


def source_ids() -> dict[str, str]:
    """Each problem's id within its source, by problem id: recorded responses are known by it.

    Raises:
        StoreError: There is no problem table.
    """
    return {problem.problem_id: problem.source_id for problem in store.scan(layout.PROBLEMS, Problem)}
