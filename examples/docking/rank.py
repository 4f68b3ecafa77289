"""Joins the tables of all proteins into one ranking, best affinity first: rank.py RANKING.csv TABLE.csv […]."""

from __future__ import annotations

import csv
import os
import sys


def main() -> None:
    """Read the tables, sort their rows, number them, write the ranking in one step."""
    target, *tables = sys.argv[1:]
    rows = []
    for table in tables:
        with open(table, encoding="utf-8", newline="") as lines:
            rows += [(float(row["affinity"]), row["protein"], row["ligand"]) for row in csv.DictReader(lines)]
    with open(f"{target}.part", "w", encoding="utf-8", newline="") as part:
        writer = csv.writer(part, lineterminator="\n")
        writer.writerow(["rank", "protein", "ligand", "affinity"])
        for rank, (affinity, protein, ligand) in enumerate(sorted(rows), start=1):
            writer.writerow([rank, protein, ligand, affinity])
    os.replace(f"{target}.part", target)


if __name__ == "__main__":
    main()
