"""params.yaml as pydantic models: every key documented, bounded and checked against the others.

Each model is one section of the file; a DVC stage names the sections it reads, so that changing a key reruns only what
depends on it. `load` is the only way in; it imports nothing heavy and turns every error into one that names the key.
"""

from mathse.params.benchmarks import BenchmarkSource
from mathse.params.data import ImageLimits, Pretrained
from mathse.params.file import describe, load
from mathse.params.inference import Answering, Api, Compute, Inference, Price, Ray, Vllm
from mathse.params.loop import (
    BASE,
    PARAMS,
    STUDENT,
    Distill,
    Evaluate,
    Extractor,
    Judge,
    Matcher,
    Mix,
    Model,
    NearDuplicates,
    Orm,
    OrmModel,
    Params,
    ParamsError,
    Query,
    Recording,
    Reflect,
    Rollout,
    Step,
    Student,
    Teacher,
)
from mathse.params.section import Count, Prompt, Section, Share
from mathse.params.sources import FILL_IN, AdapterSource, FigureSource, Filter, Problems, SplitShares
from mathse.params.training import Train

__all__ = [
    "BASE",
    "FILL_IN",
    "PARAMS",
    "STUDENT",
    "AdapterSource",
    "Answering",
    "Api",
    "BenchmarkSource",
    "Compute",
    "Count",
    "Distill",
    "Evaluate",
    "Extractor",
    "FigureSource",
    "Filter",
    "ImageLimits",
    "Inference",
    "Judge",
    "Matcher",
    "Mix",
    "Model",
    "NearDuplicates",
    "Orm",
    "OrmModel",
    "Params",
    "ParamsError",
    "Pretrained",
    "Price",
    "Problems",
    "Prompt",
    "Query",
    "Ray",
    "Recording",
    "Reflect",
    "Rollout",
    "Section",
    "Share",
    "SplitShares",
    "Step",
    "Student",
    "Teacher",
    "Train",
    "Vllm",
    "describe",
    "load",
]
