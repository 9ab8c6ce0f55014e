from pathlib import Path

import pytest
import torch

from tools.tiny_base import tiny

# After `tiny`, which makes torchvision importable.
from transformers import AutoModelForImageTextToText, AutoProcessor, PreTrainedTokenizerFast  # isort: skip
from mathse.synthetic.figures import figure
from mathse.synthetic.pictures import SIDE

WORDS = ["Find angle C of the triangle.", "What is the total of all days?"]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return tiny.build_tokenizer(WORDS)


def test_whole_numbers_are_single_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    for number in range(200):
        assert len(tokenizer.encode(f"{number}", add_special_tokens=False)) == 1
        assert len(tokenizer.encode(f" {number}", add_special_tokens=False)) == 1


def test_known_words_are_single_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer.encode(" angle", add_special_tokens=False)) == 1


@pytest.mark.parametrize("text", ["Étude no. 7: 12345 + 678 = ?", "角度 A", " \n\t{} <b>", ""])
def test_any_text_comes_back(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_the_order_of_texts_changes_nothing() -> None:
    first, second = (tiny.build_tokenizer(words).get_vocab() for words in (WORDS, WORDS[::-1]))
    assert first == second


def test_a_figure_is_sixteen_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    processor = tiny.build_processor(tokenizer)
    turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": WORDS[0]}]}]
    text = processor.apply_chat_template(turn, add_generation_prompt=True)
    inputs = processor(text=[text], images=[figure("bar_sum-1-1").image()], return_tensors="pt")
    pads = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert int((inputs["input_ids"] == pads).sum()) == (SIDE // 28) ** 2 == 16


def test_a_seed_makes_the_weights(tokenizer: PreTrainedTokenizerFast) -> None:
    first, again, other = (tiny.build_model(tokenizer, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_architecture_fits_together(tokenizer: PreTrainedTokenizerFast) -> None:
    model = tiny.build_model(tokenizer, seed=1)
    text = model.config.text_config
    sections = text.rope_parameters["mrope_section"]
    assert 2 * sum(sections) == text.hidden_size // text.num_attention_heads
    assert model.config.vision_config.hidden_size == text.hidden_size
    assert sum(weight.numel() for weight in model.parameters()) < 3_000_000


def test_a_saved_base_is_loaded_like_any_other(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    model = tiny.build_model(tokenizer, seed=1)
    tiny.save(model, tiny.build_processor(tokenizer), tmp_path)
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path)
    weights = loaded.state_dict()
    assert type(loaded) is type(model)
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    assert AutoProcessor.from_pretrained(tmp_path).tokenizer.get_vocab() == tokenizer.get_vocab()
    assert loaded.generation_config.eos_token_id == tokenizer.eos_token_id
