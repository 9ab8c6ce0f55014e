"""Random models of each family's real classes, small enough for a test: configuration, processor and chat template.

Chat templates are written here to the formats that the families' model cards document, with the traits that matter to
whoever trains on them: GLM-4.1V prints what is not the user's as it is and closes no turn, LLaVA-1.5 takes parts only,
has no opening token and closes no turn, InternVL brings a system prompt.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from mathse.loop.ask.engines.local import loading  # noqa: F401 (makes torchvision importable)
from tools.tiny_base.tiny import CHAT_TEMPLATE as QWEN_TEMPLATE

from transformers import (  # isort: skip
    CLIPImageProcessor,
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessor,
    Gemma3Processor,
    Glm4vConfig,
    Glm4vForConditionalGeneration,
    Glm4vImageProcessor,
    Glm4vProcessor,
    Glm4vVideoProcessor,
    GotOcr2ImageProcessor,
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    InternVLVideoProcessor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessor,
    LlavaOnevisionProcessor,
    LlavaOnevisionVideoProcessor,
    LlavaProcessor,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    PixtralImageProcessor,
    PixtralProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessor,
    SmolVLMProcessor,
    SmolVLMVideoProcessor,
)

WORDS = "Find angle C from the bar chart . Therefore the total equals Step 1 : The answer to this problem is 70"
CONTEXT = 1024
TEXT = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": CONTEXT,
}  # fmt: skip

INTERN_TEMPLATE = """\
{{- bos_token -}}
{%- if messages[0].role != 'system' -%}
{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' -}}
{%- if message.content is string -%}{{- message.content -}}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}{{- '<IMG_CONTEXT>\\n' -}}
{%- elif part.type == 'text' -%}{{- part.text -}}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""

GLM_TEMPLATE = """\
[gMASK]<sop>
{%- for message in messages -%}
{{- '<|' + message.role + '|>\\n' -}}
{%- if message.role == 'user' and message.content is not string -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}{{- '<|begin_of_image|><|image|><|end_of_image|>' -}}
{%- elif part.type == 'text' -%}{{- part.text -}}{%- endif -%}
{%- endfor -%}
{%- else -%}{{- message.content -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}
"""

