"""The numbers that README.md and docs/RESULTS.md tell, written from the committed reports: none is typed by hand.

A page has blocks between `<!-- NAME -->` and `<!-- /NAME -->`; `mathse report --docs` writes them anew, and a test
fails where a page says anything else. Everything is read from what git tracks, so that a fresh clone can check it:
`reports/{metrics,mixes,training,ablations}/*.json`, `reports/judged.json` and `reports/plots/*.json`.

    results       a line per model, and the ORM's on its held-out paths
    own_paths     the ORM on each step's own paths
    transitions   what each step gained and lost
    error_types   kinds of mistakes by round, as the ORM says and by the scene
    solved        problems that a step solved, by subject and level
    lengths       characters of a solution
    work          tokens and cost
    seeds         accuracies by seed, and what each step gained over all of them
    gains         what the seeds' final models and rounds gained, in words
    experiments   what the other experiments came to
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mathse import layout, params
from mathse.errors import UserError
from mathse.loop.evaluation.statistics import mcnemar
from mathse.params import BASE
from mathse.report import ablations, benchmarks, judging, names, paper, table
from mathse.report.ablations import Results
from mathse.report.series import OF_THE_PAPER, OUTCOMES

PAGES = (Path("README.md"), Path("docs/RESULTS.md"))
NOT_RUN = f"Not run yet: `mathse ablate {ablations.STEPS}`."
_BLOCK = re.compile(r"(<!-- (?P<name>\w+) -->\n)(?P<body>.*?)(<!-- /(?P=name) -->)", re.DOTALL)
_Row = Mapping[str, Any]


def write(root: Path) -> list[Path]:
    """Write the blocks of every page anew; the pages that changed.

    Raises:
        UserError: A report is missing or damaged, or a page has a block of another name.
    """
    changed = []
    for name in PAGES:
        file = root / name
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8")
        if (filled := fill(text, root, name)) != text:
            file.write_text(filled, encoding="utf-8")
            changed.append(file)
    return changed


def fill(text: str, root: Path, page: Path) -> str:
    """A page with its blocks as the reports have them.

    Raises:
        UserError: It has a block that there is nothing for, or a report is missing or damaged.
    """

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in _BLOCKS:
            raise UserError(f"{page}: there is no block {name!r}; known: {', '.join(sorted(_BLOCKS))}")
        try:
            body = _BLOCKS[name](root)
        except KeyError as error:
            raise UserError(f"{page}: the reports lack {error} of block {name!r}; `dvc repro report`") from error
        return f"{match[1]}{body.rstrip()}\n{match[4]}"

    return _BLOCK.sub(block, text)


def _results(root: Path) -> str:
    models = table.load(root)
    run = f"Seed {params.load(root / params.PARAMS).seed}, {models[-1].metrics.n:,} test problems."
    return f"{table.markdown(models)}\n{run} {table.orm_lines(table.load_orms(root))}"


def _own_paths(root: Path) -> str:
    return table.grid(judging.cells(judging.load(root), names.of(root)))


def _transitions(root: Path) -> str:
    """With the paper's, as shares."""
    steps: dict[str, dict[str, int]] = {}
    for row in (row for row in _series(root, "transitions") if not row["step"].startswith(paper.LABEL)):
        steps.setdefault(row["step"], {})[row["outcome"]] = row["problems"]
    cells: table.Cells = [("step", *(outcome.replace("_", " ") for outcome in OUTCOMES), "p (McNemar)")]
    for step, counts in steps.items():
        p = mcnemar(counts["gained"], counts["lost"])
        cells.append((step, *benchmarks.shares([counts[outcome] for outcome in OUTCOMES]), f"{p:.2g}"))
    cells += [(f"the paper's {step}", *benchmarks.shares(counts), "") for step, counts in paper.FIGURE_2.items()]
    return table.grid(cells)


def _error_types(root: Path) -> str:
    rows = _series(root, "error_types")
    kinds = sorted({row["type"] for row in rows}, key=lambda kind: (kind == judging.UNNAMED, kind))
    cells: table.Cells = [("paths", "by", *kinds)]
    for of, says in dict.fromkeys((row["round"], row["says"]) for row in rows):
        shares = {row["type"]: row["share"] for row in rows if (row["round"], row["says"]) == (of, says)}
        cells.append((of, says, *(f"{100 * shares.get(kind, 0):.1f}" for kind in kinds)))
    return table.grid(cells, left=2)


def _solved(root: Path) -> str:
    rows = _series(root, "solved")
    groups = list(dict.fromkeys((row["by"], row["group"]) for row in rows))
    heads = (f"level {group}" if by == "level" else group for by, group in groups)
    cells: table.Cells = [("step", *heads)]
    for step in dict.fromkeys(row["step"] for row in rows):
        shares = {(row["by"], row["group"]): row["share"] for row in rows if row["step"] == step}
        cells.append((step, *(f"{100 * shares[group]:.1f}" if group in shares else "" for group in groups)))
    return table.grid(cells)


