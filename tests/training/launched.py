"""A stage that trains a job in the processes that it asks for: as stages/train.py, with the job from a file.

python -m tests.training.launched job.json answer.json      # in the folder of both
"""

from pathlib import Path
from typing import Any

import stages  # noqa: F401 (what it sets for every stage)
from mathse import processes, stage
from mathse.tables.files import write_json
from mathse.training.job import Job


def main(spec: str, answer: str) -> str:
    """Write the report of a job."""
    job = Job.model_validate_json(Path(spec).read_text(encoding="utf-8"))
    processes.become_several(job.settings.launch, job.compute.threads, "tests.training.launched", spec, answer)
    allow_sharding_on_cpu()
    from mathse.training.train import train

    report, _ = train(job)
    if processes.is_first():
        write_json(Path(answer), report)
    return f"{report.steps} steps"


def allow_sharding_on_cpu() -> None:
    """Let accelerate shard a model over CPU processes.

    torch's FSDP runs on CPUs, but accelerate considers it only where it has counted GPUs; so where its settings ask for
    FSDP and processes are CPU ones, the count is made to say so: between the making of the training's arguments, which
    count, and that of the trainer, which considers.
    """
    from accelerate import PartialState
    from accelerate.utils import DistributedType

    from mathse.training import train, trainer

    def build(*given: Any) -> Any:
        if trainer.share_weights() and PartialState().distributed_type == DistributedType.MULTI_CPU:
            PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
        return trainer.build(*given)

    setattr(train, "build", build)  # noqa: B010  an assignment would have to have its exact type


if __name__ == "__main__":
    stage.run("train", main)
