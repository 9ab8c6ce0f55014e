"""The method itself, one file per step: solve, judge, annotate, reflect, mix, evaluate; all ask models by `generate`."""
