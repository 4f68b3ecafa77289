"""Draws pressure and energy over density, a line for each temperature: plot.py PICTURE.png TABLE.csv."""

from __future__ import annotations

import csv
import os
import sys

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def main() -> None:
    """Read the table, draw two panels; the dotted lines are those of a gas without forces."""
    target, table = sys.argv[1:]
    with open(table, encoding="utf-8", newline="") as lines:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]

    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, 2)
    for temperature in sorted({row["temperature"] for row in rows}):
        isotherm = sorted((row for row in rows if row["temperature"] == temperature), key=lambda row: row["density"])
        densities = [row["density"] for row in isotherm]
        for axes, quantity in zip(panels, ("pressure", "energy"), strict=True):
            values = [row[quantity] for row in isotherm]
            errors = [row[f"{quantity}_error"] for row in isotherm]
            drawn = axes.errorbar(densities, values, errors, marker="o", capsize=3, label=f"T = {temperature:g}")
            ideal = [temperature * density if quantity == "pressure" else 0.0 for density in densities]
            axes.plot(densities, ideal, linestyle=":", color=drawn[0].get_color())
    for axes, label in zip(panels, ("pressure", "potential energy of an atom"), strict=True):
        axes.set_xlabel("density")
        axes.set_ylabel(label)
    panels[0].legend()
    figure.set_dpi(120)
    FigureCanvasAgg(figure).print_png(f"{target}.part")
    os.replace(f"{target}.part", target)


if __name__ == "__main__":
    main()