GEMMA_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{{- '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\\n' -}}
{%- if message.content is string -%}{{- message.content | trim -}}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}{{- '<start_of_image>' -}}
{%- elif part.type == 'text' -%}{{- part.text | trim -}}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{- '<end_of_turn>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}
"""

MISTRAL_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{%- if message.role == 'user' -%}{{- '[INST]' -}}{%- endif -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}{{- '[IMG]' -}}
{%- elif part.type == 'text' -%}{{- part.text -}}{%- endif -%}
{%- endfor -%}
{{- '[/INST]' if message.role == 'user' else eos_token -}}
{%- endfor -%}
"""

SMOL_TEMPLATE = """\
<|im_start|>
{%- for message in messages -%}
{{- message.role | capitalize + (':' if message.content[0].type == 'image' else ': ') -}}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}{{- '<image>' -}}
{%- elif part.type == 'text' -%}{{- part.text -}}{%- endif -%}
{%- endfor -%}
{{- '<end_of_utterance>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- 'Assistant:' -}}{%- endif -%}
"""

LLAVA_TEMPLATE = """\
{%- for message in messages -%}
{%- if message.role != 'system' -%}{{- message.role | upper + ': ' -}}{%- endif -%}
{%- for part in message.content | selectattr('type', 'equalto', 'image') -%}{{- '<image>\\n' -}}{%- endfor -%}
{%- for part in message.content | selectattr('type', 'equalto', 'text') -%}{{- part.text + ' ' -}}{%- endfor -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- 'ASSISTANT:' -}}{%- endif -%}
"""


def tokenizer(special: Iterable[str], template: str, bos: bool = False, **named: Any) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer whose words are those of `WORDS`.

    Args:
        special: Special tokens; the first is for padding.
        template: The chat template.
        bos: Whether texts are opened with `<s>`, as a Llama tokenizer does.
        named: Of the tokenizer's class, such as `eos_token`.
    """
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), special_tokens=list(special),
        show_progress=False,
    )  # fmt: skip
    made.train_from_iterator([f"{space}{word}" for word in WORDS.split() for space in ("", " ")], trainer)
    if bos:
        made.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", made.token_to_id("<s>"))]
        )
    made.add_tokens([AddedToken(word, special=False) for word in ("<think>", "</think>", "<answer>", "</answer>")])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, model_max_length=CONTEXT, chat_template=template, clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"], **named,
    )  # fmt: skip


def _text(words: PreTrainedTokenizerFast, **more: Any) -> dict[str, Any]:
    ids = {"eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id, "bos_token_id": words.bos_token_id}
    return {**TEXT, **ids, "vocab_size": len(words), **more}


def _id(words: PreTrainedTokenizerFast, token: str) -> int:
    found: int = words.convert_tokens_to_ids(token)
    return found


QWEN_SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>",
    "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
GRID = {"patch_size": 14, "merge_size": 2, "temporal_patch_size": 2}
MROPE = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 3, 3]}


def _qwen(
    config: type, model: type, processor: type, vision: Mapping[str, Any], patch: int = 14, **text: Any
) -> tuple[Any, Any]:
    words = tokenizer(QWEN_SPECIAL, QWEN_TEMPLATE, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    made = model(
        config(
            text_config=_text(words, **{"rope_parameters": MROPE, **text}),
            vision_config={"depth": 2, "num_heads": 2, "patch_size": patch, "spatial_merge_size": 2, **vision},
            image_token_id=_id(words, "<|image_pad|>"), video_token_id=_id(words, "<|video_pad|>"),
            vision_start_token_id=_id(words, "<|vision_start|>"), vision_end_token_id=_id(words, "<|vision_end|>"),
        )
    )  # fmt: skip
    pixels = {**GRID, "patch_size": patch, "size": {"shortest_edge": 16 * patch**2, "longest_edge": 36 * patch**2}}
    video = Qwen2VLVideoProcessor if patch == 14 else Qwen3VLVideoProcessor
    return made, processor(
        image_processor=Qwen2VLImageProcessor(**pixels), video_processor=video(**pixels),
        tokenizer=words, chat_template=QWEN_TEMPLATE,
    )  # fmt: skip


def qwen2_vl() -> tuple[Any, Any]:
    vision = {"embed_dim": 32, "hidden_size": 64, "mlp_ratio": 2}
    return _qwen(Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor, vision)


def qwen2_5_vl() -> tuple[Any, Any]:
    vision = {
        "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 64, "window_size": 56,
        "fullatt_block_indexes": [1],
    }  # fmt: skip
    return _qwen(Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor, vision)


QWEN3_VISION = {
    "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 64, "num_position_embeddings": 64,
}  # fmt: skip


def qwen3_vl() -> tuple[Any, Any]:
    vision = {**QWEN3_VISION, "deepstack_visual_indexes": [0, 1]}
    return _qwen(
        Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor, vision, 16, head_dim=16,
        rope_parameters={**MROPE, "mrope_interleaved": True},
    )  # fmt: skip


def qwen3_5() -> tuple[Any, Any]:
    return _qwen(
        Qwen3_5Config, Qwen3_5ForConditionalGeneration, Qwen3VLProcessor, QWEN3_VISION, 16, head_dim=16,
        layer_types=["linear_attention", "full_attention"], linear_key_head_dim=16, linear_value_head_dim=16,
        linear_num_key_heads=2, linear_num_value_heads=2,
        rope_parameters={**MROPE, "mrope_interleaved": True, "partial_rotary_factor": 1.0},
    )  # fmt: skip


def internvl() -> tuple[Any, Any]:
    special = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>")
    words = tokenizer(
        special, INTERN_TEMPLATE, bos=True, eos_token="</s>", bos_token="<s>", pad_token="</s>",
        extra_special_tokens={
            "start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
    )  # fmt: skip
    config = InternVLConfig(
        text_config={**_text(words), "model_type": "llama"},
        vision_config={
            "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
            "image_size": [56, 56], "patch_size": [14, 14],
        },
        image_token_id=_id(words, "<IMG_CONTEXT>"), image_seq_length=4, tie_word_embeddings=False,
    )  # fmt: skip
    tile = {"height": 56, "width": 56}
    processor = InternVLProcessor(
        image_processor=GotOcr2ImageProcessor(size=tile, crop_to_patches=True, max_patches=4),
        video_processor=InternVLVideoProcessor(size=tile), tokenizer=words, image_seq_length=4,
        chat_template=INTERN_TEMPLATE,
    )  # fmt: skip
    return InternVLForConditionalGeneration(config), processor


GLM_SPECIAL = (
    "<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>",
    "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>", "<|image|>", "<|video|>",
)  # fmt: skip


def glm4v() -> tuple[Any, Any]:
    words = tokenizer(GLM_SPECIAL, GLM_TEMPLATE, eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    config = Glm4vConfig(
        text_config=_text(words, rope_parameters={**MROPE, "partial_rotary_factor": 0.5, "mrope_section": [1, 1, 2]}),
        vision_config={
            "depth": 2, "hidden_size": 32, "num_heads": 2, "intermediate_size": 64, "out_hidden_size": 64,
            "image_size": 56, "patch_size": 14, "spatial_merge_size": 2,
        },
        image_token_id=_id(words, "<|image|>"), video_token_id=_id(words, "<|video|>"),
        image_start_token_id=_id(words, "<|begin_of_image|>"), image_end_token_id=_id(words, "<|end_of_image|>"),
        video_start_token_id=_id(words, "<|begin_of_video|>"), video_end_token_id=_id(words, "<|end_of_video|>"),
    )  # fmt: skip
    pixels = {**GRID, "size": {"shortest_edge": 56 * 56 * 2, "longest_edge": 84 * 84 * 2}}
    processor = Glm4vProcessor(
        image_processor=Glm4vImageProcessor(**pixels), video_processor=Glm4vVideoProcessor(**pixels), tokenizer=words,
        chat_template=GLM_TEMPLATE,
    )  # fmt: skip
    return Glm4vForConditionalGeneration(config), processor


def llava() -> tuple[Any, Any]:
    words = tokenizer(
        ("<unk>", "<s>", "</s>", "<pad>", "<image>"), LLAVA_TEMPLATE, bos=True,
        bos_token="<s>", eos_token="</s>", pad_token="<pad>",
    )  # fmt: skip
    side = {"height": 56, "width": 56}
    config = LlavaConfig(
        text_config=LlamaConfig(**_text(words)),
        vision_config=CLIPVisionConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=56,
            patch_size=14,
        ),
        image_token_index=_id(words, "<image>"), image_seq_length=16,
    )  # fmt: skip
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(size={"shortest_edge": 56}, crop_size=side), tokenizer=words, patch_size=14,
        vision_feature_select_strategy="default", num_additional_image_tokens=1, chat_template=LLAVA_TEMPLATE,
    )  # fmt: skip
    return LlavaForConditionalGeneration(config), processor


SIGLIP = {
    "model_type": "siglip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 2, "image_size": 56, "patch_size": 14, "vision_use_head": False,
}  # fmt: skip


def llava_onevision() -> tuple[Any, Any]:
    words = tokenizer(
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>"),
        QWEN_TEMPLATE.replace("<|vision_start|><|image_pad|><|vision_end|>", "<image>"),
        eos_token="<|im_end|>", pad_token="<|endoftext|>",
    )  # fmt: skip
    grid = [[56 * high, 56 * wide] for high in (1, 2) for wide in (1, 2)]
    config = LlavaOnevisionConfig(
        text_config={**_text(words), "model_type": "qwen2"}, vision_config=SIGLIP, image_grid_pinpoints=grid,
        image_token_index=_id(words, "<image>"), video_token_index=_id(words, "<video>"),
    )  # fmt: skip
    side = {"height": 56, "width": 56}
    processor = LlavaOnevisionProcessor(
        image_processor=LlavaOnevisionImageProcessor(size=side, image_grid_pinpoints=grid),
        video_processor=LlavaOnevisionVideoProcessor(size=side), tokenizer=words, num_image_tokens=16,
        vision_feature_select_strategy="full", chat_template=words.chat_template,
    )  # fmt: skip
    return LlavaOnevisionForConditionalGeneration(config), processor


def gemma3() -> tuple[Any, Any]:
    special = (
        "<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>",
        "<start_of_image>", "<end_of_image>", "<image_soft_token>",
    )  # fmt: skip
    words = tokenizer(
        special, GEMMA_TEMPLATE, eos_token="<eos>", bos_token="<bos>", pad_token="<pad>",
        extra_special_tokens={
            "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>",
        },
    )  # fmt: skip
    config = Gemma3Config(
        text_config=_text(words, head_dim=16, sliding_window=64, query_pre_attn_scalar=16), vision_config=SIGLIP,
        mm_tokens_per_image=4, boi_token_index=_id(words, "<start_of_image>"),
        eoi_token_index=_id(words, "<end_of_image>"), image_token_index=_id(words, "<image_soft_token>"),
    )  # fmt: skip
    processor = Gemma3Processor(
        image_processor=Gemma3ImageProcessor(size={"height": 56, "width": 56}), tokenizer=words, image_seq_length=4,
        chat_template=GEMMA_TEMPLATE,
    )  # fmt: skip
    return Gemma3ForConditionalGeneration(config), processor


def mistral3() -> tuple[Any, Any]:
    special = ("<unk>", "<s>", "</s>", "<pad>", "[INST]", "[/INST]", "[IMG]", "[IMG_BREAK]", "[IMG_END]")
    words = tokenizer(special, MISTRAL_TEMPLATE, bos=True, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    config = Mistral3Config(
        text_config={**_text(words, head_dim=16), "model_type": "mistral"},
        vision_config={
            "model_type": "pixtral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "head_dim": 16, "image_size": 112, "patch_size": 14,
        },
        image_token_index=_id(words, "[IMG]"), tie_word_embeddings=False,
    )  # fmt: skip
    processor = PixtralProcessor(
        image_processor=PixtralImageProcessor(size={"longest_edge": 112}, patch_size=14), tokenizer=words,
        patch_size=14, spatial_merge_size=2, chat_template=MISTRAL_TEMPLATE,
    )  # fmt: skip
    return Mistral3ForConditionalGeneration(config), processor


def smolvlm() -> tuple[Any, Any]:
    special = (
        "<|endoftext|>", "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>",
        *(f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)),
    )  # fmt: skip
    words = tokenizer(special, SMOL_TEMPLATE, eos_token="<end_of_utterance>", pad_token="<|endoftext|>")
    config = SmolVLMConfig(
        text_config={**_text(words), "model_type": "llama"},
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": 56, "patch_size": 14,
        },
        image_token_id=_id(words, "<image>"), pad_token_id=words.pad_token_id,
    )  # fmt: skip
    processor = SmolVLMProcessor(
        image_processor=SmolVLMImageProcessor(
            size={"longest_edge": 112}, max_image_size={"longest_edge": 56}, resample=1
        ),
        video_processor=SmolVLMVideoProcessor(size={"longest_edge": 56}, max_image_size={"longest_edge": 56}),
        tokenizer=words, image_seq_len=4, chat_template=SMOL_TEMPLATE,
    )  # fmt: skip
    return SmolVLMForConditionalGeneration(config), processor


BUILDERS: Mapping[str, Callable[[], tuple[Any, Any]]] = {
    builder.__name__: builder
    for builder in (
        qwen2_vl,
        qwen2_5_vl,
        qwen3_vl,
        qwen3_5,
        internvl,
        glm4v,
        llava,
        llava_onevision,
        gemma3,
        mistral3,
        smolvlm,
    )
}


def build(family: str, folder: Path) -> Path:
    """Write a random model of a family, as the hub has them; returns the folder."""
    torch.manual_seed(3)
    model, processor = BUILDERS[family]()
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
