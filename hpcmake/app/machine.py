"""What this machine has: cores, memory, gpus.

Owns the numbers that limit what runs at once here.  Knows nothing of tasks.
"""

from __future__ import annotations

import os

from hpcmake.record import Record


class Machine(Record):
    """Cores, bytes of memory and gpus that may be used at once."""

    cores: int
    memory: int
    gpus: int


def read_machine(jobs: int | None) -> Machine:
    """Return what may be used here; `jobs` limits the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(jobs if jobs is not None else cores, memory, _gpus())


def _gpus() -> int:
    for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
        chosen = os.environ.get(name)
        if chosen is not None:
            return len([each for each in chosen.split(",") if each.strip() not in {"", "-1"}])
    try:
        names = os.listdir("/dev")
    except OSError:
        return 0
    return sum(1 for name in names if name.startswith("nvidia") and name[6:].isdigit())
