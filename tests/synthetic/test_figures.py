import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given

from mathse.sources.images import encode
from mathse.synthetic.figures import Figure, figure, figures
from tests.synthetic.scenes import FIGURES, KINDS

ROOT = Path(__file__).parents[2]


@given(FIGURES)
def test_a_source_id_rebuilds_the_figure(made: Figure) -> None:
    again = figure.__wrapped__(made.source_id)
    assert again == made
    assert again.image().tobytes() == made.image().tobytes()


def test_a_source_id_gives_the_same_figure_in_another_process() -> None:
    names = [f"{family}-{level}-7" for family, level in KINDS[::5]]
    program = (
        "from mathse.synthetic.figures import figure\n"
        "from mathse.sources.images import encode\n"
        f"for made in map(figure, {names}): print(made.content, made.question, encode(made.image()).image_id)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "17"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    here = [figure(name) for name in names]
    assert said == [f"{one.content} {one.question} {encode(one.image()).image_id}" for one in here]


@pytest.mark.parametrize("source_id", ["", "bar_sum", "bar_sum-2", "bar_sum-9-1", "no_family-1-1", "bar_sum-two-1"])
def test_what_is_no_source_id_is_refused(source_id: str) -> None:
    with pytest.raises(ValueError):
        figure(source_id)


@pytest.mark.parametrize("seed", [0, 7])
def test_all_figures_of_a_seed_differ_in_content(seed: int) -> None:
    contents = [made.content for made in islice(figures(seed), 800)]
    assert len(set(contents)) == len(contents)


def test_a_seed_gives_the_same_figures_and_another_gives_others() -> None:
    first, again, other = ([made.source_id for made in islice(figures(seed), 30)] for seed in (1, 1, 2))
    assert first == again
    assert not set(first) & set(other)


def test_content_is_not_wording_drawing_or_order_of_options() -> None:
    made = [figure(f"rectangle-1-{seed}") for seed in range(300)]
    contents = Counter(one.content for one in made)
    twice = [one for one in made if contents[one.content] > 1]
    assert len({one.question for one in twice}) > len({one.plan for one in twice})
    assert len({encode(one.image()).image_id for one in twice}) > len({one.content for one in twice})


def test_families_come_in_turn() -> None:
    names = [made.family for made in islice(figures(3), 45)]
    assert Counter(names) == dict.fromkeys({family for family, _ in KINDS}, 3)


def test_levels_come_in_turn() -> None:
    made = Counter((one.family, one.level) for one in islice(figures(3), 2 * len(KINDS)))
    assert set(made) == set(KINDS)


def test_images_are_the_same_within_a_run() -> None:
    for family, level in KINDS:
        made = figure(f"{family}-{level}-1")
        assert encode(made.image()).image_id == encode(made.image()).image_id
