"""Writes the eigenvalues of one symmetric matrix, lowest first: eigen.py MATRIX.npy EIGENVALUES.npy."""

from __future__ import annotations

import os
import sys

import numpy as np


def main() -> None:
    """Read the matrix, check that it is symmetric, write its eigenvalues in one step."""
    source, target = sys.argv[1:]
    matrix = np.load(source)
    if matrix.ndim != 2 or not np.array_equal(matrix, matrix.T):
        sys.exit(f"eigen.py: {source} does not hold a symmetric matrix")
    with open(f"{target}.part", "wb") as part:
        np.save(part, np.linalg.eigvalsh(matrix))
    os.replace(f"{target}.part", target)


if __name__ == "__main__":
    main()
