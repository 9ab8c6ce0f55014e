"""Public benchmarks that models are measured on: one file each in `public`, and what reads and scores any of them.

Nothing of a benchmark is ever trained on: its items go to a table of their own, which `evaluate` and the leakage check
read.
"""
