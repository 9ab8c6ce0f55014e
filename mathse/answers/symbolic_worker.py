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

_WARM_UP = (
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

    limit_memory(int(sys.argv[1]))
    seconds = float(sys.argv[2])
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(2_000)
    for gold, answer in _WARM_UP:
        _compare(gold, answer, parse, verify)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        gold, answer = json.loads(line)
        print(json.dumps(compare_in_fork(gold, answer, seconds, parse, verify)), flush=True)


def compare_in_fork(gold: str, answer: str, seconds: float, parse: Any, verify: Any) -> dict[str, Any]:
    """What a fork replies on a pair within so many seconds of processor time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)  # which no exception handler of sympy can swallow
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds) + 1,) * 2)  # should the timer ever be lost
        os.write(writing, json.dumps(_compare(gold, answer, parse, verify)).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        reply_text = pipe.read()
    _, status = os.waitpid(child, 0)
    if status == 0 and reply_text:
        reply: dict[str, Any] = json.loads(reply_text)
        return reply
    is_late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF
    return {"equal": None, "reason": f"symbolic grading {'timed out' if is_late else 'died'}"}


def limit_memory(memory_mib: int) -> None:
    """Limit this process and its forks; they write no file and leave no core either."""
    memory = memory_mib * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _compare(gold: str, answer: str, parse: Any, verify: Any) -> dict[str, Any]:
    # The kernel keeps the time. math-verify's own limit rests on a signal that sympy may swallow.
    try:
        gold_value, answer_value = (
            parse(f"${text.strip(' $')}$", parsing_timeout=None, raise_on_error=True) for text in (gold, answer)
        )
        if not gold_value or not answer_value:
            return {"equal": None, "reason": f"{'answer' if gold_value else 'gold'} cannot be read"}
        equal = bool(verify(gold_value, answer_value, timeout_seconds=None, raise_on_error=True))
    except MemoryError:
        return {"equal": None, "reason": "symbolic grading ran out of memory"}
    except Exception as error:  # sympy raises anything at all on odd input
        return {"equal": None, "reason": f"symbolic grading failed: {type(error).__name__}"}
    return {"equal": equal, "reason": "equal by math-verify" if equal else "different by math-verify"}


if __name__ == "__main__":
    main()
