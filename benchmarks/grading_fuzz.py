r"""Thousands of odd answers: none may crash the grader, take a second of processor time, or be right by mistake.

    python benchmarks/grading_fuzz.py                # 20,000 answers: about two minutes
    python benchmarks/grading_fuzz.py --answers 500 --seed 7

Each gold answer is a number, and each answer says another number, dressed in what models, books and bad extraction put
around one: signs and commands that nobody reads, formulas, tags, closing phrases in English and Chinese, mutations of
the text. An answer is judged only if its number survived. Processor time is this process's and its workers'.
"""

import argparse
import random
import resource
from collections import Counter
from contextlib import suppress

import psutil

from mathse.answers.grade import grade
from mathse.tables.schemas import Status

MOST_SECONDS = 1.0
_NUMBERS = (
    "7", "12", "45", "-3", "0.35", "2.75", "100", "1/2", "3/7", r"\frac{3}{4}", r"1\frac12", r"2\sqrt{3}", r"\sqrt{2}",
    r"\sqrt[3]{5}", r"3\pi", r"\frac{\pi}{7}", "e^{2}", "e^{-30}", "10^{-3}", "2^{10}", "6!", r"\ln 2", r"\log_2 10",
    r"\sin 20°", r"\binom{5}{2}", "30°", "5 cm", "40%", "1,234", "99.9", "-17", "1e5", r"\frac{1+\sqrt5}{2}",
)  # fmt: skip
"""No two of them are one number."""
_BEHIND = (
    "", "", "?", r" \qed", r" \square", "...", r" \ldots", "!?", "。", " ,", ";", " #", " @", "**", "$", "}", "\\",
    r" \foo", r" \text{ units}", "\u200b", " 🙂", "\n\n", " (approx)", "%%", r" \\", "''", "`", r" \;", "</answer>",
    "<|im_end|>",
)  # fmt: skip
_AROUND = (
    "{}", "${}$", r"\({}\)", r"\[{}\]", r"\boxed{{{}}}", "**{}**", "({})", "x = {}", "x={}", "约{}",
    "The answer is {}.",
    "答案是{}。", "故选{}", "因此∠B的度数是{}。", "<answer>{}</answer>", "<think>no</think>{}", "So {} is it.",
    r"\text{{{}}}", "{{{}}}", r"\left({}\right)", "about {}", "{} cm", "y={}x", "{}, {}", "{} or {}", "[{}, {}]",
    "f({})", "{}=x", "≈{}", r"\lim_{{x\to 0}} {}", r"\sum_{{k=1}}^{{1}} {}", r"\int_0^1 {} dx", "{}?", "1. {}",
    "Step 1: {}", "| {} |", "> {}",
)  # fmt: skip
_SIGNS = r"0123456789.,;:+-*/^_=<>()[]{}|\$%!&'~ xyABe" + "\n①三和或√π°×≤∈≈选是为答案故"


def main() -> None:
    """Grade, count, and print what should not be; exit 1 if there is any."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--answers", type=int, default=20_000, help="how many answers")
    arguments.add_argument("--seed", type=int, default=1)
    asked = arguments.parse_args()
    verdicts: Counter[Status] = Counter()
    faults: list[str] = []
    slowest = (0.0, "")
    for gold in ("1", "1 m"):  # units and workers are loaded when they are first needed
        grade(gold, r"\sum_{k=1}^{n} k")
        grade(gold, "1 cm")
    for place in range(asked.answers):
        gold, answer, is_other = draw(random.Random(f"{asked.seed} {place}"))
        start = seconds()
        try:
            status = grade(gold, answer).status
        except Exception as error:  # whatever it is, it is what is looked for
            faults.append(f"{type(error).__name__}: {error}: gold {gold!r}, answer {answer!r}")
            continue
        spent = seconds() - start
        verdicts[status] += 1
        slowest = max(slowest, (spent, f"gold {gold!r}, answer {answer!r}"))
        if spent > MOST_SECONDS:
            faults.append(f"{spent:.2f} s: gold {gold!r}, answer {answer!r}")
        if is_other and status is Status.CORRECT:
            faults.append(f"CORRECT by mistake: gold {gold!r}, answer {answer!r}")
    counts = ", ".join(f"{count} {status}" for status, count in verdicts.most_common())
    print(f"{asked.answers} answers: {counts}; slowest {slowest[0]:.2f} s of processor time ({slowest[1]})")
    print(*faults, sep="\n")
    raise SystemExit(len(faults) > 0)


def draw(rng: random.Random) -> tuple[str, str, bool]:
    """A gold answer, an odd answer, and whether that says another number for certain."""
    gold, number = rng.sample(_NUMBERS, 2)
    around = rng.choice(_AROUND)
    answer = around.format(*[number] * around.count("{}")) if "{{" not in around else around.format(number)
    answer += "".join(rng.choice(_BEHIND) for _ in range(rng.choice((0, 1, 1, 2))))
    if rng.random() < 0.35:  # mutated, it may say anything, and has only to be survived
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(answer) + 1)
            answer = answer[:at] + rng.choice(_SIGNS) + answer[at + rng.randint(0, 1) :]
        return gold, answer, False
    return gold, answer, True


def seconds() -> float:
    """Processor time of this process and of the workers that it started."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    total = own.ru_utime + own.ru_stime
    for worker in workers():
        with suppress(psutil.NoSuchProcess):
            times = worker.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def workers() -> list[psutil.Process]:
    """The processes that this one started, looked up anew when one of them is gone."""
    if not _workers or not all(worker.is_running() for worker in _workers):
        _workers[:] = psutil.Process().children()
    return _workers


_workers: list[psutil.Process] = []


if __name__ == "__main__":
    main()
