"""A stage that trains jobs in the processes that they ask for: as stages/train.py, with the jobs from files.

python -m tests.training.launched one other      # folders, each with a job.json; answer.json is written there
"""

from pathlib import Path
from typing import Any

import stages  # noqa: F401 (what it sets for every stage)
from mathse import processes, stage
from mathse.tables.files import write_json
from mathse.training.job import Job


def main(*names: str) -> str:
    """Write the report of each job, trained one after the other by the same processes."""
    jobs = {name: Job.model_validate_json(Path(name, "job.json").read_text(encoding="utf-8")) for name in names}
    first = jobs[names[0]]
    processes.become_several(first.settings.launch, first.compute.threads, "tests.training.launched", *names)
    allow_sharding_on_cpu()
    import torch

    from mathse.training.train import train

    if len(names) > 1:
        # The processes meet once: the launcher's store has no second place for them to do so.
        setattr(torch.distributed, "destroy_process_group", lambda: None)  # noqa: B010  as below
    for name, job in jobs.items():
        report, _ = train(job)
        if processes.is_first():
            write_json(Path(name, "answer.json"), report)
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
