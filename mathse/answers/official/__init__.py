"""The official scorers of four benchmarks: what answers are worth by the rules of those who made the benchmark.

Each module imitates one public script, mistakes included, so that a score can stand beside published ones; `grade.py`
is this project's own judgement. Everything here is a pure function of text: nothing is executed, no answer is passed to
a symbolic parser, and every input is answered at once.

A module has the rule itself and three names that `mathse score` uses (`rows.Benchmark`): `verdict` of one row,
`tables` for people, `scores` in the form of the official result file.
"""
