"""The method itself, one file a step: solve, judge, annotate, reflect, mix, evaluate; all ask models by `generate`."""
