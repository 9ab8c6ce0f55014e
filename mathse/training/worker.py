"""One of the processes of a training: `accelerate launch` starts it, `mathse.training.launch` waits for it.

    python -m mathse.training.worker job.json answer.json

The first process answers with the training's report, `{"report": {...}}`, or with what went wrong, `{"error": "..."}`.
"""

import json
import logging
import os
import sys
import threading
from pathlib import Path

from mathse.errors import UserError
from mathse.training.job import Job
from mathse.training.processes import is_first, leave_together
from mathse.training.sft import run


def main(spec: str, answer: str) -> None:
    """Read the job, do this process's part of it, and answer if it is the first."""
    threading.Thread(target=_end_with_the_stage, daemon=True).start()
    if is_first():
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
        logging.getLogger("accelerate").setLevel(logging.WARNING)
    job = Job.model_validate_json(Path(spec).read_text(encoding="utf-8"))
    try:
        report = run(job)
    except UserError as error:
        _answer(answer, {"error": str(error)})
        sys.exit(1)
    _answer(answer, {"report": report.model_dump(mode="json")})
    leave_together()


def _answer(file: str, said: dict[str, object]) -> None:
    if is_first():
        fresh = Path(file).with_suffix(".partial")
        fresh.write_text(json.dumps(said), encoding="utf-8")
        fresh.rename(file)


def _end_with_the_stage() -> None:
    """End this process when the stage has gone, which closes the pipe that its processes have as standard input."""
    while os.read(sys.stdin.fileno(), 1):  # not through sys.stdin, whose lock would be held when this process ends
        pass
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
