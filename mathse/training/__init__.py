"""Training: a mix and a start model in, a model with its lineage out."""
