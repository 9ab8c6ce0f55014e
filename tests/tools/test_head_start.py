import pytest
import torch

from tools.tiny_base import tiny

from transformers import PreTrainedTokenizerFast, Qwen2VLForConditionalGeneration  # isort: skip  after `tiny`


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return tiny.build_tokenizer(["Find angle C of the triangle."])


@pytest.fixture(scope="module")
def model(tokenizer: PreTrainedTokenizerFast) -> Qwen2VLForConditionalGeneration:
    built = tiny.build_model(tokenizer, seed=1).eval()
    built.set_attn_implementation("eager")
    return built


def attention(model: Qwen2VLForConditionalGeneration, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Each layer's attention, `(1, heads, tokens, tokens)`."""
    with torch.no_grad():
        found: tuple[torch.Tensor, ...] = model(input_ids=tokens[None], output_attentions=True).attentions
    return found


@pytest.mark.parametrize(("head", "back"), [(0, 1), (1, 2)])
def test_first_heads_look_back(model: Qwen2VLForConditionalGeneration, head: int, back: int) -> None:
    tokens = torch.randint(0, 200, (40,), generator=torch.Generator().manual_seed(0)) + 10
    seen = attention(model, tokens)[0][0, head]
    places = torch.arange(5, 40)
    assert (seen[places].argmax(1) == places - back).float().mean() > 0.9
    assert seen[places, places - back].mean() > 0.5


def test_second_layer_finds_the_like(
    model: Qwen2VLForConditionalGeneration, tokenizer: PreTrainedTokenizerFast
) -> None:
    numbers = [tokenizer.convert_tokens_to_ids(f"\u0120{n}") for n in (3, 71, 120, 44, 98, 15, 160, 27)]
    tokens = torch.tensor([*numbers, *numbers])
    seen = attention(model, tokens)[1][0]
    for place in range(8, 16):
        others = torch.cat([seen[:, place, : place - 8], seen[:, place, place - 7 : place]], 1)
        assert (seen[:, place, place - 8] > 3 * others.mean(1)).float().mean() > 0.7, place


def test_numbers_that_share_a_digit_are_alike(tokenizer: PreTrainedTokenizerFast) -> None:
    weights = tiny.build_model(tokenizer, seed=1).get_input_embeddings().weight.detach()
    of = tiny.number_tokens(tokenizer)

    def likeness(one: int, other: int) -> float:
        return float(torch.cosine_similarity(weights[of[one][1]], weights[of[other][1]], dim=0))

    near = sum(likeness(n, n + 1) for n in range(10, 90)) / 80
    far = sum(likeness(n, 199 - n) for n in range(10, 90)) / 80
    assert near > far + 0.1
