"""`reports/index.html`: a run on one page, with every table and chart beside the paper's numbers, and examples.

One file that loads nothing: style and charts stand in it, pictures are data URIs. Text from data is escaped (Jinja2),
and what Vega draws has escaped its own. The same tables give the same bytes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
from jinja2 import Environment, PackageLoader, StrictUndefined

from mathse import layout
from mathse.loop.evaluation.orm_scores import OrmMetrics
from mathse.loop.evaluation.transitions import Transition
from mathse.params import BASE, Params
from mathse.report import ablations, benchmarks, drawing, examples, judging, loop_picture, paper, table, text, work
from mathse.report.judging import Counts, Judged
from mathse.report.names import Names
from mathse.report.series import OUTCOMES
from mathse.report.table import Cells, Measured
from mathse.tables import lookup, store
from mathse.tables.schemas import OWN_TESTS, MixRow, PathKind, Problem, Split, Status
from mathse.terminal import visible


@dataclass(frozen=True)
class Run:
    """All that the page tells of.

    Attributes:
        root: The project's folder.
        settings: Its params.
        models: The models that are measured.
        orms: The ORMs, by name.
        counts: The paths of all steps.
        judged: The ORM on each step's own paths.
        steps: What each step changed, by benchmark.
        series: The rows behind the charts, by name.
    """

    root: Path
    settings: Params
    models: Sequence[Measured]
    orms: Mapping[str, OrmMetrics]
    counts: Counts
    judged: Mapping[str, Judged]
    steps: Sequence[tuple[str, Transition]]
    series: Mapping[str, drawing.Rows]

    @cached_property
    def splits(self) -> Counter[str]:
        """How many problems each split has."""
        return Counter(store.columns(self.root / layout.PROBLEMS, Problem, ["split"]).column("split").to_pylist())

    @property
    def names(self) -> Names:
        """What its steps and models are called."""
        return Names(self.settings)


class Grid(NamedTuple):
    """A table of the page.

    Attributes:
        caption: What it shows.
        cells: Its heading first.
        paper_rows: How many of the last rows are the paper's numbers.
        paper_columns: How many of the last columns are.
        words: Whether the cells are words, which may wrap, rather than numbers.
    """

    caption: str
    cells: Cells
    paper_rows: int = 0
    paper_columns: int = 0
    words: bool = False


def render(run: Run) -> str:
    """The page."""
    folder = resources.files("mathse.report") / "templates"
    sheet = (folder / "index.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader("mathse.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=text.visible,
    )  # fmt: skip
    charts = {chart.name: chart for chart in drawing.of_report(run.series)}
    drawn = {name: visible(drawing.themed(chart.svg(), sheet)) for name, chart in charts.items()}
    return environment.get_template("index.html").render(
        sheet=sheet,
        run=run,
        facts=_facts(run),
        loop=loop_picture.draw(_rows(run), "The loop, with the counts of this run"),
        charts=charts,
        drawn=drawn,
        stages=_stages(run),
        changes=_changes(run),
        public=_public(run),
        orm=_orm(run),
        own_paths=_own_paths(run),
        lengths=paper.LENGTHS,
        tokens=_tokens(run),
        ablations=[
            (
                results.title,
                results.experiment,
                [Grid(f"{results.experiment}: {of}", cells) for of, cells in ablations.grids(results).items()],
            )
            for results in ablations.load_all(run.root)
        ],
        paper_ablations=(
            ("Table 3, feedback of a reflection", paper.TABLE_3),
            ("Table 4, who wrote 240,000 rows", paper.TABLE_4),
        ),
        examples=examples.examples(run.root, run.settings),
        lineage=_lineage(run),
    )


def _facts(run: Run) -> dict[str, str]:
    split = run.splits
    settings, last = run.settings, run.models[-1]
    return {
        "problems": ", ".join(
            f"{split[part]:,} {purpose}"
            for part, purpose in (
                (Split.TRAIN, "to learn from"), (Split.ORM, "for the ORM's data"), (Split.TEST, "to measure on")
            )
        ),
        "base": str(settings.base.source),
        "teacher": settings.teacher.engine,
        "seed": str(settings.seed),
        "accuracy": f"{100 * last.metrics.accuracy:.1f}",
        "interval": f"{100 * last.metrics.ci_low:.1f} to {100 * last.metrics.ci_high:.1f}",
        "first": f"{100 * run.models[0].metrics.accuracy:.1f}",
        "model": last.title,
        "n": f"{last.metrics.n:,}",
    }  # fmt: skip


def _rows(run: Run) -> list[loop_picture.Row]:
    """The rows of the loop's picture: each ORM's, each step's, and what is measured beside its model."""
    names, settings = run.names, run.settings
    accuracies = {model.metrics.model: f"{100 * model.metrics.accuracy:.1f} % of the tests" for model in run.models}
    rows: list[loop_picture.Row] = []
    places: dict[str, int] = {}
    for orm in settings.orms:
        paths, mix = (run.root / file for file in (layout.orm_paths(orm), layout.mix(orm)))
        counted = [f"{pq.read_metadata(file).num_rows:,}" if file.exists() else "" for file in (paths, mix)]
        measured = run.orms.get(orm)
        boxes = (
            ("Student and teacher", f"{counted[0]} paths" if counted[0] else ""),
            ("Teacher", "first wrong step, why"),
            (f"mix/{orm}", f"{counted[1]} rows" if counted[1] else ""),
            (f"models/{orm}", f"{100 * measured.accuracy:.1f} % held out" if measured else ""),
        )
        rows.append(loop_picture.Row(names.heading(orm), "", boxes, teacher=True, judge="teacher"))
    for step, about in settings.steps.items():
        judged = run.judged[step]
        asked = sum(often for one, often in run.counts.asked.items() if one.step == step)
        accepted = sum(
            often for case, often in run.counts.cases.items() if case.step == step and case.orm is Status.CORRECT
        )
        report = table.mix_report(run.root, step)
        new = run.counts.accepted_lengths[step].total()
        trained = names.models_of(step)
        writer = "Teacher" if about.ask != "rollout" else f"models/{about.model}"
        boxes = (
            (writer, f"{judged.paths:,} paths to {asked:,} problems"),
            ("ORM" if len(settings.orms) == 1 else about.judge, f"accepts {accepted:,}"),
            (f"mix/{step}", f"{report.rows:,} rows, {new:,} new" if report else f"{new:,} new"),
            (
                ", ".join(f"models/{name}" for name in trained),
                ", ".join(accuracies[name] for name in trained if name in accuracies),
            ),
        )
        solved = lookup.problem_ids(run.root / layout.mix(step), MixRow)
        remaining = f"{run.splits[Split.TRAIN] - len(solved):,} unsolved"
        source = places.get(about.model) if about.ask == "rollout" else None
        takes = ""
        if about.ask == "reflect":
            source, takes = places.get(about.prev), "wrong paths, the step, and why"
        rows.append(
            loop_picture.Row(
                names.heading(step), remaining, boxes, teacher=about.ask != "rollout", source=source, takes=takes,
                grows=about.prev in places and places[about.prev] == len(rows) - 1,
            )
        )  # fmt: skip
        places[step] = len(rows) - 1
    return rows


