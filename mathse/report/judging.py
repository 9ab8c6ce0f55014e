"""What became of every path of every step, counted: the ORM's word beside the rule grader's and the scene's truth.

The ORM's accuracy on a balanced held-out set (`mathse.loop.evaluation.orm_scores`) does not say how it does where it is
used: where nine paths of ten are wrong, one false acceptance in twenty is a third of the mix. Here it is measured on
each step's own paths. The rule grader decides which answers are right; of drawn figures the scene tells more: which
paths hold a wrong step whatever their answer, and which step is the first wrong one (`mathse.synthetic.review`).

In: `data/problems`, `data/paths/*`, `data/verdicts/*`, `data/mix/*`. Out: `reports/judged.json`, one object per step:

    {"1": {"paths": 1644, "undecided": 2, "ungraded": 44, "precision": {"n": 196, "hits": 174, "share": 0.8878, ...}}}
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mathse import layout
from mathse.errors import UserError
from mathse.loop.evaluation.statistics import DIGITS, wilson
from mathse.params import Params
from mathse.report.names import Names
from mathse.synthetic.figures import figure
from mathse.synthetic.mistakes import Mistake
from mathse.synthetic.review import Finding, review
from mathse.tables import schemas, store
from mathse.tables.lookup import ProblemLookup
from mathse.tables.schemas import MixRow, Problem, Status, Verdict

FIGURES = "figures"
"""The source whose problems are drawn from scenes."""
SOUND = "none"
"""In place of a kind of mistake: the scene says that no step is wrong."""
UNNAMED = "unnamed"
"""In place of a kind of mistake: the judge names none that there is."""
_TYPE = re.compile(r"\s*(\w+)\s*:")
_KINDS = frozenset(Mistake)


class Case(NamedTuple):
    """What is counted of a path; paths that are alike in all of it are one case.

    Attributes:
        step: The step that asked for it.
        subject: Of its problem.
        level: Of its problem.
        orm: What the ORM says.
        rule: What the rule grader says.
        trained: Whether the step's mix has it.
        named: The kind of mistake that the ORM names; None unless it says WRONG.
        truth: The kind of the first mistake by the scene, or `none`; None where there is no scene.
        found: Whether the ORM names the step that is the first wrong one by the scene.
    """

    step: str
    subject: str
    level: int
    orm: Status
    rule: Status
    trained: bool
    named: str | None
    truth: str | None
    found: bool


class Asked(NamedTuple):
    """What is counted of a problem that a step asked about: `solved` if the step brought a row of it into the mix."""

    step: str
    subject: str
    level: int
    solved: bool


class Use(NamedTuple):
    """What a piece of work took, summed over its rows."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0

    def plus(self, row: schemas.Path | Verdict | schemas.Feedback | schemas.Prediction) -> "Use":
        """With one more row."""
        return Use(self.tokens_in + row.tokens_in, self.tokens_out + row.tokens_out, self.cost + row.cost)


