"""Final answers: found in a text (`extract`) and compared with the gold one by rule (`grade`).

    a solution's text   `extract`: the last of its `closings`, in English or Chinese, that holds an answer
    -> an answer        `notation`: LaTeX, Unicode, Markdown and ASCII as one canonical text
    -> canonical text   `read`: a typed value (`values`): `quantities` with `units`, an `expression`, which `evaluate`
                        works out, `relations` and the `regions` that they stand for, or `words`
    -> a value          `equivalent`: whether two say the same, by kind; else `symbolic`, math-verify in processes of
                        its own (`symbolic_worker`)
    -> a verdict        `grade`: options and gold answers, CORRECT, WRONG or UNDECIDED with the reason

`official` has the scoring rules of public benchmarks, as their authors published them.
"""
