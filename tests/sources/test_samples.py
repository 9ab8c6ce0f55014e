from pathlib import Path

from mathse.sources import samples
from mathse.synthetic.families import FAMILIES, LEVELS


def test_the_runs_own_problems_are_shown(run: Path) -> None:
    problems, images = samples.of_run(run)
    assert {problem.source_id for problem in problems} == {"1", "2", "3"}
    assert {image_id for problem in problems for image_id in problem.image_ids} == set(images)


def test_without_a_run_every_family_and_level_is_drawn(tmp_path: Path) -> None:
    problems, images = samples.of_run(tmp_path)
    assert {(problem.source_id.rsplit("-", 2)[0], problem.level) for problem in problems} == {
        (family, level) for family in FAMILIES for level in LEVELS
    }
    assert {image_id for problem in problems for image_id in problem.image_ids} <= set(images)
