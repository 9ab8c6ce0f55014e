"""A stage that several processes do together: how they are started, which is the first, and how they end.

`become_several` makes the stage's process accelerate's launcher, which starts the same stage again as often as params
ask for. Each of those finds `MATHSE_LAUNCHED` in its environment, with the launcher's process id, and `RANK`, its own
number. The first alone takes the stage's lock, writes, and says what there is to say.
"""

import os
import sys
import threading
import time
from pathlib import Path

from mathse import yaml_file
from mathse.errors import UserError
from mathse.params.training import Launch

LAUNCHED = "MATHSE_LAUNCHED"
"""Environment variable of a launched process and of its launcher: the launcher's process id."""
PATIENCE = 20.0
"""Seconds that a process leaves the first to meet the same error and to say it."""
_DDP = Path(__file__).with_name("ddp.yaml")
_GLANCE = 0.25
"""Seconds between two looks at whether the launcher is still there."""


def are_several() -> bool:
    """Whether this process is one of those that were launched together."""
    return LAUNCHED in os.environ


def is_first() -> bool:
    """Whether this process writes what the stage leaves behind; of one alone it is true."""
    return not are_several() or os.environ.get("RANK", "0") == "0"


def become_several(launch: Launch | None, threads: int, module: str, *arguments: str) -> None:
    """Do a stage in the processes that its settings ask for: does not return, unless this is one of them or alone.

    Args:
        launch: The settings; None: this process does it alone.
        module: What each process runs, such as `stages.train`.
        *arguments: Of the module.

    Raises:
        UserError: accelerate's file is not there, or is not YAML.
    """
    if launch is None or are_several():
        return
    if launch.config is not None:
        try:
            yaml_file.read(launch.config)
        except FileNotFoundError as error:
            raise UserError(f"train.launch.config: {launch.config}: not found; see presets/accelerate/") from error
        except yaml_file.NotYaml as error:
            raise UserError(f"train.launch.config: {launch.config}: {error}") from error
    os.environ[LAUNCHED] = str(os.getpid())  # which the launcher inherits, as it takes this process's place
    os.environ["OMP_NUM_THREADS"] = str(threads)
    command = [
        sys.executable, "-m", "accelerate.commands.launch",
        "--config_file", str(launch.config or _DDP),
        "--num_processes", str(launch.processes),
        "--num_cpu_threads_per_process", str(threads),
        "--main_process_port", "0",  # any free one: two trainings on one machine are no concern of each other
        "--module", module, *arguments,
    ]  # fmt: skip
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, command)


def end_with_launcher() -> None:
    """End this process when its launcher has gone, however that ended; does nothing where there is none."""
    if are_several():
        threading.Thread(target=_watch, args=(int(os.environ[LAUNCHED]),), daemon=True).start()


def _watch(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(_GLANCE)
    os._exit(1)


def leave_the_error_to_the_first() -> None:
    """Wait for the first process to meet the error that this one has met: when that has ended, this one is ended too.

    Returns where the first goes on: then the error is this process's alone, and for it to say.
    """
    if not is_first():
        time.sleep(PATIENCE)
