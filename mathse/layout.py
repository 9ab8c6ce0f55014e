"""Where every dataset, model and report lies, relative to the project's root: the contract between stages and users.

Rounds are numbered from 1. A model is named by `base`, `orm`, `student`, a round (`0` is the distilled one) or `final`;
the mix that trained it and the metrics that measure it have the same name.
"""

from pathlib import Path

DATA = Path("data")
MODELS = Path("models")
REPORTS = Path("reports")
STATE = Path(".mathse")
"""Journals, checkpoints and locks: partial work that outlives a killed stage. Ignored by git and by DVC."""

PROBLEMS = DATA / "problems" / "problems.parquet"
IMAGES = DATA / "problems" / "images.parquet"
REJECTS = DATA / "problems" / "rejects.parquet"
ORIGINS = DATA / "problems" / "origins.parquet"
LEAKS = DATA / "problems" / "leaks.parquet"
BENCHMARK_ITEMS = DATA / "benchmarks" / "items.parquet"
BENCHMARK_IMAGES = DATA / "benchmarks" / "images.parquet"
BENCHMARK_REJECTS = DATA / "benchmarks" / "rejects.parquet"
SOURCES = DATA / "sources"
"""Where data sets are put that problems come from; DVC watches it."""
CONTACT_SHEET = REPORTS / "contact_sheet.png"
SOURCE_REPORTS = REPORTS / "sources"
"""What came in by source and reason, and a contact sheet a data set."""

ORM = DATA / "orm"
ORM_PATHS = ORM / "paths.parquet"
ORM_FEEDBACK = ORM / "feedback.parquet"
ORM_MIX = ORM / "mix.parquet"
STUDENT_PATHS = ORM / "student_paths.parquet"
STUDENT_MIX = ORM / "student_mix.parquet"
ORM_HELD_OUT = ORM / "held_out.parquet"
ORM_VERDICTS = ORM / "verdicts.parquet"

DISTILL = DATA / "distill"
REFLECT = DATA / "reflect"
ROUNDS = DATA / "rounds"
MIXES = DATA / "mix"
EVAL = DATA / "eval"
METRICS = REPORTS / "metrics"
TRAINING = REPORTS / "training"
MIX_REPORTS = REPORTS / "mixes"
PLOTS = REPORTS / "plots"


def round_dir(number: int) -> Path:
    """Folder of round `number` (1 and up): its paths and verdicts."""
    return ROUNDS / str(number)


def step_dir(step: str) -> Path:
    """Folder of a step's paths and verdicts: `distill`, `reflect`, or a round's number."""
    return {"distill": DISTILL, "reflect": REFLECT}.get(step) or ROUNDS / step


def paths(folder: Path) -> Path:
    """The path table of a step's folder."""
    return folder / "paths.parquet"


def verdicts(folder: Path) -> Path:
    """The verdict table of a step's folder."""
    return folder / "verdicts.parquet"


def mix(model: str | int) -> Path:
    """The rows that trained `model`."""
    return MIXES / f"{model}.parquet"


def training_mix(model: str) -> Path:
    """The rows that train `model`, the ORM and its student included."""
    return {"orm": ORM_MIX, "student": STUDENT_MIX}.get(model) or mix(model)


def mix_report(model: str | int) -> Path:
    """What went into a mix and what was left out, by reason."""
    return MIX_REPORTS / f"{model}.json"


def model(name: str | int) -> Path:
    """The folder of a model: safetensors, processor and lineage file."""
    return MODELS / str(name)


def predictions(name: str | int) -> Path:
    """The test predictions of a model."""
    return EVAL / str(name) / "predictions.parquet"


def official_tables(name: str | int) -> Path:
    """The benchmarks' official tables for a model."""
    return EVAL / str(name) / "official.json"


def metrics(name: str | int) -> Path:
    """The git-tracked measurement of a model."""
    return METRICS / f"{name}.json"


def training_report(name: str | int) -> Path:
    """What a model was trained on and how its loss went."""
    return TRAINING / f"{name}.json"


def timings(name: str) -> Path:
    """How long a step took and what memory: `train-0`. No output of a stage, and ignored by git: no two runs agree."""
    return REPORTS / "timings" / f"{name}.json"


def live(name: str | int) -> Path:
    """The losses of a model, written while it is trained."""
    return REPORTS / "live" / f"{name}.tsv"


def checkpoints(name: str | int) -> Path:
    """The checkpoints of a model whose training was killed."""
    return STATE / "checkpoints" / str(name)


def journal(stage: str) -> Path:
    """The journal of a stage's completions."""
    return STATE / "journal" / f"{stage}.sqlite"
