"""Mends what a chat template lacks, so that every model is trained and used in turns that begin and end.

Public templates are written for inference, and some cannot be trained on as they are. Each lack is found by rendering a
short conversation, and mended by a line before or after the template's own text; a template that lacks nothing stays
as it is. The mended template is saved with every model that is trained, so whoever loads that model uses it too.

- The assistant's turn is not closed (GLM-4.1V, LLaVA-1.5): a model trained on it would never stop. The tokenizer's
  end-of-text token is put after a closing assistant's turn.
- A message of parts (`[{"type": "text", ...}]`, as TRL makes them) is printed as a Python list (GLM-4.1V, for all
  roles but the user's): such messages are made plain text first.
- The tokenizer's opening token is missing (LLaVA-1.5): the tokenizer would put it before any other text, but texts out
  of a template are encoded without.
"""

from typing import Any

from mathse.errors import UserError

_PROBE = "quartz vexing"
_PLAIN = """\
{%- set mended = namespace(turns=[]) -%}
{%- for turn in messages -%}
{%- if turn.role != 'user' and turn.content is not string -%}
{%- set mended.turns = mended.turns + [dict(turn, content=turn.content | map(attribute='text') | join)] -%}
{%- else -%}
{%- set mended.turns = mended.turns + [turn] -%}
{%- endif -%}
{%- endfor -%}
{%- set messages = mended.turns -%}
"""
_OPENED = "{{- bos_token -}}\n"
_CLOSED = """
{%- if messages[-1].role == 'assistant' and not add_generation_prompt -%}{{- eos_token -}}{%- endif -%}"""


class ChatTemplateError(UserError):
    """A processor has no chat template, or one that loses the assistant's words."""


def mend(processor: Any) -> None:
    """Give a processor, in place, a chat template that renders parts, opens a text and closes the assistant's turn.

    Raises:
        ChatTemplateError: The template does not print what the assistant says, in any form.
    """
    template = processor.chat_template
    if not isinstance(template, str):
        return  # none at all, or several by name: the library says so where one is needed
    if "'type'" in _rendered(processor):
        processor.chat_template = template = _PLAIN + template
    if _PROBE not in _rendered(processor):
        raise ChatTemplateError(
            f"the chat template of {type(processor).__name__} does not print the assistant's words; give the model "
            "folder a chat_template.jinja that does"
        )
    tokenizer, opening = processor.tokenizer, processor.tokenizer.bos_token
    begins = opening is not None and tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id]
    if begins and not _rendered(processor).startswith(opening):
        processor.chat_template = template = _OPENED + template
    if closing_token(processor) is None and tokenizer.eos_token:
        processor.chat_template = template + _CLOSED


def closing_token(processor: Any) -> str | None:
    """The special token that ends the assistant's turn in the chat template; None if the turn is left open."""
    after = _rendered(processor).rpartition(_PROBE)[2]
    tokenizer = processor.tokenizer
    special = {token for token in (*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()) if token.strip()}
    following = [(after.index(token), token) for token in special if token in after]
    return min(following)[1] if following else None


def closing_id(processor: Any) -> int | None:
    """The id of the token that ends the assistant's turn; None if the turn is left open or there is no template.

    A completion ends there, whatever the model's own list of end tokens says.
    """
    closing = closing_token(processor) if isinstance(processor.chat_template, str) else None
    return None if closing is None else int(processor.tokenizer.convert_tokens_to_ids(closing))


def _rendered(processor: Any) -> str:
    """A question and its answer, both in parts, as training sees them."""
    turns = [
        {"role": role, "content": [{"type": "text", "text": text}]}
        for role, text in (("user", "Hello."), ("assistant", _PROBE))
    ]
    text: str = processor.apply_chat_template(turns, tokenize=False)
    return text
