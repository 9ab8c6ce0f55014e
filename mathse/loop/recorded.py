"""Solutions that a teacher wrote once, as distilled paths: no teacher has to be asked for them again.

In: `distill.recorded` and the problems to distil. Out: one path per recorded solution, matched to its problem by source
and id (`data/problems/origins.parquet`); a solution that fits none of the problems is counted, with its reason.

A path that another run has exported stays as that run wrote it, with its own model, prompt and id.

Sample: `tabmwp, 38064, "Step 1: ... Answer: 12"`  ->  a distilled path of that problem, model `recorded:tabmwp`
"""

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path as File

from mathse import layout
from mathse.answers.extract import extract
from mathse.answers.tags import without_thought
from mathse.errors import UserError
from mathse.params import Distill
from mathse.sources.adapter import adapter
from mathse.sources.rows.raw import Recorded
from mathse.tables import store
from mathse.tables.schemas import Origin, Path, PathKind, Reject, content_id

PROMPT = "recorded@1"
"""In place of a prompt: what the teacher was asked is not ours to say."""


class Recordings:
    """The recorded solutions of some problems.

    Attributes:
        solved: Problems that have at least one.
        left_out: Solutions that are not used, by reason.
    """

    def __init__(self, settings: Distill, problem_ids: Collection[str], root: File = File()) -> None:
        """Find out which of the problems have recorded solutions.

        Args:
            settings: Names the recordings, and how many paths a problem gets.
            problem_ids: The problems to distil.

        Raises:
            UserError: A recording, or the table of origins, is not there.
        """
        self._recordings, self._samples = settings.recorded, settings.samples
        self._problem_ids = set(problem_ids)
        sources = {recording.solves for recording in settings.recorded}
        origins = store.scan(root / layout.ORIGINS, Origin) if sources else ()
        self._problems = {(row.source, row.source_id): row.problem_id for row in origins if row.source in sources}
        self.left_out: Counter[str] = Counter()
        self.solved = {problem_id for _, problem_id, _, _ in self._used(self.left_out)}

    def paths(self) -> Iterator[Path]:
        """The solutions as paths, at most `distill.samples` per problem, in the order of the recordings."""
        for teacher, problem_id, sample_idx, solution in self._used(Counter()):
            if solution.path is not None:
                yield solution.path
                continue
            text = without_thought(solution.text)
            identity = (problem_id, PathKind.DISTILLED, 0, sample_idx, teacher, PROMPT, 0)
            yield Path(
                path_id=content_id("path", *identity, None, text),
                problem_id=problem_id,
                kind=PathKind.DISTILLED,
                round=0,
                sample_idx=sample_idx,
                author=teacher,
                prompt_id=PROMPT,
                seed=0,
                text=text,
                answer=extract(text),
                finish_reason="stop",
                tokens_in=0,
                tokens_out=0,
            )

    def _used(self, left_out: Counter[str]) -> Iterator[tuple[str, str, int, Recorded]]:
        """Teacher, problem, sample and solution of each solution that is used; counts the others."""
        samples: Counter[str] = Counter()
        for recording in self._recordings:
            solutions = adapter(recording.name).recorded
            if solutions is None:
                raise UserError(
                    f"mathse/sources/licences.yaml: {recording.name}_recorded: the adapter has no recorded solutions"
                )
            for solution in solutions(recording.path):
                problem_id = self._problems.get((recording.solves, solution.source_id))
                if isinstance(solution, Reject):
                    left_out[solution.reason] += 1
                elif problem_id is None:
                    left_out["recorded for no admitted problem"] += 1
                elif solution.path is not None and solution.path.problem_id != problem_id:
                    left_out["recorded for another form of the problem"] += 1
                elif problem_id not in self._problem_ids:
                    left_out["recorded for a problem not distilled"] += 1
                elif samples[problem_id] == self._samples and not _is_edited(solution):
                    left_out["recorded beyond distill.samples"] += 1
                else:
                    yield f"recorded:{recording.name}", problem_id, samples[problem_id], solution
                    samples[problem_id] += not _is_edited(solution)


def _is_edited(solution: Recorded) -> bool:
    """Whether it stands in place of another path, which counts as a sample."""
    return solution.path is not None and solution.path.kind is PathKind.EDITED
