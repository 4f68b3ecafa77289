"""Writes the five lowest and the five highest of all eigenvalues: reduce.py RESULTS EIGENVALUES.npy […]."""

from __future__ import annotations

import os
import sys

import numpy as np

KEPT = 5


def main() -> None:
    """Read all eigenvalues, sort them, write one number a line under a heading for each end."""
    target, *sources = sys.argv[1:]
    values = np.sort(np.concatenate([np.load(source) for source in sources]))
    lines = [f"# {len(values)} eigenvalues of {len(sources)} matrices", f"# the {KEPT} lowest"]
    lines += [f"{value:.12f}" for value in values[:KEPT]]
    lines += [f"# the {KEPT} highest"]
    lines += [f"{value:.12f}" for value in values[-KEPT:]]
    with open(f"{target}.part", "w", encoding="utf-8") as part:
        part.write("\n".join(lines) + "\n")
    os.replace(f"{target}.part", target)


if __name__ == "__main__":
    main()
