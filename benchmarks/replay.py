"""Published outputs of MATH-Vision judged and evaluated anew: the loop's own steps over a replay of six models.

    python benchmarks/replay.py FOLDER/mathvision     # about a minute

Each model's responses become paths (`loop.solve`) through the replay engine. The recorded official verdicts become a
judge's replies, again through the replay engine, and are judged (`loop.judge`) with the rule grader's verdict beside
each. The same responses are evaluated (`loop.evaluate`). A line per model: the official result, what the judge said,
what our grader said, on how many rows the two differ, what the evaluation says, and the rows per second.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from mathse import params
from mathse.loop.ask.engines.any_role.replay import ReplayEngine
from mathse.loop.ask.protocol import Sampling
from mathse.loop.ask.replies import write
from mathse.loop.evaluate import Asking, predict
from mathse.loop.judge import judge
from mathse.loop.solve import Ask, solve
from mathse.tables.schemas import Path as ReasoningPath
from mathse.tables.schemas import PathKind, Problem, Split, Status, Verdict

JUDGE = params.Judge(engine="model", batch_size=1, max_new_tokens=1, prompt="judge-brief@1")
STUDENT = params.Student(engine="model", batch_size=1, max_new_tokens=1, prompt="solve-brief@1")


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data", type=Path, help="folder with test.jsonl and outputs/")
    data = arguments.parse_args().data
    known = problems(data / "test.jsonl")
    print(f"{'model':24} {'official':>18} {'judged':>8} {'by rule':>8} {'differ':>7} {'evaluated':>10} {'rows/s':>7}")
    for file in sorted((data / "outputs").glob("*.jsonl")):
        with tempfile.TemporaryDirectory() as folder:
            print(line(file, known, Path(folder)), flush=True)


def problems(file: Path) -> list[Problem]:
    """MATH-Vision's test problems, their images left out: a replay does not look."""
    made = []
    for text in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(text)
        choices, answer = tuple(row["options"]), str(row["answer"])
        made.append(
            Problem(
                # Its images tell problems with one text apart; here its number does.
                problem_id=Problem.id_for(row["question"], choices, answer, (row["id"],)),
                source="mathvision",
                source_id=row["id"],
                licence="MIT",
                split=Split.TEST,
                question=row["question"],
                choices=choices,
                answer=answer,
                subject=row["subject"],
                level=row["level"],
            )
        )
    return made


def rejudged(file: Path, known: list[Problem], folder: Path) -> tuple[list[ReasoningPath], list[Verdict]]:
    """A model's responses as paths, and their recorded verdicts beside the rule grader's.

    Args:
        file: The model's published outputs, with `correct`, the official verdict.
        known: The problems.
        folder: For journals and the judge's recorded replies.
    """
    by_id = {problem.problem_id: problem for problem in known}
    source_ids = {problem.problem_id: problem.source_id for problem in known}
    ask = Ask(PathKind.ROLLOUT, 1, STUDENT.prompt, Sampling(), samples=1, seed=0)
    paths = list(solve(ReplayEngine(file, source_ids), known, ask, folder / "solve.sqlite"))
    official = {
        str(row["id"]): row["correct"] for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
    }
    replies = folder / "replies.jsonl"
    replies.write_text("\n".join(_replies(paths, source_ids, official)), encoding="utf-8")
    return paths, list(judge(ReplayEngine(replies), lambda: paths, by_id, JUDGE, folder / "judge.sqlite"))


def _replies(paths: Iterable[ReasoningPath], source_ids: dict[str, str], official: dict[str, bool]) -> Iterable[str]:
    for path in paths:
        right = official[source_ids[path.problem_id]]
        text = write(Status.CORRECT if right else Status.WRONG, None if right else "unknown", None)
        yield json.dumps({"problem_id": path.problem_id, "subject_id": path.path_id, "text": text})


def line(file: Path, known: list[Problem], folder: Path) -> str:
    """One model's line of the table."""
    start = time.monotonic()
    _, verdicts = rejudged(file, known, folder)
    source_ids = {problem.problem_id: problem.source_id for problem in known}
    asking = Asking(STUDENT, params.Evaluate(batch_size=1))
    predictions = list(predict(ReplayEngine(file, source_ids), known, (), asking, folder / "evaluate.sqlite"))
    seconds = time.monotonic() - start
    total = len(known)
    judged = sum(verdict.status is Status.CORRECT for verdict in verdicts) / total
    ruled = sum(verdict.rule_status is Status.CORRECT for verdict in verdicts) / total
    differ = sum((verdict.status is Status.CORRECT) != (verdict.rule_status is Status.CORRECT) for verdict in verdicts)
    evaluated = sum(prediction.status is Status.CORRECT for prediction in predictions) / total
    official = json.loads(file.with_name(f"{file.stem}_result.json").read_text(encoding="utf-8"))["-all"]
    return (
        f"{file.stem:24} {official:>18} {100 * judged:6.2f} % {100 * ruled:6.2f} % {differ:7,} "
        f"{100 * evaluated:8.2f} % {2 * total / seconds:7,.0f}"
    )


if __name__ == "__main__":
    main()
