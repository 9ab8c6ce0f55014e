"""Step 4: a model's greedy answers to the test problems (pass@1), graded by rule.

In: test problems. Out: one `Prediction` a problem. Its metrics are made by `mathse.evaluation.scores`.
"""

from collections.abc import Sequence
from pathlib import Path as File

from mathse import params
from mathse.answers.batch import Grader
from mathse.engines.protocol import Engine, Sampling
from mathse.method.solve import Ask, solve
from mathse.schemas import Path, PathKind, Prediction, Problem


def predict(engine: Engine, problems: Sequence[Problem], student: params.Student, journal: File) -> list[Prediction]:
    """Have a model answer each problem once, greedily.

    Args:
        engine: The model.
        problems: The test problems.
        student: Prompt and length.
        journal: Where finished completions are kept until the stage is done.

    Returns:
        One prediction a problem, in the problems' order.
    """
    sampling = Sampling(temperature=0.0, max_new_tokens=student.max_new_tokens)
    ask = Ask(PathKind.ROLLOUT, 0, student.prompt, sampling, samples=1, seed=0)
    written = solve(engine, problems, ask, journal)
    grader = Grader()
    return [_prediction(problem, path, grader) for problem, path in zip(problems, written, strict=True)]


def _prediction(problem: Problem, path: Path, grader: Grader) -> Prediction:
    graded = grader.grade(problem.answer, path.text, problem.choices)
    return Prediction(
        problem_id=problem.problem_id,
        model=path.model,
        prompt=path.prompt,
        text=path.text,
        answer=graded.extracted,
        status=graded.status,
        reason=path.error or graded.reason,
        finish_reason=path.finish_reason,
        tokens_in=path.tokens_in,
        tokens_out=path.tokens_out,
    )
