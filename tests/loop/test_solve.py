from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Failure, Request, Sampling
from mathse.loop.solve import Ask, of_split, solve, subset
from mathse.tables.schemas import PathKind, Split
from tests import rows
from tests.loop.scripted import Scripted

ASK = Ask(PathKind.ROLLOUT, 2, "solve@1", Sampling(0.7, 0.9, 64), samples=3, seed=5)
PROBLEMS = [rows.problem(f"p{number}", choices=("3", "4")) for number in range(4)]


def said(request: Request) -> str | Failure:
    if request.problem_id == "p1":
        return Failure("timeout", "after 30 s")
    if request.problem_id == "p2":
        return "Step 1: and so on and [cut]"
    return f"Sample {request.sample_idx} of {request.problem_id}. The answer to this problem is {request.sample_idx}."


def test_nothing_asked_for_is_missing(tmp_path: Path) -> None:
    paths = list(solve(Scripted(said), PROBLEMS, ASK, tmp_path / "j"))
    assert [(path.problem_id, path.sample_idx) for path in paths] == [
        (problem.problem_id, sample) for problem in PROBLEMS for sample in range(3)
    ]
    assert len({path.path_id for path in paths}) == len(paths)


def test_a_request_carries_question_options_images_and_sampling(tmp_path: Path) -> None:
    engine = Scripted(said)
    list(solve(engine, PROBLEMS[:1], ASK, tmp_path / "j"))
    request = engine.asked[0]
    assert request.fields == {"question": "What is p0?\nA. 3\nB. 4"}
    assert request.messages[-1].content.endswith("Problem:\nWhat is p0?\nA. 3\nB. 4")
    assert (request.prompt_id, request.sampling, request.image_ids) == ("solve@1", ASK.sampling, ("image-p0",))
    assert request.messages == turn(request.messages[0].content)


def test_a_written_path_is_recorded_whole(tmp_path: Path) -> None:
    path = list(solve(Scripted(said, name="weights"), PROBLEMS[:1], ASK, tmp_path / "j"))[2]
    assert path.text == "Sample 2 of p0. The answer to this problem is 2."
    assert (path.kind, path.round, path.author, path.prompt_id) == (PathKind.ROLLOUT, 2, "weights", "solve@1")
    assert (path.answer, path.finish_reason, path.error, path.parent_path_id) == ("2", "stop", None, None)
    assert (path.tokens_in, path.tokens_out, path.cost) == (len("solve@1"), 11, 0.5)


def test_a_failed_request_is_a_row_with_its_reason(tmp_path: Path) -> None:
    path, *_ = solve(Scripted(said), PROBLEMS[1:2], ASK, tmp_path / "j")
    assert (path.text, path.answer, path.finish_reason) == ("", None, "error")
    assert path.error == "timeout: after 30 s"
    assert (path.tokens_in, path.tokens_out, path.cost) == (0, 0, 0)


def test_a_truncated_path_says_so(tmp_path: Path) -> None:
    path, *_ = solve(Scripted(said), PROBLEMS[2:3], ASK, tmp_path / "j")
    assert (path.finish_reason, path.answer, path.error) == ("length", None, None)


def test_seeds_differ_by_problem_sample_kind_round_and_run(tmp_path: Path) -> None:
    asks = [ASK, Ask(PathKind.DISTILLED, 2, "solve@1", ASK.sampling, 3, 5)]
    asks += [Ask(ASK.kind, 1, "solve@1", ASK.sampling, 3, 5), Ask(ASK.kind, 2, "solve@1", ASK.sampling, 3, 6)]
    made = [list(solve(Scripted(said), PROBLEMS, ask, tmp_path / f"j{place}")) for place, ask in enumerate(asks)]
    seeds = [path.seed for paths in made for path in paths]
    assert len(set(seeds)) == len(seeds)


def test_the_same_run_gives_the_same_rows(tmp_path: Path) -> None:
    first, again = (list(solve(Scripted(said), PROBLEMS, ASK, tmp_path / name)) for name in "ab")
    assert first == again


def test_of_split_keeps_the_order() -> None:
    splits = [Split.TRAIN, Split.TEST, Split.TRAIN, Split.ORM]
    problems = [rows.problem(f"p{9 - place}", split=split) for place, split in enumerate(splits)]
    assert list(of_split(problems, Split.TRAIN)) == [problems[0], problems[2]]


@given(st.permutations(range(20)), st.integers(0, 20), st.integers(0, 20), st.integers(0, 5))
def test_a_larger_subset_holds_the_smaller(order: list[int], small: int, large: int, seed: int) -> None:
    problems = [rows.problem(f"p{number}") for number in order]
    few, more = ({problem.problem_id for problem in subset(problems, size, seed)} for size in sorted((small, large)))
    assert few <= more
    assert len(more) == max(small, large)
    assert few == {problem.problem_id for problem in subset(sorted(problems, key=str), min(small, large), seed)}


def test_another_seed_chooses_other_problems() -> None:
    problems = [rows.problem(f"p{number}") for number in range(50)]
    assert subset(problems, 20, 1) != subset(problems, 20, 2)
    assert len(subset(problems, 99, 1)) == 50
