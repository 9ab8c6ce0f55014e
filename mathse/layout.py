"""Where every dataset, model and report lies, relative to the project's root: the contract between stages and users.

A step of the loop (`steps` of params.yaml: `0`, `1`, `2`, `final` by default) names its paths, verdicts, mix and what
remains; a model (`models`, by default one per step, of its name) names its predictions, metrics and reports. `base`
stands before the first step; `student` and the ORMs are trained like any other model, on mixes of their names.

    data/paths/1.parquet  data/verdicts/1.parquet  data/mix/1.parquet  data/remaining/1.parquet
    models/1              data/predictions/1.parquet                   reports/metrics/1.json
"""

from pathlib import Path

DATA = Path("data")
MODELS = Path("models")
REPORTS = Path("reports")
STATE = Path(".mathse")
"""Journals, checkpoints and locks: partial work that outlives a killed stage. Ignored by git and by DVC."""

PROBLEMS = DATA / "problems" / "problems.parquet"
IMAGES = DATA / "problems" / "images.parquet"
ORIGINS = DATA / "problems" / "origins.parquet"
REJECTS = DATA / "ingest" / "rejects.parquet"
LEAKS = DATA / "ingest" / "leaks.parquet"
BENCHMARK_ITEMS = DATA / "benchmarks" / "items.parquet"
BENCHMARK_IMAGES = DATA / "benchmarks" / "images.parquet"
BENCHMARK_REJECTS = DATA / "benchmarks" / "rejects.parquet"
SOURCES = DATA / "sources"
"""Where data sets are put that problems come from; DVC watches it."""
CURATION = DATA / "curation.jsonl"
"""What people said of single paths, a decision per line; tracked by git."""
TINY = MODELS / "tiny"
"""The default base's folder, which git keeps; no stage makes it."""
CONTACT_SHEET = REPORTS / "contact_sheet.png"
SOURCE_REPORTS = REPORTS / "sources"
"""What came in by source and reason, and a contact sheet per data set."""

PATHS = DATA / "paths"
VERDICTS = DATA / "verdicts"
MIXES = DATA / "mix"
REMAINING = DATA / "remaining"
DECISIONS = "decisions.parquet"
"""Of `curation`: what people decided, as a table."""
PREDICTIONS = DATA / "predictions"
ORMS = DATA / "orm"
METRICS = REPORTS / "metrics"
ACCURACY = REPORTS / "accuracy.json"
"""What every model and ORM scored."""
TRAINING = REPORTS / "training"
TIMINGS = REPORTS / "timings"
"""How long things took, in memory and tokens per second: shown, but neither tracked by git nor compared."""
MIX_REPORTS = REPORTS / "mixes"
PLOTS = REPORTS / "plots"
ABLATIONS = REPORTS / "ablations"
"""What experiments came to; tracked by git."""
JUDGED = REPORTS / "judged.json"
"""How good the ORM is on each step's own paths."""
OFFICIAL_TABLES = REPORTS / "official.json"
"""The benchmarks' official tables, by model and benchmark."""


def paths(step: str) -> Path:
    """What a step was answered; of `student`, the teacher's paths that train the ORM's student."""
    return PATHS / f"{step}.parquet"


def verdicts(step: str) -> Path:
    """The verdicts on a step's paths."""
    return VERDICTS / f"{step}.parquet"


def curation(orm: str) -> Path:
    """What people decided about paths, and their corrections as this ORM judges them: `paths/1.parquet`, ..."""
    return DATA / "curation" / orm


def edited_paths(orm: str, step: str) -> Path:
    """People's corrections of a step's paths; no file where there are none."""
    return curation(orm) / "paths" / f"{step}.parquet"


def edited_verdicts(orm: str, step: str) -> Path:
    """The verdicts on these corrections."""
    return curation(orm) / "verdicts" / f"{step}.parquet"


def mix(name: str) -> Path:
    """The rows that train a model, an ORM or the ORM's student; of `base`, none."""
    return MIXES / f"{name}.parquet"


def remaining(step: str) -> Path:
    """The training problems that no row of a step's mix solves; of `base`, all of them."""
    return REMAINING / f"{step}.parquet"


def mix_report(step: str) -> Path:
    """What went into a mix and what was left out, by reason."""
    return MIX_REPORTS / f"{step}.json"


def orm_paths(orm: str) -> Path:
    """The paths from which an ORM learns to judge."""
    return ORMS / orm / "paths.parquet"


def orm_feedback(orm: str) -> Path:
    """What the teacher says of these paths."""
    return ORMS / orm / "feedback.parquet"


def orm_held_out(orm: str) -> Path:
    """The part of them that it is measured on."""
    return ORMS / orm / "held_out.parquet"


def orm_verdicts(orm: str) -> Path:
    """What it says of that part."""
    return ORMS / orm / "verdicts.parquet"


def model(name: str) -> Path:
    """The folder of a model: safetensors, processor and lineage file."""
    return MODELS / name


def predictions(model: str) -> Path:
    """A model's answers to the test problems and the benchmarks."""
    return PREDICTIONS / f"{model}.parquet"


def metrics(model: str) -> Path:
    """The measurement of a model or an ORM; tracked by git."""
    return METRICS / f"{model}.json"


def training_report(model: str) -> Path:
    """How a training went: rows, steps, tokens, losses; tracked by git."""
    return TRAINING / f"{model}.json"


def timings(name: str) -> Path:
    """How long a piece of work took, and in how much memory."""
    return TIMINGS / f"{name}.json"


def stage_timings(stage: str) -> Path:
    """How long the last run of a stage took, such as `mix-1`."""
    return TIMINGS / "stages" / f"{stage}.json"


def live(model: str) -> Path:
    """The losses of a training, written while it runs."""
    return REPORTS / "live" / f"{model}.tsv"


def checkpoints(model: str) -> Path:
    """The checkpoints of a model whose training was killed."""
    return STATE / "checkpoints" / model


def lengths(model: str) -> Path:
    """How long the rows are that train a model."""
    return STATE / "lengths" / f"{model}.json"


def running(stage: str) -> Path:
    """How far a stage is that runs now; gone when it ends."""
    return STATE / "running" / f"{stage.replace(' ', '-')}.json"


def journal(stage: str) -> Path:
    """The journal of a stage's completions."""
    return STATE / "journal" / f"{stage}.sqlite"


def project_around(folder: Path) -> Path | None:
    """The project that a folder is, or lies in: the nearest one that has params or is tracked by DVC."""
    for place in (folder, *folder.parents):
        if (place / "params.yaml").is_file() or (place / "dvc.yaml").is_file() or (place / ".dvc").is_dir():
            return place
    return None
