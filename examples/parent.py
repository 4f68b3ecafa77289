"""Writes a random number, 2 to 6, of random symmetric matrices as output1.npy, output2.npy, … in the working folder.

Each has a dimension of 10 to 100. A whole number as the first argument is the seed; without one every run differs.
"""

from __future__ import annotations

import os
import sys

import numpy as np


def main() -> None:
    """Draw the matrices and write each under a hidden name first, so that a crash leaves no half file behind."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else None
    rng = np.random.default_rng(seed)
    for i in range(1, int(rng.integers(2, 6, endpoint=True)) + 1):
        dimension = int(rng.integers(10, 100, endpoint=True))
        entries = rng.standard_normal((dimension, dimension))
        with open(f".output{i}.part", "wb") as part:
            np.save(part, (entries + entries.T) / 2)
        os.replace(f".output{i}.part", f"output{i}.npy")


if __name__ == "__main__":
    main()
