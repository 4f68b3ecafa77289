"""Writes the best affinity of each docked ligand, best first: table.py TABLE.csv @LIST, LIST with a file a line."""

from __future__ import annotations

import csv
import os
import sys

MARK = "REMARK VINA RESULT:"


def read_affinity(path: str) -> float:
    """The affinity in kcal/mol of the first pose in a docked file, which is the best; ends the program without one."""
    with open(path, encoding="ascii") as docked:
        for line in docked:
            if line.startswith(MARK):
                return float(line.removeprefix(MARK).split()[0])
    sys.exit(f"table.py: {path} holds no pose: no line begins with '{MARK}'")


def main() -> None:
    """Read the poses that there are, sort them, write the table in one step."""
    target, listing = sys.argv[1:]
    protein = os.path.basename(target).removesuffix(".csv")
    with open(listing.removeprefix("@"), encoding="utf-8") as names:
        poses = names.read().splitlines()
    rows = sorted((read_affinity(pose), os.path.basename(pose).removesuffix(".pdbqt")) for pose in poses)
    if not rows:
        sys.exit(f"table.py: no ligand could be docked into {protein}; `hpcmake ls` shows why")
    with open(f"{target}.part", "w", encoding="utf-8", newline="") as part:
        writer = csv.writer(part, lineterminator="\n")
        writer.writerow(["protein", "ligand", "affinity"])
        writer.writerows([protein, ligand, affinity] for affinity, ligand in rows)
    os.replace(f"{target}.part", target)


if __name__ == "__main__":
    main()