def _stages(run: Run) -> Grid:
    """The paper's Table 1: a row per model, the paper's numbers of the same stage behind."""
    stages = paper.stages(run.settings)
    cells: Cells = [(*table.HEADINGS, *(f"{paper.LABEL}{name}" for name in paper.MODELS))]
    for model in run.models:
        stage = stages.get(model.metrics.model)
        reported = (f"{number:.2f}" for number in paper.TABLE_1[stage]) if stage else ("" for _ in paper.MODELS)
        cells.append((*table.cells(model), *reported))
    return Grid(
        "Accuracy by stage (the paper's Table 1: MathVL-test; after its last round, and after reflection)", cells,
        paper_columns=len(paper.MODELS),
    )  # fmt: skip


def _changes(run: Run) -> Grid:
    """The paper's Figure 2, as shares of the problems: what each step gained and lost."""
    outcomes = (outcome.replace("_", " ") for outcome in OUTCOMES)
    cells: Cells = [("step", "on", *outcomes, "p (McNemar)")]
    for name, step in run.steps:
        shares = benchmarks.shares([getattr(step, outcome) for outcome in OUTCOMES])
        on = "own tests" if name == OWN_TESTS else name
        cells.append((f"{step.before} to {step.after}", on, *shares, f"{step.p_value:.2g}"))
    for name, reported in paper.FIGURE_2.items():
        cells.append((f"{paper.LABEL}{name}", "2,000 problems", *benchmarks.shares(reported), ""))
    return Grid("What each step gained and lost (the paper's Figure 2)", cells, len(paper.FIGURE_2))


