"""How fast answers are graded, beside math-verify on the same pairs in the same run; and a million in bounded memory.

    python benchmarks/grading.py              # 20,000 pairs, then math-verify on 1,000 of them: about 15 s
    python benchmarks/grading.py --million    # also 1,000,000 pairs through a `Grader`, with the peak of memory

The pairs are drawn, not read: integers, decimals, fractions, LaTeX roots, units, choices, expressions and intervals,
each as a bare gold answer and a solution of about 700 characters that ends with a right or a wrong one. One process,
one thread; math-verify gets the same texts with its own time limits.
"""

import argparse
import random
import resource
import time
from collections.abc import Callable
from statistics import quantiles

from mathse.answers.grade import Grader, grade
from mathse.tables.schemas import Status

Pair = tuple[str, str, tuple[str, ...], bool]
"""Gold answer, solution, choices, and whether the solution is right."""

_FILLER = (
    "First we look at the figure and note what is given: the base is {a} and the height is {b}. ",
    "Since the two angles are equal, $x + {a} = {b}$, and therefore $x = {b} - {a}$. ",
    r"By the theorem, \(\frac{{{a}}}{{{b}}} = \sqrt{{{a}}}\) holds for each of the parts. ",
    "Step {a}: we add {a} and {b}, which gives {c}. ",
)
_ENDS = (
    r"So the result is $\boxed{{{}}}$.",
    "The answer to this problem is {}.",
    "**Answer:** ${}$",
    r"Therefore, the answer is \({}\).",
)
_UNITS = (("cm", r"\text{ cm}"), ("cm^2", r"\text{ cm}^2"), ("°", r"^\circ"), ("km/h", r"\text{ km/h}"))


def main() -> None:
    """Print pairs per second, percentiles and the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--pairs", type=int, default=20_000, help="how many pairs")
    arguments.add_argument("--peer", type=int, default=1_000, help="how many of them math-verify grades too")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--million", action="store_true", help="also a million pairs through a `Grader`")
    asked = arguments.parse_args()
    pairs = [draw(random.Random(f"{asked.seed} {place}")) for place in range(asked.pairs)]
    length = sum(len(solution) for _, solution, _, _ in pairs) / len(pairs)
    print(f"{len(pairs)} pairs, solutions of {length:.0f} characters, {len(set(pairs))} different")
    ours(pairs[:500])  # units and patterns load when they are first used
    rate = report("mathse", *timed(ours, pairs))
    peer = report("math-verify", *timed(theirs, pairs[: asked.peer]))
    print(f"mathse is {rate / peer:.0f} times as fast")
    if asked.million:
        million(asked.seed)


def draw(rng: random.Random) -> Pair:
    """One pair of a random kind."""
    gold, same, other, choices = rng.choice(KINDS)(rng)
    is_right = rng.random() < 0.5
    text = ""
    while len(text) < 620:
        text += rng.choice(_FILLER).format(a=rng.randint(2, 99), b=rng.randint(2, 99), c=rng.randint(2, 999))
    return gold, text + rng.choice(_ENDS).format(same if is_right else other), choices, is_right


Drawn = tuple[str, str, str, tuple[str, ...]]
"""Gold answer, the same otherwise written, another one, choices."""


def integers(rng: random.Random) -> Drawn:
    """`1234`, `1,234`."""
    n = rng.randint(-999, 99_999)
    return str(n), f"{n:,}", str(n + rng.choice((-10, -1, 1, 2))), ()


def decimals(rng: random.Random) -> Drawn:
    """`3.5`, `3.50`."""
    n = rng.randint(1, 9_999)
    return f"{n / 10}", f"{n / 10:.2f}", f"{(n + 1) / 10}", ()


def fractions(rng: random.Random) -> Drawn:
    r"""`3/7`, `\frac{6}{14}`."""
    a, b = rng.randint(1, 30), rng.randint(2, 30)
    return f"{a}/{b}", rf"\frac{{{2 * a}}}{{{2 * b}}}", rf"\frac{{{a + 1}}}{{{b}}}", ()


def roots(rng: random.Random) -> Drawn:
    r"""`2\sqrt{12}`, `4\sqrt{3}`."""
    a, b = rng.randint(2, 9), rng.choice((2, 3, 5, 7))
    return rf"{2 * a}\sqrt{{{b}}}", rf"{a}\sqrt{{{4 * b}}}", rf"{a}\sqrt{{{b}}}", ()


def units(rng: random.Random) -> Drawn:
    r"""`12 cm`, `12\text{ cm}`."""
    n, (plain, dressed) = rng.randint(2, 500), rng.choice(_UNITS)
    return f"{n} {plain}", f"{n}{dressed}", f"{n + 1}{dressed}", ()


def options(rng: random.Random) -> Drawn:
    """A letter, and its option's value."""
    values = [str(n) for n in rng.sample(range(2, 300), 4)]
    place = rng.randrange(4)
    return "ABCD"[place], rng.choice((values[place], f"({'ABCD'[place]})")), "ABCD"[place - 1], tuple(values)


