"""A worker of `mathse.answers.symbolic`: reads pairs as JSON lines, writes math-verify's verdicts; ends with its input.

Each pair is compared in a fork of its own, which the kernel ends when it has used its processor time: the next pair
finds everything loaded, whatever the last one did. Memory is limited, and no file can be written.
"""

import gc
import json
import logging
import math
import os
import re
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
_COMMAND = re.compile(r"\\(?:begin|end)\s*\{\w+\}|\\[a-zA-Z]+")
_WORD = re.compile(r"[a-zA-Z]{4,}|[^\W\d_a-zA-Zα-ωΑ-Ω]")
_LEFT_OUT = re.compile(r"\\(?:l|c|v|d)?dots|\.\.|…|\\(?:text|mbox|qed)|[?#@]")


def main() -> None:
    """Serve until the input ends."""
    from math_verify import verify

    limit_memory(int(sys.argv[1]))
    seconds = float(sys.argv[2])
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(2_000)
    for gold, answer in _WARM_UP:
        _compare(gold, answer, verify)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        gold, answer = json.loads(line)
        print(json.dumps(compare_in_fork(gold, answer, seconds, verify)), flush=True)


def read_whole(text: str) -> Any:
    r"""The value of a text as sympy has it, if all of it is mathematics; else None.

    math-verify's own `parse` takes the last formula or number of a text that it cannot read as a whole, and leaves out
    words and dots: `2\sqrt{3}?` would be 2.
    """
    from math_verify.parser import NormalizationConfig, latex2sympy, normalize_latex, should_treat_as_complex

    text = text.strip(" $.")
    if not text or _LEFT_OUT.search(text) or _WORD.search(_COMMAND.sub(" ", text)):
        return None
    try:
        latex = normalize_latex(text, NormalizationConfig(malformed_operators=True))
        is_real = not should_treat_as_complex(latex)
        return latex2sympy(latex, is_real=is_real, convert_degrees=False, normalization_config=None)
    except MemoryError:
        raise
    except Exception:  # the parser raises anything at all on odd input
        return None


def compare_in_fork(gold: str, answer: str, seconds: float, verify: Any) -> dict[str, Any]:
    """What a fork replies on a pair within so many seconds of processor time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)  # which no exception handler of sympy can swallow
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds) + 1,) * 2)  # should the timer ever be lost
        os.write(writing, json.dumps(_compare(gold, answer, verify)).encode())
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


def _compare(gold: str, answer: str, verify: Any) -> dict[str, Any]:
    # The kernel keeps the time. math-verify's own limit rests on a signal that sympy may swallow.
    try:
        values = []
        for name, text in (("gold", gold), ("answer", answer)):
            if (value := read_whole(text)) is None:
                return {"equal": None, "reason": f"{name} cannot be read"}
            values.append(value)
        equal = bool(verify(*values, timeout_seconds=None, raise_on_error=True))
    except MemoryError:
        return {"equal": None, "reason": "symbolic grading ran out of memory"}
    except Exception as error:  # sympy raises anything at all on odd input
        return {"equal": None, "reason": f"symbolic grading failed: {type(error).__name__}"}
    return {"equal": equal, "reason": "equal by math-verify" if equal else "different by math-verify"}


if __name__ == "__main__":
    main()
