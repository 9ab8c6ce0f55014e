import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mathse.loop.ask.engines.decode import Sampler, _within_nucleus
from mathse.loop.ask.protocol import Sampling

CPU = torch.device("cpu")
GREEDY = Sampling()
DRAWN = Sampling(temperature=1.0)


def draws(sampler: Sampler, logits: torch.Tensor, steps: int) -> list[list[int]]:
    return [sampler.pick(logits).tolist() for _ in range(steps)]


def test_greedy_rows_get_the_likeliest_token_beside_sampled_ones() -> None:
    logits = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    picked = draws(Sampler([GREEDY, DRAWN], [1, 2], CPU), logits, 200)
    assert {row[0] for row in picked} == {int(logits[0].argmax())}
    assert len({row[1] for row in picked}) > 5


@settings(max_examples=20, deadline=None)
@given(seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4, unique=True))
def test_batch_mates_do_not_change_a_rows_draws(seeds: list[int]) -> None:
    logits = torch.zeros(1, 20)
    together = draws(Sampler([DRAWN] * len(seeds), seeds, CPU), logits.expand(len(seeds), -1), 10)
    for place, seed in enumerate(seeds):
        assert [row[place] for row in together] == [row[0] for row in draws(Sampler([DRAWN], [seed], CPU), logits, 10)]


def test_dropping_a_row_leaves_the_others_draws_alone() -> None:
    logits = torch.zeros(3, 20)
    whole = draws(Sampler([DRAWN] * 3, [1, 2, 3], CPU), logits, 9)
    sampler = Sampler([DRAWN] * 3, [1, 2, 3], CPU)
    before = draws(sampler, logits, 4)
    sampler.keep(torch.tensor([0, 2]))
    after = draws(sampler, logits[:2], 5)
    assert before == whole[:4]
    assert after == [[row[0], row[2]] for row in whole[4:]]


def test_the_draws_follow_the_softmax() -> None:
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    temperature = 0.7
    logits = probabilities.log().mul(temperature).expand(4, -1)
    picked = draws(Sampler([Sampling(temperature=temperature)] * 4, range(4), CPU), logits, 1000)
    shares = torch.bincount(torch.tensor(picked).flatten(), minlength=4) / 4000
    assert torch.allclose(shares, probabilities, atol=0.03)


def test_top_p_keeps_the_fewest_likeliest_tokens_that_reach_it() -> None:
    scores = torch.tensor([[0.15, 0.5, 0.05, 0.3]]).log().expand(4, -1)
    kept = _within_nucleus(scores, torch.tensor([[0.1], [0.7], [0.95], [1.0]])).isfinite()
    assert kept.tolist() == [
        [False, True, False, False],
        [False, True, False, True],
        [True, True, False, True],
        [True, True, True, True],
    ]
