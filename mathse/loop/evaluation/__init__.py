"""Measuring: models on the test problems, models against each other, and the ORM on its held-out paths."""
