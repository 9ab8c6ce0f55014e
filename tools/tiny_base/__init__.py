"""The recipe of `models/tiny`, the default base: a tiny Qwen2-VL that learns to read figures and to calculate.

    curriculum   the drills it is pre-trained on
    vocabulary   the texts whose words its tokenizer holds whole
    tiny         its architecture, tokenizer and processor
    head_start   initial weights that spare it what training finds late or never
    pretrain     the recipe itself: its settings, and the training
    drills       what the model can do, by kind of drill

`python -m tools.tiny_base` builds it anew. No part of `mathse` needs this; tests do, for tiny models.
"""
