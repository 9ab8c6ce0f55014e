"""What the GPU checks run on, made from nothing: a model of a real shape with random weights, and drawn problems.

The large shape is Qwen2-VL-2B's (2.2 billion parameters: config.json of
https://huggingface.co/Qwen/Qwen2-VL-2B-Instruct); the miniature has its parts and none of its size. Tokenizer and chat
template are the tiny model's, with more embeddings than words, as real models have. Pictures are scaled so that each
takes some hundred image tokens, in miniature sixteen.
"""

import io
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import PIL.Image
import torch

from mathse.loop.ask import prompts
from mathse.params import FigureSource
from mathse.sources import figures
from mathse.sources.images import encode
from mathse.tables import store
from mathse.tables.schemas import Image, Message, MixRow, PathKind, Problem, content_id
from tools.tiny_base.tiny import CHAT_TEMPLATE, build_tokenizer, save

from transformers import (  # isort: skip  after `tiny`, which makes torchvision importable
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

PROMPT = "solve-brief@1"
MAX_PIXELS = 4_000_000
_ROPE_BASE = 1_000_000.0
_CELL = 28
"""Pixels a side of what one image token stands for: 2 x 2 patches of 14."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a Qwen2-VL.

    Attributes:
        name: Printed.
        text: Sizes of the language model.
        vision: Sizes of the vision tower.
        rope: Shares of a head's frequencies: time, row, column; they sum to half a head's width.
        side: Pixels a side of the pictures.
    """

    name: str
    text: dict[str, int]
    vision: dict[str, int]
    rope: tuple[int, int, int]
    side: int


LARGE = Shape(
    "Qwen2-VL-2B's shape",
    {
        "vocab_size": 151_936, "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28,
        "num_attention_heads": 12, "num_key_value_heads": 2, "max_position_embeddings": 32_768,
    },
    {"depth": 32, "embed_dim": 1280, "num_heads": 16, "hidden_size": 1536},
    (16, 24, 24),
    448,
)  # fmt: skip
MINIATURE = Shape(
    "miniature",
    {
        "vocab_size": 8192, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048,
    },
    {"depth": 2, "embed_dim": 128, "num_heads": 4, "hidden_size": 128},
    (4, 6, 6),
    112,
)  # fmt: skip


def draw(folder: Path, shape: Shape, count: int) -> list[Problem]:
    """Draw problems and write their images, scaled to the shape's side.

    Args:
        folder: Gets `images.parquet`.
        shape: Says how large the pictures are.
        count: How many problems.
    """
    drawn, images = figures.load(FigureSource(name="figures", seed=7, train=count, orm=1, test=1))
    scaled = [_scaled(image, shape.side) for image in images[-count:]]
    store.write(folder / "images.parquet", Image, {image.image_id: image for image in scaled}.values())
    return [_with(problem, image) for problem, image in zip(drawn[-count:], scaled, strict=True)]


def write_mix(file: Path, problems: list[Problem]) -> None:
    """Write the problems as rows to train on: each with its gold solution, another problem's as the rejected one."""
    others = [*problems[1:], problems[0]]
    store.write(file, MixRow, [_row(*pair) for pair in zip(problems, others, strict=True)])


def write_model(folder: Path, shape: Shape, problems: list[Problem], device: str, dtype: str) -> None:
    """Write a model folder with random weights.

    Args:
        folder: Of weights and processor.
        shape: Of the model.
        problems: The words of their texts are tokens.
        device: Where the weights are drawn.
        dtype: Of the weights on disk.
    """
    texts = ((problem.question, problem.solution or "", *problem.choices) for problem in problems)
    tokenizer = build_tokenizer(["user\nassistant\n", *chain.from_iterable(texts)])
    if len(tokenizer) > shape.text["vocab_size"]:
        raise SystemExit(f"{len(tokenizer)} tokens for {shape.text['vocab_size']} embeddings: ask for fewer problems")
    config = _config(shape, tokenizer)
    torch.manual_seed(1)
    with torch.device(device):
        model = Qwen2VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    pixels = {"patch_size": 14, "merge_size": 2, "temporal_patch_size": 2}
    pixels |= {"size": {"shortest_edge": _CELL**2, "longest_edge": MAX_PIXELS}}
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pixels),
        video_processor=Qwen2VLVideoProcessor(**pixels),
        tokenizer=tokenizer,
        chat_template=CHAT_TEMPLATE,
    )
    save(model.to(getattr(torch, dtype)), processor, folder)


def _config(shape: Shape, tokenizer: Any) -> Qwen2VLConfig:
    def token(name: str) -> int:
        return int(tokenizer.convert_tokens_to_ids(name))

    rope = {"rope_type": "default", "rope_theta": _ROPE_BASE, "mrope_section": list(shape.rope)}
    ends = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    return Qwen2VLConfig(
        text_config={**shape.text, **ends, "rope_parameters": rope, "tie_word_embeddings": True},
        vision_config={
            **shape.vision, "mlp_ratio": 4, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2,
        },
        image_token_id=token("<|image_pad|>"), video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
    )  # fmt: skip


def _scaled(image: Image, side: int) -> Image:
    with PIL.Image.open(io.BytesIO(image.data)) as opened:
        return encode(opened.convert("RGB").resize((side, side), PIL.Image.Resampling.LANCZOS))


def _with(problem: Problem, image: Image) -> Problem:
    """The same problem with another image, and so another id."""
    ids = (image.image_id,)
    problem_id = Problem.id_for(problem.question, problem.choices, problem.answer, ids)
    known = problem.model_dump(exclude={"row_hash"})
    return Problem.model_validate({**known, "problem_id": problem_id, "image_ids": ids})


def _row(problem: Problem, other: Problem) -> MixRow:
    asked = prompts.render(PROMPT, {"question": prompts.question_with_choices(problem)})
    return MixRow(
        path_id=content_id("gold", problem.problem_id),
        problem_id=problem.problem_id,
        kind=PathKind.DISTILLED,
        round=0,
        image_ids=problem.image_ids,
        prompt=prompts.turn(asked),
        completion=_solution(problem),
        rejected_path_id=content_id("gold", other.problem_id),
        rejected=_solution(other),
    )


def _solution(problem: Problem) -> tuple[Message, ...]:
    return (Message(role="assistant", content=problem.solution or problem.answer),)
