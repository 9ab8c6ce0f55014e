"""Runs an experiment: every variant with every seed, the baseline first, and nothing that was run before.

A run is known by its inputs (`pipeline.keys`): one that is recorded with the inputs that it would have now is not made
again. Of another, DVC runs the stages that its run cache does not have. So whatever was killed, and whenever, goes on.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mathse import params, yaml_file
from mathse.ablate import comparison, measurement, pipeline
from mathse.ablate.experiment import Baseline, Experiment, Variant, laid_over
from mathse.ablate.workspace import (
    FOLDER,
    StageFailed,
    Stages,
    Workspace,
    dvc_cache,
    end_leftovers,
    head,
    require_clean,
)
from mathse.errors import UserError
from mathse.params import PARAMS
from mathse.report import ablations
from mathse.report.ablations import ProblemSet, Results, Run

Say = Callable[[str], None]


@dataclass
class Ablation:
    """An experiment on a project, while it is run.

    Attributes:
        content: The project's params.
        say: Takes lines of progress.
        stages: What was run and what was taken from the run cache, over all runs.
        failed: The runs in which a stage failed.
    """

    root: Path
    name: str
    experiment: Experiment
    content: Mapping[str, Any]
    say: Say
    stages: Stages = field(default_factory=lambda: Stages([], []))
    failed: list[str] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """Where results are kept."""
        return ablations.path(self.root, self.name)

    def run(self, seeds: Sequence[int], only: str | None = None) -> Results:
        """Run what is missing and record it.

        Args:
            only: A variant; the baseline is run too where this takes numbers from it.

        Raises:
            ExperimentError: A variant's params are not in order.
            UserError: Code is not committed, another ablation is running, or a stage failed: the other runs are made.
        """
        commit, wanted = head(self.root), self._wanted(only)
        require_clean(self.root, self._checked())
        with self._only_one():
            if ended := end_leftovers(self.root):
                self.say(f"ended {ended} processes that a killed `mathse ablate` had left")
            cache, kept, tests = dvc_cache(self.root), dict[tuple[str, int], Run](), None
            before = ablations.load(self.file)
            recorded = {(run.variant, run.seed): run for run in before.runs} if before else {}
            asked = [
                (variant, seed) for seed in seeds for variant in self.experiment.ordered() if variant.name in wanted
            ]
            self._announce(asked, recorded)
            others = sorted({seed for _, seed in recorded} - set(seeds))
            for seed in [*seeds, *others]:
                for variant in self.experiment.ordered():
                    known = recorded.get((variant.name, seed))
                    is_asked = (variant, seed) in asked
                    baseline = kept.get((self.experiment.baseline, seed))
                    if known is None and not is_asked:
                        continue
                    if variant.needs_baseline and baseline is None:
                        self._leave_out(variant, seed, "lacks its baseline")
                        continue
                    changed, inputs = self._inputs(variant, seed, baseline)
                    folder = self.root / FOLDER / self.name / f"{variant.name}-{seed}"
                    workspace = Workspace(self.root, folder, commit)
                    if known is not None and known.inputs == inputs and before is not None:
                        kept[variant.name, seed], tests = known, _same(tests, before.tests)
                    elif is_asked:
                        try:
                            made, tests = self._made(variant, changed, inputs, workspace, cache, tests)
                        except StageFailed as error:
                            self.say(str(error))
                            self.failed.append(f"{variant.name}, seed {seed}")
                            continue
                        kept[variant.name, seed] = made
                        self._save(tests, kept)
                    else:
                        self._leave_out(variant, seed, "was run with other code or params")
                        continue
                    workspace.remove()
        return self._ended(tests, kept)

    def _ended(self, tests: ProblemSet | None, kept: Mapping[tuple[str, int], Run]) -> Results:
        results = None if tests is None else self._save(tests, kept)
        if self.failed:
            those = "; ".join(self.failed)
            raise UserError(f"{self.name}: failed: {those}; other runs are recorded. Mend it and run again: it goes on")
        if results is None:
            raise UserError(f"{self.name}: there is nothing to run")
        return results

    def _leave_out(self, variant: Variant, seed: int, why: str) -> None:
        self.say(f"{variant.name}, seed {seed}: {why}; left out")

    def _wanted(self, only: str | None) -> set[str]:
        """The variants to run."""
        if only is None:
            return {variant.name for variant in self.experiment.variants}
        return {only, self.experiment.baseline} if self.experiment.variant(only).needs_baseline else {only}

    def _checked(self) -> list[str]:
        """The code of all variants, whose params are checked before anything is run."""
        code = set[str]()
        for variant in self.experiment.variants:
            changed, _ = laid_over(self.content, self.name, variant, baseline=ANY)
            code.update(pipeline.code(self.root, changed))
        return sorted(code)

    def _inputs(self, variant: Variant, seed: int, baseline: Baseline | None) -> tuple[dict[str, Any], str]:
        changed, _ = laid_over(self.content, self.name, variant, seed, baseline)
        return changed, pipeline.keys(self.root, changed)[pipeline.TARGET]

    def _announce(self, asked: Sequence[tuple[Variant, int]], recorded: Mapping[tuple[str, int], Run]) -> None:
        """Say how much there is to do; numbers of the baseline that are not there yet are taken as any."""
        every, number = set[str](), 0
        measured = [row.model for row in self.experiment.variant(self.experiment.baseline).measured]
        for variant, seed in asked:
            run = recorded.get((self.experiment.baseline, seed))
            baseline: Baseline = run if run and set(measured) <= run.models.keys() else ANY
            changed, _ = laid_over(self.content, self.name, variant, seed, baseline)
            keys = pipeline.keys(self.root, changed)
            number += len(keys)
            every.update(keys.values())
        self.say(
            f"{self.name}: {self.experiment.title}\n{len(asked)} runs, {number} stages, {len(every)} of them different"
        )

    def _made(
        self,
        variant: Variant,
        changed: dict[str, Any],
        inputs: str,
        workspace: Workspace,
        cache: Path,
        tests: ProblemSet | None,
    ) -> tuple[Run, ProblemSet]:
        """Make a run, record it as an experiment of DVC, and say what it came to."""
        seed = changed["seed"]
        self.say(f"{variant.name}, seed {seed}")
        workspace.prepare(changed, cache)
        settings = params.load(workspace.folder / PARAMS)
        stages = workspace.repro(self.say)
        self.stages.ran += stages.ran
        self.stages.cached += stages.cached
        run, its_tests = measurement.collect(workspace.folder, settings, variant.name, inputs)
        workspace.record(f"{self.name}-{variant.name}-{seed}", f"{self.name}: {variant.name}, seed {seed}")
        scored = ", ".join(f"{model} {100 * result.accuracy:.1f} %" for model, result in run.models.items())
        self.say(f"  {len(stages.ran)} stages run, {len(stages.cached)} from the run cache; {scored}")
        return run, _same(tests, its_tests)

    def _save(self, tests: ProblemSet, kept: Mapping[tuple[str, int], Run]) -> Results:
        made = comparison.results(self.name, self.experiment, tests, list(kept.values()))
        ablations.save(self.file, made)
        return made

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """Keep a second ablation of the project away: it would compute at the same time what both have in common."""
        folder = self.root / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError("another `mathse ablate` is running in this project; wait for it or end it") from error
            yield


class _Any:
    """In place of a baseline that has not been run yet, to check a variant's params."""

    train_problems = 1

    def rows_of(self, model: str) -> int:
        return 1

    def teacher_calls_of(self, model: str) -> int:
        return 1


ANY: Baseline = _Any()


def opened(root: Path, name: str, experiment: Experiment, say: Say) -> Ablation:
    """An experiment on the project's params.

    Raises:
        ParamsError: params.yaml is not in order.
    """
    params.load(root / PARAMS)
    return Ablation(root, name, experiment, yaml_file.read(root / PARAMS), say)


def _same(known: ProblemSet | None, others: ProblemSet) -> ProblemSet:
    if known is not None and known != others:
        raise UserError("the runs were measured on different test problems; no variant may change `problems`")
    return others
