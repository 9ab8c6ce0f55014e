"""What the tiny base can do: its share of right items on drills it has not seen, by kind of drill and picture.

    python -m tools.tiny_base.drills               # models/tiny, 400 drills, seed 99; about 15 s
    python -m tools.tiny_base.drills models/0 --drills 100

An item is one sentence of the completion, or one text of its JSON, such as `angle A is 50.`; it counts only where it
stands in the right place.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mathse import layout
from mathse.loop.ask.engines.local.loading import load_model, load_processor, settle
from mathse.params import Compute
from tools.tiny_base.curriculum import Drill, drill

SEED = 99
BATCH = 50
LONGEST = 120


def main() -> None:
    """Print one line per kind: right items, items, share."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", nargs="?", type=Path, default=layout.TINY, help="folder of the model")
    arguments.add_argument("--drills", type=int, default=400, help="how many drills")
    asked = arguments.parse_args()
    settle(Compute())
    model, processor = load_model(asked.model, "float32", "cpu").eval(), load_processor(asked.model)
    drills = [drill(SEED, index) for index in range(asked.drills)]
    right: dict[str, list[bool]] = defaultdict(list)
    for group in ([d for d in drills if d.picture], [d for d in drills if not d.picture]):
        for start in range(0, len(group), BATCH):
            batch = group[start : start + BATCH]
            for one, said in zip(batch, answers(model, processor, batch), strict=True):
                right[kind(one)] += items(one.completion, said)
    for name, found in sorted(right.items()):
        print(f"{name:24} {sum(found):4} of {len(found):4}  {sum(found) / len(found):.2f}")


def answers(model: Any, processor: Any, batch: Sequence[Drill]) -> list[str]:
    """What the model says to drills that all have an image, or all have none."""
    images = [image for one in batch if (image := one.image())]
    parts = [[*([{"type": "image"}] if images else []), {"type": "text", "text": one.prompt}] for one in batch]
    turns = [[{"role": "user", "content": content}] for content in parts]
    text = processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    pictures = [[image] for image in images] or None
    inputs = processor(text=text, images=pictures, padding=True, padding_side="left", return_tensors="pt")
    with torch.inference_mode():
        tokens = model.generate(**inputs, max_new_tokens=LONGEST, do_sample=False)
    said: list[str] = processor.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return said


def items(wanted: str, said: str) -> list[bool]:
    """For each sentence that is wanted, whether it was said in its place."""
    sentences, heard = (re.split(r'(?<=\.) |(?<=",) ', text.strip()) for text in (wanted, said))
    return [place < len(heard) and heard[place] == sentence for place, sentence in enumerate(sentences)]


def kind(one: Drill) -> str:
    """Kind of drill and picture, such as `describe Bars`."""
    return f"{one.kind} {type(one.picture).__name__}" if one.picture else one.kind


if __name__ == "__main__":
    main()
