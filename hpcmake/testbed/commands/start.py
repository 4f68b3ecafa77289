"""From the name of a command to what it does.

Owns which commands there are.  Knows nothing of what they do.
"""

from __future__ import annotations

import importlib
import sys

from .refusal import Refusal
from .state import State

FACES = {
    "aprun": ("aprun", "Aprun"),
    "srun": ("srun", "Srun"),
    "mpiexec.pals": ("pals", "Pals"),
    "mpiexec.mpich": ("hydra", "Hydra"),
    "mpiexec.openmpi": ("orterun", "Orterun"),
    "runjob": ("runjob", "Runjob"),
}
"""The launchers: in which module each is, and what it is called there."""

PROGRAMS = {
    "get-bootable-blocks": ("blocks", "list_bootable"),
    "boot-block": ("blocks", "boot"),
    "get-corners.py": ("blocks", "list_corners"),
    "squeue": ("asked", "squeue"),
    "scontrol": ("asked", "scontrol"),
    "absent": ("asked", "absent"),
}
"""The other commands, likewise."""


def main(folder: str, name: str, argv: list[str]) -> int:
    """Do what the command `name` does with these words; return its exit status."""
    if name.startswith("ask "):
        from .ask import ask

        return ask(folder, name.removeprefix("ask "), argv)
    state = State(folder)
    try:
        if name in FACES:
            from .front import launch

            module, face = FACES[name]
            return launch(state, getattr(importlib.import_module(f"{__package__}.{module}"), face)(state), argv)
        called, *rest = (name.partition(" ")[2], *argv) if name.startswith("absent ") else ("", *argv)
        module, function = PROGRAMS[name.partition(" ")[0]]
        program = getattr(importlib.import_module(f"{__package__}.{module}"), function)
        status: int = program(state, [called, *rest] if called else argv)
    except Refusal as refusal:
        sys.stdout.write("".join(line + "\n" for line in refusal.out))
        sys.stdout.flush()
        sys.stderr.write("".join(line + "\n" for line in refusal.lines))
        return refusal.status
    return status
