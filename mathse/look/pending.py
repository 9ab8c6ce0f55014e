"""What `dvc repro` would run, why, and about how long it takes by the stages' last runs here.

    stage        why                                       minutes
    mix@1        params.yaml: mix                              0.1
    train@1      after mix@1                                   1.6
    evaluate@1   after train@1                                 0.3

What DVC finds changed runs. What comes after it runs if that makes other bytes; and of what DVC's run cache has, the
results come back in no time: so the minutes are the most that it takes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from graphlib import TopologicalSorter
from io import StringIO
from pathlib import Path
from typing import Any

from mathse import layout
from mathse.errors import UserError
from mathse.report import columns

MINUTE = 60
SHOWN_CAUSES = 2


@dataclass(frozen=True)
class Pending:
    """A stage that would run.

    Attributes:
        stage: Its name in dvc.yaml, such as `mix@1`.
        causes: What DVC finds changed of it; empty if it only comes after such stages.
        after: The stages that would run before it and make what it reads.
        seconds: What its last run here took; None if there was none.
    """

    stage: str
    causes: tuple[str, ...]
    after: tuple[str, ...]
    seconds: float | None


def pending(root: Path) -> list[Pending] | None:
    """The stages that `dvc repro` would run, in an order in which it can; None where DVC does not track the project.

    Raises:
        UserError: DVC cannot read the project.
    """
    if not (root / ".dvc").is_dir():
        return None
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo, redirect_stdout(StringIO()):
            causes = {name: tuple(_causes(changes)) for name, changes in repo.status().items()}
            graph = repo.index.graph
            commands = {stage.addressing: str(getattr(stage, "cmd", "")) for stage in graph}
            needs = {stage.addressing: [other.addressing for other in graph.successors(stage)] for stage in graph}
    except DvcException as error:
        raise UserError(f"{root.absolute()}: DVC cannot read the project: {error}") from error
    stages: dict[str, Pending] = {}
    for name in TopologicalSorter(needs).static_order():
        after = tuple(sorted(other for other in needs[name] if other in stages))
        if name in causes or after:
            stages[name] = Pending(name, causes.get(name, ()), after, seconds(root, commands[name]))
    return list(stages.values())


def seconds(root: Path, command: str) -> float | None:
    """What the last run of a stage took here; None if that is not known.

    Args:
        command: Of the stage, such as `python -m stages.mix 1`.
    """
    title = command.partition("stages.")[2].replace(" ", "-")
    for file in (layout.stage_timings(title), layout.timings(title)):  # the latter is of the training itself
        try:
            return float(json.loads((root / file).read_text(encoding="utf-8"))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def summary(stages: Sequence[Pending]) -> str:
    """One sentence: how many would run, and about how long."""
    if not stages:
        return "`dvc repro` would run nothing: everything is up to date"
    changed = sum(bool(stage.causes) for stage in stages)
    known = [stage.seconds for stage in stages if stage.seconds is not None]
    later = f" and then, if that makes other bytes, {len(stages) - changed} more" if changed < len(stages) else ""
    unknown = len(stages) - len(known)
    took = f"{sum(known) / MINUTE:.1f} minutes at most by their last runs here" if known else ""
    lacking = f"{unknown} {'has' if unknown == 1 else 'have'} not run here" if unknown else ""
    count = f"{changed} stage{'s' if changed != 1 else ''}"
    return f"`dvc repro` would run {count}{later}: {'; '.join(part for part in (took, lacking) if part)}"


def lines(stages: Sequence[Pending], width: int) -> list[str]:
    """The stages, each with why and its minutes, within `width` cells."""
    rows = [
        (
            stage.stage,
            _shortened(stage.causes) or f"after {_shortened(stage.after)}",
            "" if stage.seconds is None else f"{stage.seconds / MINUTE:.1f}",
        )
        for stage in stages
    ]
    return columns.texts(("stage", "why", "minutes"), rows, width, (False, False, True))


def _shortened(causes: Sequence[str]) -> str:
    more = len(causes) - SHOWN_CAUSES
    return ", ".join(causes[:SHOWN_CAUSES]) + (f" and {more} more" if more > 0 else "")


def _causes(changes: Sequence[Any]) -> Iterator[str]:
    """What DVC says has changed of a stage, in words."""
    for change in changes:
        if not isinstance(change, Mapping):
            yield str(change)  # its command, or that it always changes
            continue
        for kind, files in change.items():
            for file, status in files.items():
                if isinstance(status, Mapping):
                    yield from (f"{file}: {key}" for key in status)
                elif kind == "changed outs" and status in ("deleted", "not in cache"):
                    yield f"{file} is not {'there' if status == 'deleted' else 'in the cache'}"
                else:
                    yield f"{file} {'was edited' if kind == 'changed outs' else 'changed'}"
