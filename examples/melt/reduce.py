"""Writes mean pressure and energy of each run, with their errors: reduce.py TABLE.csv RUN.txt…."""

from __future__ import annotations

import csv
import os
import sys

import numpy as np

BLOCKS = 8  # longer than what a fluid remembers, so that their means are independent


def main() -> None:
    """Read temperature and density of a run from its path, runs/TEMPERATURE/DENSITY.txt, and its records from it."""
    target, *runs = sys.argv[1:]
    with open(f"{target}.part", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["temperature", "density", "pressure", "pressure_error", "energy", "energy_error"])
        for run in runs:
            folder, name = os.path.split(run)
            records = np.loadtxt(run)[:, 2:4]  # step, temperature, pressure, energy of one atom
            means = np.array([block.mean(axis=0) for block in np.array_split(records, BLOCKS)])
            errors = means.std(axis=0, ddof=1) / BLOCKS**0.5
            cells = (f"{value:.4f}" for pair in zip(means.mean(axis=0), errors, strict=True) for value in pair)
            table.writerow([os.path.basename(folder), name.removesuffix(".txt"), *cells])
    os.replace(f"{target}.part", target)


if __name__ == "__main__":
    main()