def expressions(rng: random.Random) -> Drawn:
    """`2x+6`, `2(x+3)`."""
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return f"{a}x+{a * b}", f"{a}(x+{b})", f"{a}(x-{b})", ()


def intervals(rng: random.Random) -> Drawn:
    r"""`[1, 5)`, `\left[1, 5\right)`."""
    a, b = sorted(rng.sample(range(-20, 40), 2))
    return f"[{a}, {b})", rf"\left[{a},{b}\right)", f"({a}, {b})", ()


KINDS: tuple[Callable[[random.Random], Drawn], ...] = (
    integers, integers, decimals, fractions, roots, units, options, options, expressions, intervals,
)  # fmt: skip


def ours(pairs: list[Pair]) -> list[tuple[bool, float]]:
    """Whether each pair's verdict is right, and its seconds."""

    def is_correct(gold: str, text: str, choices: tuple[str, ...]) -> bool:
        return grade(gold, text, choices).status is Status.CORRECT

    return [clocked(is_correct, pair) for pair in pairs]


def theirs(pairs: list[Pair]) -> list[tuple[bool, float]]:
    """The same by math-verify, which knows no choices: it gets the gold option's value."""
    from math_verify import parse, verify

    def is_correct(gold: str, text: str, choices: tuple[str, ...]) -> bool:
        gold = choices[ord(gold) - ord("A")] if choices else gold
        return bool(verify(parse(f"${gold}$"), parse(text)))

    return [clocked(is_correct, pair) for pair in pairs]


def clocked(judge: Callable[[str, str, tuple[str, ...]], bool], pair: Pair) -> tuple[bool, float]:
    """Whether a judge's verdict is right, and the seconds that it took."""
    gold, text, choices, right = pair
    start = time.perf_counter()
    verdict = judge(gold, text, choices)
    return verdict == right, time.perf_counter() - start


def timed(
    work: Callable[[list[Pair]], list[tuple[bool, float]]], pairs: list[Pair]
) -> tuple[list[tuple[bool, float]], float]:
    """What a grader makes of pairs, and the seconds that all of them took."""
    start = time.perf_counter()
    return work(pairs), time.perf_counter() - start


def report(name: str, results: list[tuple[bool, float]], seconds: float) -> float:
    """Print a grader's line; its pairs per second."""
    cuts = quantiles([1000 * spent for _, spent in results], n=1000)
    right = sum(right for right, _ in results) / len(results)
    rate = len(results) / seconds
    print(
        f"{name:12} {rate:9,.0f} pairs/s   p50 {cuts[499]:7.3f} ms   p99 {cuts[989]:7.3f} ms   "
        f"worst {max(spent for _, spent in results) * 1000:7.1f} ms   right {right:.1%}"
    )
    return rate


def million(seed: int) -> None:
    """A million pairs through a grader that remembers, with the peak of memory."""
    before = peak()
    start, right = time.perf_counter(), 0
    grader = Grader()
    for place in range(1_000_000):
        gold, text, choices, is_right = draw(random.Random(f"{seed} million {place}"))
        right += (grader.grade(gold, text, choices).status is Status.CORRECT) == is_right
    print(
        f"1,000,000 pairs in {time.perf_counter() - start:.0f} s, drawing them included; {right / 1e6:.1%} right; "
        f"peak memory {peak():.0f} MiB ({before:.0f} before)"
    )


def peak() -> float:
    """The process's largest resident memory so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
