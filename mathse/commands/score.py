"""Commands that grade answers and score responses outside a run."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from mathse.commands.command import argument, command
from mathse.terminal import complain


class _WithRule:
    """The benchmarks that have an official rule, looked up only when an argument or this command's help needs them."""

    def __iter__(self) -> Iterator[str]:
        from mathse.benchmarks.benchmark import names_with_rule

        return iter(names_with_rule())


@command(
    "grade answers by rule: JSON lines in, the same lines with their verdicts out",
    "Each line has `gold` and `answer` (a whole solution or a bare answer), and may have `choices`, `precision`\n"
    "(decimal places) and `question_type`. `verdict`, `extracted` and `reason` are added; nothing is left out.",
    "mathse grade answers.jsonl > graded.jsonl",
    argument(
        "file",
        metavar="FILE",
        nargs="?",
        default="-",
        type=lambda text: text if text == "-" else Path(text),
        help="the file; - or none: standard input",
    ),
)
def grade(arguments: argparse.Namespace) -> None:
    from mathse.look import grade

    counts = grade.grade_file(str(arguments.file), sys.stdout)
    sys.stdout.flush()
    by_verdict = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    complain(f"grade: {sum(counts.values())} lines; {by_verdict}")


@command(
    "score a model's responses to a public benchmark by its official rule",
    "RESPONSES has the benchmark's own field names, as a .json list, rows by id, or JSON lines. MathVista and\n"
    "MathVerse need an `extraction` in each row, ChartQA `label` and `prediction`, MATH-Vision `response`.",
    "mathse score mathvision responses.jsonl --problems test.jsonl",
    argument("benchmark", metavar="BENCHMARK", choices=_WithRule(), help="%(choices)s"),
    argument("responses", metavar="RESPONSES", type=Path, help="the file of responses"),
    argument("--problems", metavar="FILE", type=Path, help="the benchmark's problems, joined by id"),
    argument("--json", action="store_true", help="the official score table as JSON"),
    argument("--out", metavar="FILE", type=Path, help="write the rows with their verdicts"),
)
def score(arguments: argparse.Namespace) -> None:
    from mathse.look import score

    scoring = score.score(arguments.benchmark, arguments.responses, arguments.problems)
    if arguments.out:
        score.write(scoring, arguments.out)
    if arguments.json:
        print(score.as_json(scoring))
    else:
        score.show(scoring, sys.stdout)
