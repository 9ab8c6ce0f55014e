"""MathSE: a vision-language model that teaches itself mathematics, with every dataset it learns from versioned."""
