"""Build what lies under `reports/` beside the metrics: the plots (data and pictures), and pages of it all.

In: `reports/{metrics,mixes,training,ablations}/*.json`, `data/{problems,paths,verdicts,mix,predictions,orm}/*`.
Out: `reports/plots/*.{json,png,svg,pdf}`, `reports/report.md`, `reports/index.html`, `reports/judged.json`,
`reports/official.json`; the same inputs give the same bytes.
"""

import json
from pathlib import Path

from mathse import layout, params
from mathse.report import ablations, benchmarks, drawing, judging, series, table, webpage, work
from mathse.report.names import Names
from mathse.tables.files import write
from mathse.tables.schemas import OWN_TESTS

PAGE = layout.REPORTS / "report.md"
WEB_PAGE = layout.REPORTS / "index.html"
STEPS = "Problems that a step gained and lost, and how likely so uneven a change is by chance (McNemar's exact test)"


def build(root: Path) -> list[Path]:
    """Write the plots and the pages, and return the files in order.

    Raises:
        UserError: A metrics file or a table is missing; names it.
    """
    settings = params.load(root / params.PARAMS)
    models, orms = table.load(root), table.load_orms(root)
    steps = benchmarks.steps(root, models)
    own = [step for name, step in steps if name == OWN_TESTS]
    results = {each.experiment: each for each in ablations.load_all(root)}
    names = Names(settings)
    counts = judging.count(root, settings)
    judged = judging.by_step(counts, settings)
    data: dict[str, series.Rows] = {
        "accuracy": series.accuracy(models, own, results.get(ablations.STEPS), settings),
        "measures": series.measures(models),
        "experiments": series.experiments(
            each for name, each in results.items() if name != ablations.STEPS and not each.is_of_orms
        ),
        "transitions": series.transitions(own),
        "orm_confusion": series.orm_confusion(list(orms.values())[-1]),  # the one that judges last
        "acceptance": series.acceptance(counts, names),
        "agreement": series.agreement(counts, names),
        "calibration": series.calibration(counts, names),
        "error_types": series.error_types(counts, names),
        "solved": series.solved(counts, names),
        "lengths": series.lengths(work.answer_lengths(root, models), counts, names),
        "pass_at": series.pass_at(models),
        "work": series.work(work.uses(root, settings, counts), work.trained_tokens(root, settings)),
    }
    run = webpage.Run(root, settings, models, orms, counts, judged, steps, data)
    pictures = drawing.of_report(data)
    own_paths = f"{judging.TITLE}:\n\n{table.grid(judging.cells(judged, names))}"
    body = f"{table.markdown(models)}\n{table.orm_lines(orms)}\n\n{own_paths}{benchmarks.markdown(models)}"
    images = (f"![{chart.title}](plots/{chart.name}.png)\n" for chart in pictures)
    changes = table.grid(benchmarks.step_cells(steps), left=2)
    page = "\n".join(["# The loop, measured\n", body, *images, f"{STEPS}:\n", changes])
    official = json.dumps(benchmarks.official(root, models, settings), indent=1, ensure_ascii=False)
    contents = {
        **{layout.PLOTS / f"{name}.json": (json.dumps(rows, indent=1) + "\n").encode() for name, rows in data.items()},
        **{
            layout.PLOTS / f"{chart.name}.{kind}": content
            for chart in pictures
            for kind, content in chart.files().items()
        },
        layout.JUDGED: judging.document(judged),
        layout.OFFICIAL_TABLES: (official + "\n").encode(),
        PAGE: page.encode(),
        WEB_PAGE: webpage.render(run).encode(),
    }
    for name, content in contents.items():
        write(root / name, content)
    return [root / name for name in contents]
