"""Starts a training in several processes with `accelerate launch`, and answers for them to the stage.

The job goes to the processes as a JSON file (`mathse.training.worker` reads it); the first of them writes the model and
its report. Their output goes where the stage's goes. They end when the stage ends, however it ends: each reads the
standard input that it was given, and that reaches its end when the stage has gone.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mathse.errors import UserError
from mathse.params.training import Launch
from mathse.training.job import Job
from mathse.training.report import TrainingReport

LAUNCHED = "MATHSE_LAUNCHED"
"""Environment variable that tells a process that it is one of several."""
PATIENCE = 20.0
"""Seconds that processes have to end by themselves once they were told to."""


class LaunchFailed(UserError):
    """The processes of a training did not bring it to its end."""


def in_processes(job: Job) -> TrainingReport:
    """Run a job in the processes that its settings ask for.

    Raises:
        LaunchFailed: One of them failed; its own words are in the message, or above it.
    """
    launch = job.settings.launch
    assert launch is not None
    if launch.config is not None and not launch.config.is_file():
        raise LaunchFailed(f"train.launch.config: {launch.config}: not found; see presets/accelerate/")
    with tempfile.TemporaryDirectory(prefix="mathse-") as folder:
        spec, answer = Path(folder) / "job.json", Path(folder) / "answer.json"
        spec.write_text(job.model_dump_json(), encoding="utf-8")
        code = _run(_command(launch, job.compute.device, job.compute.threads, spec, answer), job.compute.threads)
        said = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else {}
    if "error" in said:
        raise LaunchFailed(said["error"])
    if code or "report" not in said:
        raise LaunchFailed(
            f"train {job.out.name}: {launch.processes} processes were started, and one of them ended with code {code}; "
            "its words are above"
        )
    return TrainingReport.model_validate(said["report"])


def _command(launch: Launch, device: str, threads: int, spec: Path, answer: Path) -> list[str]:
    config = launch.config or _copies(spec.with_name("accelerate.yaml"), device)
    return [
        sys.executable, "-m", "accelerate.commands.launch",
        "--config_file", str(config),
        "--num_processes", str(launch.processes),
        "--num_cpu_threads_per_process", str(threads),
        "--main_process_port", "0",  # any free one: two trainings on one machine are no concern of each other
        "--module", "mathse.training.worker", str(spec), str(answer),
    ]  # fmt: skip


def _copies(file: Path, device: str) -> Path:
    """Write accelerate's settings for a whole copy of the model in each process, on GPUs or on a CPU."""
    file.write_text(
        "compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nmachine_rank: 0\nnum_machines: 1\n"
        f"use_cpu: {'true' if device == 'cpu' else 'false'}\n",
        encoding="utf-8",
    )
    return file


def _run(command: list[str], threads: int) -> int:
    """Run a command to its end; what keeps it alive is the pipe to its standard input."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=_environment(threads))
    try:
        return process.wait()
    finally:
        assert process.stdin is not None
        process.stdin.close()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _environment(threads: int) -> Mapping[str, str]:
    root = str(Path(__file__).parents[2])
    found = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, LAUNCHED: "1", "OMP_NUM_THREADS": str(threads), "PYTHONPATH": os.pathsep.join(found)}
