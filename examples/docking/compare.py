"""Compares affinities with known ones, and fails if one is off or missing: compare.py RANKING.csv KNOWN.csv.

Tolerated are 0.5 kcal/mol or a tenth of the value, since processors round differently and the search is a random one.
"""

from __future__ import annotations

import csv
import sys

ABSOLUTE = 0.5
RELATIVE = 0.1


def read_affinities(path: str) -> dict[tuple[str, str], float]:
    """The affinity in kcal/mol of each protein and ligand in a CSV file."""
    with open(path, encoding="utf-8", newline="") as lines:
        return {(row["protein"], row["ligand"]): float(row["affinity"]) for row in csv.DictReader(lines)}


def main() -> None:
    """Print each pair with both values; the exit is 1 if any differs by more than is tolerated."""
    found, known = (read_affinities(path) for path in sys.argv[1:])
    wrong = 0
    for pair, expected in known.items():
        affinity = found.get(pair, float("nan"))
        good = abs(affinity - expected) <= max(ABSOLUTE, RELATIVE * abs(expected))
        wrong += not good
        print(f"{pair[0]:8} {pair[1]:10} {affinity:8.2f} {expected:8.2f} {'' if good else 'DIFFERS'}".rstrip())
    if wrong:
        sys.exit(f"compare.py: {wrong} of {len(known)} affinities are not the known ones")


if __name__ == "__main__":
    main()
