"""The method itself, one file per step: solve, judge, annotate, reflect, mix, evaluate; `generate` asks the models."""
