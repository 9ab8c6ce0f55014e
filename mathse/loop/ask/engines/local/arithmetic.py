"""Holds torch's arithmetic on a CPU to AVX2, so that processors with and without AVX-512 sum in the same order.

Torch, oneDNN and MKL choose their kernels by the processor they find, and each kernel rounds in its own way: without
this, weights trained on a machine with AVX-512 differ from those of one without. All three obey environment
variables, which must be set before torch is loaded; those that are set already stay. MKL obeys its own on Intel's
processors alone: between makers only `MKL_CBWR=COMPATIBLE` gives equal weights, in a third more time (docs/LOG.md).
Where a processor has no AVX2 (an ARM one), nothing is held: torch would not ask whether it has before it used it.

Sample of `in_force()`: {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2", "capability":
"AVX2"}
"""

import os
import platform
from pathlib import Path

HELD = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
"""Environment variables of torch's own kernels, of oneDNN and of MKL."""


def hold(device: str) -> None:
    """Hold the arithmetic of this process and its children to AVX2, if their models run on a CPU that has it."""
    if device == "cpu" and _has_avx2():
        for name, value in HELD.items():
            os.environ.setdefault(name, value)


def in_force() -> dict[str, str | None]:
    """What decides torch's arithmetic on the CPU in this process; loads torch."""
    import torch

    return {**{name: os.environ.get(name) for name in HELD}, "capability": torch.backends.cpu.get_cpu_capability()}


def _has_avx2() -> bool:
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return False
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return any("avx2" in line.split() for line in lines if line.startswith("flags"))
    except OSError:  # not Linux
        return False
