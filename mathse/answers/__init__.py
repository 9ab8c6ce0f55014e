"""Final answers: found in a text (`extract`) and compared with the gold one by rule (`grade`).

a solution's text   `tags`: without what was thought; what the tags of an answer hold
                    `extract`: the last of its `closings`, of which `phrases` has a table per language, or what it
                    concludes with (`chinese` sentences are read in a way of their own)
-> an answer        `notation`: LaTeX, Unicode, Markdown and ASCII as one canonical text
-> canonical text   `read`: a typed value (`values`): `quantities` with `units`, an `expression`, which `evaluate`
                    works out, `relations`, the `regions` that they stand for and the `figures` that they are
                    between, or `words`
-> a value          `equivalent`: whether two say the same, by kind, `equations` among them; else `symbolic`,
                    math-verify in processes of its own (`symbolic_worker`)
-> a verdict        `grade`: options and gold answers, CORRECT, WRONG or UNDECIDED with the reason

The rules by which public benchmarks score stand in `mathse.benchmarks`.
"""