def _public(run: Run) -> Grid | None:
    """The paper's Table 2, where some benchmark is measured."""
    cells = benchmarks.cells(run.models)
    if not cells:
        return None
    places = {name: place for place, name in enumerate(paper.TABLE_2_COLUMNS)}
    for name, reported in paper.TABLE_2.items():
        row = (f"{reported[places[column]]:.2f}" if column in places else "" for column in cells[0][1:])
        cells.append((f"{paper.LABEL}{name}", *row))
    return Grid(benchmarks.TITLE, cells, len(paper.TABLE_2))


def _orm(run: Run) -> Grid:
    """The paper's Table 5."""
    cells: Cells = [("ORM", "held-out paths", "correct", "wrong", "all", "first wrong step", "undecided")]
    for name, orm in run.orms.items():
        shares = (orm.accuracy_correct, orm.accuracy_wrong, orm.accuracy, orm.step_accuracy)
        cells.append((name, f"{orm.n:,}", *(f"{100 * share:.1f}" for share in shares), f"{orm.undecided:,}"))
    for name, reported in paper.TABLE_5.items():
        step = f"{paper.FIRST_STEP:.0f}" if name.endswith("analysis") else ""
        cells.append((f"{paper.LABEL}{name}", "2,000", *(f"{number:.2f}" for number in reported), step, ""))
    caption = "The ORM on held-out paths (the paper's Table 5), shares judged as annotated in %"
    return Grid(caption, cells, len(paper.TABLE_5))


def _own_paths(run: Run) -> Grid:
    """The ORM on each step's own paths: of how many a share is stands below it, else the table is wider than a page."""
    heading, *rows = judging.cells(run.judged, run.names)
    cells: Cells = [heading]
    cells += [(step, paths, *(share.replace(" of ", "\nof ") for share in shares)) for step, paths, *shares in rows]
    return Grid("The ORM on each step's own paths, shares in % (95 % interval) of how many", cells)


def _tokens(run: Run) -> Grid:
    asked = work.uses(run.root, run.settings, run.counts)
    cells: Cells = [("work", "tokens read", "tokens written", "cost, US dollars")]
    cells += [(name, f"{use.tokens_in:,}", f"{use.tokens_out:,}", f"{use.cost:,.2f}") for name, use in asked.items()]
    total = work.total(asked.values())
    cells.append(("all", f"{total.tokens_in:,}", f"{total.tokens_out:,}", f"{total.cost:,.2f}"))
    return Grid("What was asked of teacher, students and ORM", cells)


def _lineage(run: Run) -> Grid:
    """What made each model: its start, its mix by where the rows came from, how long it was trained, its weights."""
    names, settings = run.names, run.settings
    cells: Cells = [("model", "starts from", "mix", "rows, by where they came from", "steps", "loss", "weights")]
    fingerprints = {model.metrics.model: model.metrics.fingerprint for model in run.models}
    cells.append((BASE, str(settings.base.source), "", "", "", "", fingerprints.get(BASE, "")))
    for model in settings.trained:
        start, mix, _ = settings.recipe(model)
        report = table.training(run.root, model)
        file = run.root / layout.mix(mix)
        cells.append(
            (
                model,
                start,
                f"mix/{mix}",
                _rows_of(file, names) if file.exists() else "",
                f"{report.steps:,}" if report else "",
                f"{report.final_loss:.3f}" if report and report.final_loss is not None else "",
                report.model if report else "",
            )
        )
    return Grid("What each model came from", cells, words=True)


def _rows_of(file: Path, names: Names) -> str:
    """The rows of a mix by kind and round: `334: 175 distilled, 159 round 1`."""
    rows = store.columns(file, MixRow, ["kind", "round"])
    counts = Counter(zip(rows.column("kind").to_pylist(), rows.column("round").to_pylist(), strict=True))
    kinds = (
        f"{count:,} round {number}" if kind == PathKind.ROLLOUT else f"{count:,} {kind}"
        for (kind, number), count in sorted(counts.items(), key=lambda entry: (entry[0][1], entry[0][0]))
    )
    return f"{len(rows):,}: {', '.join(kinds)}" if counts else "0"
