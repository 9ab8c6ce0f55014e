"""params.yaml as pydantic models: every key documented, bounded and checked against the others.

Each model is one section of the file; a DVC stage names the sections it reads, so that changing a key reruns only what
depends on it. `load` is the only way in; it imports nothing heavy and turns every error into one that names the key.
"""

from mathse.params.benchmarks import BenchmarkSource
from mathse.params.data import Pretrained
from mathse.params.evaluation import Evaluate, Extractor, Matcher
from mathse.params.file import describe, load, parse
from mathse.params.inference import (
    Api,
    Compute,
    EngineChoice,
    Inference,
    Price,
    Ray,
    Vllm,
    answering_names,
    runtime_names,
    teacher_names,
)
from mathse.params.loop import (
    BASE,
    PARAMS,
    STUDENT,
    Distill,
    Mix,
    NearDuplicates,
    Params,
    ParamsError,
    Query,
    Recording,
)
from mathse.params.roles import Judge, Student, Teacher
from mathse.params.section import Section
from mathse.params.sources import FILL_IN, AdapterSource, FigureSource, Filter, Problems, SplitShares
from mathse.params.training import Train

__all__ = [
    "BASE",
    "FILL_IN",
    "PARAMS",
    "STUDENT",
    "AdapterSource",
    "Api",
    "BenchmarkSource",
    "Compute",
    "Distill",
    "EngineChoice",
    "Evaluate",
    "Extractor",
    "FigureSource",
    "Filter",
    "Inference",
    "Judge",
    "Matcher",
    "Mix",
    "NearDuplicates",
    "Params",
    "ParamsError",
    "Pretrained",
    "Price",
    "Problems",
    "Query",
    "Ray",
    "Recording",
    "Section",
    "SplitShares",
    "Student",
    "Teacher",
    "Train",
    "Vllm",
    "answering_names",
    "describe",
    "load",
    "parse",
    "runtime_names",
    "teacher_names",
]
