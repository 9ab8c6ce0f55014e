"""A local model and how it is run: what is needed to open its engine here, or in another process on another machine."""

from dataclasses import dataclass
from pathlib import Path

from mathse.loop.ask.engines.registry import opened
from mathse.loop.ask.protocol import Engine
from mathse.params import Compute, Inference
from mathse.tables.images import Images


@dataclass(frozen=True)
class LocalModel:
    """A model folder with everything that decides its completions.

    Attributes:
        folder: Weights and processor, as `save_pretrained` writes them.
        compute: Device, threads and precision.
        inference: Which engine, and its settings.
        batch_size: The most requests that a batch engine computes at once.
        trust_remote_code: Whether code that lies in the folder may run.
    """

    folder: Path
    compute: Compute
    inference: Inference
    batch_size: int
    trust_remote_code: bool = False

    def open(self, images: Images) -> Engine:
        """Load the model in this process.

        Args:
            images: Where the requests' images are.

        Raises:
            UserError: The folder holds no model, or the engine is not installed or cannot load it.
        """
        return opened("mathse.loop.ask.engines.runtimes", self.inference, "inference", self, images)