@dataclass
class Counts:
    """The paths of a run, counted: as large for millions of paths as for a thousand.

    Attributes:
        cases: Number of paths by case.
        asked: Number of problems by what became of them.
        lengths: Number of paths by their characters, by step.
        accepted_lengths: The same of the paths that the step's mix has.
        writing: What the paths took, by step.
        judging: What the verdicts took, by step.
        confidences: Number of paths by how sure the ORM was and whether the rule grader agrees with it, by step; of
            what both decide.
    """

    cases: Counter[Case] = field(default_factory=Counter)
    asked: Counter[Asked] = field(default_factory=Counter)
    lengths: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    accepted_lengths: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    writing: dict[str, Use] = field(default_factory=lambda: defaultdict(Use))
    judging: dict[str, Use] = field(default_factory=lambda: defaultdict(Use))
    confidences: dict[str, Counter[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(Counter))


def count(root: Path, settings: Params) -> Counts:
    """Count every path of every step.

    Raises:
        UserError: A table is missing or damaged, a step's verdicts are not those of its paths, or a path's problem is
            not in the table of problems.
    """
    counts = Counts()
    problems = ProblemLookup(root / layout.PROBLEMS)
    for step in settings.steps:
        trained = trained_by(root, step)
        solved: dict[str, bool] = {}
        for path, verdict in judged_paths(root, step):
            problem = problems.get(path.problem_id)
            if problem is None:
                file = root / layout.paths(step)
                raise UserError(f"{file}: path {path.path_id} is of no known problem; `dvc repro` makes it anew")
            chosen = path.path_id in trained
            counts.cases[case_of(step, path, verdict, problem, chosen)] += 1
            counts.lengths[step][len(path.text)] += 1
            if chosen:
                counts.accepted_lengths[step][len(path.text)] += 1
            solved[path.problem_id] = solved.get(path.problem_id, False) or chosen
            counts.writing[step] = counts.writing[step].plus(path)
            counts.judging[step] = counts.judging[step].plus(verdict)
            if verdict.confidence is not None and Status.UNDECIDED not in (verdict.status, verdict.rule_status):
                counts.confidences[step][verdict.confidence, verdict.status is verdict.rule_status] += 1
        for problem_id, is_solved in solved.items():
            problem = problems[problem_id]
            counts.asked[Asked(step, problem.subject, problem.level, is_solved)] += 1
    return counts


def judged_paths(root: Path, step: str) -> Iterator[tuple[schemas.Path, Verdict]]:
    """A step's paths, each with its verdict; both tables are sorted by path.

    Raises:
        UserError: A table is missing or damaged, or the verdicts are not those of the paths.
    """
    paths = store.scan(root / layout.paths(step), schemas.Path)
    verdicts = store.scan(root / layout.verdicts(step), Verdict)
    try:
        for path, verdict in zip(paths, verdicts, strict=True):
            if path.path_id != verdict.path_id:
                raise ValueError(f"path {path.path_id} stands beside the verdict on {verdict.path_id}")
            yield path, verdict
    except ValueError as error:
        file = root / layout.verdicts(step)
        raise UserError(f"{file}: not the verdicts on the step's paths ({error}); `dvc repro` makes them") from error


def trained_by(root: Path, step: str) -> set[str]:
    """The ids of the paths that a step's mix has.

    Raises:
        StoreError: The mix is missing or damaged.
    """
    return set(store.columns(root / layout.mix(step), MixRow, ["path_id"]).column("path_id").to_pylist())


def case_of(step: str, path: schemas.Path, verdict: Verdict, problem: Problem, trained: bool) -> Case:
    """What is counted of a path."""
    wrong = verdict.status is Status.WRONG
    is_drawn, finding = reviewed(problem, path.text)
    return Case(
        step=step, subject=problem.subject, level=problem.level, orm=verdict.status, rule=verdict.rule_status,
        trained=trained, named=error_type(verdict) if wrong else None,
        truth=str(finding.kind) if finding else SOUND if is_drawn else None,
        found=finding is not None and wrong and verdict.error_step == finding.step,
    )  # fmt: skip


def reviewed(problem: Problem, text: str) -> tuple[bool, Finding | None]:
    """Whether the problem's scene is known, and if so the first mistake of a path."""
    if problem.source != FIGURES or not text:
        return False, None
    try:
        scene = figure(problem.source_id)
    except ValueError:  # it has the source's name, and is no drawn figure
        return False, None
    return True, review(scene, text)


def error_type(verdict: Verdict) -> str:
    """The kind of mistake that a verdict's analysis opens with (the paper's Figure 4), or `unnamed`."""
    match = _TYPE.match(verdict.error_analysis or "")
    kind = match[1].casefold() if match else UNNAMED
    return kind if kind in _KINDS else UNNAMED


class Share(BaseModel):
    """A share, between 0 and 1; null where it is one of nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(ge=0, description="Of how many.")
    hits: int = Field(ge=0)
    share: float | None = None

    @classmethod
    def of(cls, cases: Mapping[Case, int], within: Callable[[Case], bool], hit: Callable[[Case], bool]) -> Self:
        """The share of hits within some paths."""
        n = sum(often for case, often in cases.items() if within(case))
        hits = sum(often for case, often in cases.items() if within(case) and hit(case))
        return cls(n=n, hits=hits, share=round(hits / n, DIGITS) if n else None)

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % Wilson interval; that of nothing is everything."""
        return wilson(self.hits, self.n) if self.n else (0.0, 1.0)

    def __str__(self) -> str:
        if self.share is None:
            return "none"
        low, high = self.interval
        return f"{100 * self.share:.1f} ({100 * low:.1f} to {100 * high:.1f})"


class Judged(BaseModel):
    """An ORM's measurement on the paths of one step, or on part of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paths: int = Field(ge=0)
    undecided: int = Field(ge=0, description="Paths of which the ORM says neither.")
    ungraded: int = Field(ge=0, description="Paths of which the rule grader says neither: in no share by rule.")
    precision: Share = Field(description="Of the accepted paths, those whose answer is right by rule.")
    recall: Share = Field(description="Of the paths whose answer is right by rule, those accepted.")
    mix_precision: Share = Field(description="Of the step's rows in its mix, those whose answer is right by rule.")
    sound: Share = Field(description="Of the accepted paths, those without a wrong step by the scene.")
    sound_recall: Share = Field(description="Of the paths without a wrong step by the scene, those accepted.")
    first_step: Share = Field(description="Of the paths with a wrong step, those rejected at the first one of them.")
    error_type: Share = Field(description="Of the paths rightly rejected, those whose kind of mistake is named.")


SHARES = ("precision", "recall", "mix_precision", "sound", "sound_recall", "first_step", "error_type")
"""The fields of `Judged` that are shares."""


def measure(cases: Mapping[Case, int]) -> Judged:
    """Measure an ORM's verdicts on these paths."""

    def accepted(case: Case) -> bool:
        return case.orm is Status.CORRECT

    def right(case: Case) -> bool:
        return case.rule is Status.CORRECT

    def graded(case: Case) -> bool:
        return case.rule is not Status.UNDECIDED

    def sound(case: Case) -> bool:
        return case.truth == SOUND

    def flawed(case: Case) -> bool:
        return case.truth not in (None, SOUND)

    return Judged(
        paths=sum(cases.values()),
        undecided=sum(often for case, often in cases.items() if case.orm is Status.UNDECIDED),
        ungraded=sum(often for case, often in cases.items() if not graded(case)),
        precision=Share.of(cases, lambda case: accepted(case) and graded(case), right),
        recall=Share.of(cases, right, accepted),
        mix_precision=Share.of(cases, lambda case: case.trained and graded(case), right),
        sound=Share.of(cases, lambda case: accepted(case) and case.truth is not None, sound),
        sound_recall=Share.of(cases, sound, accepted),
        first_step=Share.of(cases, flawed, lambda case: case.found),
        error_type=Share.of(
            cases, lambda case: flawed(case) and case.orm is Status.WRONG, lambda case: case.named == case.truth
        ),
    )


def by_step(counts: Counts, settings: Params) -> dict[str, Judged]:
    """The measurement of each step, in their order."""
    return {
        step: measure({case: often for case, often in counts.cases.items() if case.step == step})
        for step in settings.steps
    }


_FILE = TypeAdapter(dict[str, Judged])


def document(judged: Mapping[str, Judged]) -> bytes:
    """What `reports/judged.json` holds."""
    content = {step: one.model_dump(mode="json", exclude_none=True) for step, one in judged.items()}
    return (json.dumps(content, indent=1) + "\n").encode()


def load(root: Path) -> dict[str, Judged]:
    """Read `reports/judged.json`; nothing where it is not there yet.

    Raises:
        UserError: It does not hold such measurements.
    """
    file = root / layout.JUDGED
    try:
        return _FILE.validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        raise UserError(f"{file}: does not hold the ORM's measurements; `dvc repro report` makes it anew") from error


TITLE = (
    "The ORM on each step's own paths, shares in % (95 %): *precision* is the share of accepted paths whose answer is "
    "right by rule, *recall* the share of right ones that it accepts, *mix* the precision of the rows that the step "
    "brought into its mix. The scene of a drawn figure tells more: which accepted paths are *without a wrong step*, "
    "and of how many wrong paths the ORM names the *first wrong step*"
)
HEADINGS = ("step", "paths", "precision", "recall", "mix", "without a wrong step", "first wrong step")


def cells(judged: Mapping[str, Judged], names: Names) -> list[tuple[str, ...]]:
    """The same as a table, its heading first."""
    shown = ("precision", "recall", "mix_precision", "sound", "first_step")
    rows: list[tuple[str, ...]] = [HEADINGS]
    for step, one in judged.items():
        shares: list[Share] = [getattr(one, name) for name in shown]
        numbers = (f"{share} of {share.n:,}" if share.n else "" for share in shares)
        rows.append((names.heading(step), f"{one.paths:,}", *numbers))
    return rows