def _lengths(root: Path) -> str:
    cells: table.Cells = [("of", "which", "solutions", "mean", "a tenth below", "median", "nine tenths below")]
    for row in (row for row in _series(root, "lengths") if row["of"] != OF_THE_PAPER):
        numbers = (f"{row[name]:,.1f}" for name in ("mean", "low", "median", "high"))
        cells.append((row["of"], row["name"], f"{row['solutions']:,}", *numbers))
    return table.grid(cells, left=2)


def _work(root: Path) -> str:
    rows = _series(root, "work")
    kinds = ("read", "written", "trained on")
    cells: table.Cells = [("work", *(f"tokens {kind}" for kind in kinds), "cost, US dollars")]
    for work in dict.fromkeys(row["work"] for row in rows):
        counts = {row["tokens"]: row["count"] for row in rows if row["work"] == work}
        cost = sum(row["cost"] for row in rows if row["work"] == work)
        cells.append((work, *(f"{counts[kind]:,}" if kind in counts else "" for kind in kinds), f"{cost:,.2f}"))
    return table.grid(cells)


def _seeds(root: Path) -> str:
    """Accuracies by seed, and over all seeds: their means, and what each step gained."""
    if (results := _steps(root)) is None:
        return NOT_RUN
    known = names.of(root)
    runs = [run for run in results.runs if run.variant == results.baseline]
    steps = [row for row in results.comparison if row.variant == results.baseline]
    orms = list(runs[0].orms)
    titles = ["ORM"] if len(orms) == 1 else [f"ORM {orm}" for orm in orms]
    cells: table.Cells = [("seed", *(known.title(row.model) for row in steps), *titles)]
    for run in runs:
        shares = [run.models[row.model].accuracy for row in steps] + [run.orms[orm].accuracy for orm in orms]
        cells.append((str(run.seed), *(f"{100 * share:.1f}" for share in shares)))
    orm_means = (sum(run.orms[orm].accuracy for run in runs) / len(runs) for orm in orms)
    cells.append(("mean (95 %)", *map(ablations.interval, steps), *(f"{100 * mean:.1f}" for mean in orm_means)))
    gains, empty = [row.difference for row in steps], [""] * len(orms)
    cells.append(("gain (95 %)", *(ablations.interval(gain, "+") if gain else "" for gain in gains), *empty))
    cells.append(("p", *(f"{gain.p:.2g}" if gain else "" for gain in gains), *empty))
    return table.grid(cells)


def _gains(root: Path) -> str:
    """In words, what the steps after the distilled model gained."""
    if (results := _steps(root)) is None:
        return NOT_RUN
    known = names.of(root)
    steps = [row for row in results.comparison if row.variant == results.baseline]
    first, *rounds, last = (row.model for row in steps if row.model != BASE)
    told = [_gain(results, first, last, "the final model", known.title(first))]
    if rounds:
        told.append(_gain(results, first, rounds[-1], f"the rounds by themselves ({known.title(rounds[-1])})", "it"))
    p = max(row.difference.p for row in steps if row.difference)
    seeds = "1 seed" if len(steps[0].seeds) == 1 else f"{len(steps[0].seeds)} seeds"
    return f"Over {seeds}, in points: {'; '.join(told)}. No step has a p above {p:.2g} (McNemar, all seeds together)."


def _gain(results: Results, before: str, after: str, what: str, over: str) -> str:
    models = [results.models(results.baseline, model) for model in (before, after)]
    gains = [100 * (later.accuracy - models[0][seed].accuracy) for seed, later in models[1].items()]
    mean = sum(gains) / len(gains)
    return f"{what} over {over} {min(gains):+.1f} to {max(gains):+.1f}, {mean:+.1f} on average"


def _steps(root: Path) -> Results | None:
    """What the run itself came to with each seed, whose models are compared each with the one before."""
    return ablations.load(ablations.path(root, ablations.STEPS))


def _experiments(root: Path) -> str:
    experiments = [results for results in ablations.load_all(root) if results.experiment != ablations.STEPS]
    if not experiments:
        return "No experiment has results yet."
    return "\n".join(
        f"### {results.title}\n\n`mathse ablate {results.experiment}`, "
        + "\n".join(f"{of}.\n\n{table.grid(cells, left=2)}" for of, cells in ablations.grids(results).items())
        for results in experiments
    )


def _series(root: Path, name: str) -> Sequence[_Row]:
    rows: Sequence[_Row] = _json(root / layout.PLOTS / f"{name}.json")
    return rows


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{file}: not found; `dvc repro report` makes it") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: is damaged ({error}); take it from git") from error


_BLOCKS = {
    "results": _results,
    "own_paths": _own_paths,
    "transitions": _transitions,
    "error_types": _error_types,
    "solved": _solved,
    "lengths": _lengths,
    "work": _work,
    "seeds": _seeds,
    "gains": _gains,
    "experiments": _experiments,
}
