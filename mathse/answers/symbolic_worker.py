"""A worker of `mathse.answers.symbolic`: reads pairs as JSON lines, writes math-verify's verdicts; ends with its input.

Each pair is compared in a fork of its own, which the kernel ends when it has used its processor time: the next pair
finds everything loaded, whatever the last one did. Memory is limited, and no file can be written.
"""

import gc
import json
import logging
import math
import os
import resource
import signal
import sys
from typing import Any

_SEEN_FIRST = (
    (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}"),
    (r"\int_0^1 x^2 dx", r"\frac{1}{3}"),
    (r"\lim_{x \to 0} \frac{\sin x}{x}", "1"),
    (r"\begin{pmatrix} 1 & x \end{pmatrix}", r"\begin{pmatrix} x & 1 \end{pmatrix}"),
    (r"\{1, \sqrt{2}\}", r"(1, 2] \cup [3, 4)"),
    ("x^2 + y^2 = 1", "x < 3"),
)
"""sympy loads much of itself when it is first used."""


def main() -> None:
    """Serve until the input ends."""
    from math_verify import parse, verify

    _limit(int(sys.argv[1]))
    seconds = float(sys.argv[2])
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(2_000)
    for gold, answer in _SEEN_FIRST:
        _compared(gold, answer, parse, verify)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        gold, answer = json.loads(line)
        print(json.dumps(_forked(gold, answer, seconds, parse, verify)), flush=True)


def _forked(gold: str, answer: str, seconds: float, parse: Any, verify: Any) -> dict[str, Any]:
    """What a fork says of a pair within so many seconds of processor time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)  # which no exception handler of sympy can swallow
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds) + 1,) * 2)  # should the timer ever be lost
        os.write(writing, json.dumps(_compared(gold, answer, parse, verify)).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if status == 0 and said:
        reply: dict[str, Any] = json.loads(said)
        return reply
    is_late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF
    return {"equal": None, "reason": f"symbolic grading {'timed out' if is_late else 'died'}"}


def _limit(memory_mib: int) -> None:
    memory = memory_mib * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _compared(gold: str, answer: str, parse: Any, verify: Any) -> dict[str, Any]:
    # The kernel keeps the time. math-verify's own limit rests on a signal that sympy may swallow.
    try:
        right, given = (
            parse(f"${text.strip(' $')}$", parsing_timeout=None, raise_on_error=True) for text in (gold, answer)
        )
        if not right or not given:
            return {"equal": None, "reason": "gold cannot be read" if not right else "answer cannot be read"}
        equal = bool(verify(right, given, timeout_seconds=None, raise_on_error=True))
    except MemoryError:
        return {"equal": None, "reason": "symbolic grading ran out of memory"}
    except Exception as error:  # sympy raises anything at all on odd input
        return {"equal": None, "reason": f"symbolic grading failed: {type(error).__name__}"}
    return {"equal": equal, "reason": "equal by math-verify" if equal else "different by math-verify"}


if __name__ == "__main__":
    main()
