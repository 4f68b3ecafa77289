"""Draws the matrix of affinities, proteins down and ligands across: plot.py SCORES.png RANKING.csv."""

from __future__ import annotations

import csv
import os
import sys

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def main() -> None:
    """Read the ranking, draw a square for each pair; a pair that could not be docked stays grey."""
    target, ranking = sys.argv[1:]
    with open(ranking, encoding="utf-8", newline="") as lines:
        scores = {(row["protein"], row["ligand"]): float(row["affinity"]) for row in csv.DictReader(lines)}
    proteins = sorted({protein for protein, _ in scores})
    ligands = sorted({ligand for _, ligand in scores})
    matrix = np.array([[scores.get((protein, ligand), np.nan) for ligand in ligands] for protein in proteins])

    figure = Figure(figsize=(2 + 1.2 * len(ligands), 1.5 + 0.8 * len(proteins)), layout="constrained")
    axes = figure.subplots()
    # An affinity above zero means that the ligand does not fit: all such squares look alike.
    image = axes.imshow(matrix, cmap="Blues_r", vmin=float(np.nanmin(matrix)), vmax=0.0)
    axes.set_facecolor("lightgrey")
    axes.set_xticks(range(len(ligands)), ligands)
    axes.set_yticks(range(len(proteins)), proteins)
    for (row, column), affinity in np.ndenumerate(matrix):
        if not np.isnan(affinity):
            ink = "white" if affinity < np.nanmin(matrix) / 2 else "black"
            axes.text(column, row, f"{affinity:.1f}", ha="center", va="center", color=ink)
    axes.set_title("best affinity by AutoDock Vina")
    figure.colorbar(image, ax=axes, label="kcal/mol", extend="max")
    figure.set_dpi(120)
    FigureCanvasAgg(figure).print_png(f"{target}.part")
    os.replace(f"{target}.part", target)


if __name__ == "__main__":
    main()
