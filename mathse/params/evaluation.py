"""How models are measured (step 4)."""

from pydantic import Field

from mathse.params.benchmarks import BenchmarkName
from mathse.params.inference import Answering
from mathse.params.section import Count, Prompt, Section, Share


class Extractor(Answering):
    """Who finds the answer in a reply where a benchmark leaves that to a language model; `model`: the evaluated one."""

    batch_size: Count = 16
    max_new_tokens: Count = 256
    prompt: Prompt = "extract@1"


class Matcher(Answering):
    """Who compares an answer where a benchmark leaves that to a language model; `model`: the evaluated one."""

    batch_size: Count = 16
    max_new_tokens: Count = 64
    prompt: Prompt = "match@1"


class Evaluate(Section):
    """Step 4: pass@1, greedy, on the test split and on `benchmarks`; pass@k besides where `samples` is given."""

    batch_size: Count
    samples: int = Field(default=0, ge=0, le=1024, description="Sampled answers per problem beside the greedy one.")
    temperature: float = Field(default=0.7, gt=0, le=5, description="Of the sampled answers.")
    top_p: Share = 1.0
    prompts: dict[BenchmarkName, Prompt] = Field(
        default_factory=dict, description="By benchmark: in place of `student.prompt`, such as `{mathvision: boxed@1}`."
    )
    extractor: Extractor | None = Field(default=None, description="MathVista's and MathVerse's; null: a rule.")
    matcher: Matcher | None = Field(default=None, description="MathVerse's judge; null: equality of text.")
