"""What a benchmark is: its subsets and where their rows are, how a row becomes an item, and its official rule.

The registry is the folder `mathse/benchmarks/public`: one module per benchmark, which declares its `BENCHMARK`. Whoever
only needs the names has `mathse.params.benchmarks.benchmark_names`, which loads none of them.

Sample, in `public/mathvl_test.py`:

    BENCHMARK = Benchmark("mathvl_test", {None: Subset(0, "test", files=("mathvl_test", "test"))}, item)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mathse.benchmarks.rule import Rule
from mathse.errors import UserError
from mathse.params.benchmarks import PUBLIC, benchmark_names
from mathse.registry import declared
from mathse.sources.rows.raw import Faulty, Raw, SourceRow
from mathse.tables.schemas import BenchmarkItem, Problem, Split

IN_THE_PICTURE = "Solve the problem that the image shows."
"""What is asked where the picture holds the whole question."""
FILES = (".json", ".jsonl", ".parquet")


@dataclass(frozen=True)
class RawItem(Raw):
    """A benchmark's problem as its source has it, and what official scoring reads of it.

    Attributes:
        official: Fields in the benchmark's own names.
    """

    official: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A column of the paper's Table 2.

    Attributes:
        place: From the left.
        heading: As the paper writes it.
        row: The row of the whole benchmark's table `overall` that has the same number; empty if none has.
    """

    place: int
    heading: str
    row: str = ""


@dataclass(frozen=True)
class Subset:
    """A part of a benchmark that is reported by itself.

    Attributes:
        size: How many items it has as published; 0 if that is not known.
        split: The hub's name of the split.
        config: The hub's configuration that has the split; None: the only one.
        divisions: The divisions of the benchmark that are in it (`Benchmark.division`); empty: every row of the split.
        files: What local files that hold it are called, without ending; the split's name if not given.
        column: Where the paper reports it, if it does.
    """

    size: int
    split: str
    config: str | None = None
    divisions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    column: Column | None = None

    @property
    def stems(self) -> tuple[str, ...]:
        """What local files that hold it are called, without ending."""
        return self.files or (self.split,)

    def is_in(self, name: str) -> bool:
        """Whether a file of a local copy holds the split: `testmini.jsonl`, `testmini-00000-of-00001.parquet`."""
        stem, _, ending = name.rpartition(".")
        return f".{ending}" in FILES and stem.partition("-")[0] in self.stems


@dataclass(frozen=True)
class Benchmark:
    """A public benchmark.

    Attributes:
        name: Its module's, and its licence's in `licences.yaml`.
        subsets: By name; the one without a name is what papers report under the benchmark's.
        item: Makes an item of a row; raises `Faulty` where fields are missing or wrong.
        division: What its subsets are told apart by: a row's task, version or half; raises `Faulty` where it says none.
        rule: Its official scoring; None: it has none, and our own grader scores.
        query: The official field with the text that its own evaluation asks; empty if it has none.
        answer_form: What a hint says of an answer that is no option's letter.
        problem: The official field that tells of which problem an item is a version; empty: no two are of one.
    """

    name: str
    subsets: Mapping[str | None, Subset]
    item: Callable[[SourceRow], RawItem]
    division: Callable[[SourceRow], str] = lambda row: ""
    rule: Rule | None = None
    query: str = ""
    answer_form: Callable[[BenchmarkItem], str] = lambda item: "The answer is a value or a word."
    problem: str = ""

    @property
    def titles(self) -> dict[str, Subset]:
        """Its subsets by the name under which rows and metrics stand: `mathvista`, `mathvista_gps`."""
        return {f"{self.name}_{name}" if name else self.name: subset for name, subset in self.subsets.items()}

    @property
    def scorer(self) -> str:
        """Name and version of the rule by which it is scored: `mathvision@1`; `grade` where it has none."""
        return f"{self.name}@{self.rule.version}" if self.rule else "grade"


@cache
def benchmark(name: str) -> Benchmark:
    """The benchmark of this name.

    Raises:
        UserError: There is none, or its module declares another.
    """
    return declared(PUBLIC, "benchmark", name, Benchmark)


@cache
def benchmark_of(title: str) -> Benchmark:
    """The benchmark that a title with its subset is of.

    Raises:
        UserError: No benchmark has such a subset.
    """
    for name in benchmark_names():
        if title in benchmark(name).titles:
            return benchmark(name)
    raise UserError(f"no benchmark or subset of one is called {title!r}; there are {', '.join(benchmark_names())}")


def names_with_rule() -> tuple[str, ...]:
    """The benchmarks that have an official rule."""
    return tuple(name for name in benchmark_names() if benchmark(name).rule is not None)


@cache
def columns_of_table_2() -> Mapping[str, Column]:
    """The columns of the paper's Table 2 from left to right, by the title of what stands in them."""
    columns = {
        title: subset.column
        for name in benchmark_names()
        for title, subset in benchmark(name).titles.items()
        if subset.column
    }
    return dict(sorted(columns.items(), key=lambda entry: entry[1].place))


def as_problem(item: BenchmarkItem) -> Problem:
    """The item as a test problem, as models are asked it."""
    return Problem(
        problem_id=item.problem_id,
        source=item.benchmark,
        source_id=item.item_id,
        split=Split.TEST,
        **item.model_dump(exclude={"benchmark", "item_id", "official", "row_hash"}),
    )


def part(row: SourceRow, name: str) -> SourceRow:
    """A field that holds an object, as a row.

    Raises:
        Faulty: It is missing, or holds something else.
    """
    value = row.fields.get(name)
    if not isinstance(value, Mapping):
        raise Faulty("missing field" if value is None else "wrong type", name)
    return SourceRow(row.place, value, row.folder)


def copied(row: SourceRow, *names: str) -> dict[str, Any]:
    """Fields as they are, those that are there."""
    return {name: row.fields[name] for name in names if name in row.fields}
