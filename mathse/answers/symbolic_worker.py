"""A worker of `mathse.answers.symbolic`: reads pairs as JSON lines, writes math-verify's verdicts; ends with its input.

It runs under a limit of memory that its parent names, and neither forks, writes files nor opens connections: the limits
for that are set here too, before any text arrives.
"""

import json
import logging
import resource
import sys
from typing import Any


def main() -> None:
    """Serve until the input ends."""
    from math_verify import parse, verify

    _limit(int(sys.argv[1]))
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(2_000)
    _compared(r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}", parse, verify)  # sympy loads much of itself when first used
    print("ready", flush=True)
    for line in sys.stdin:
        gold, answer = json.loads(line)
        print(json.dumps(_compared(gold, answer, parse, verify)), flush=True)


def _limit(memory_mib: int) -> None:
    memory = memory_mib * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _compared(gold: str, answer: str, parse: Any, verify: Any) -> dict[str, Any]:
    # The parent keeps the time. math-verify's own limit rests on a signal that sympy may swallow.
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
