"""Starts Pythia once with a card and measures what later tasks need: tune.py GRID.json CARD OBSERVABLE EVENTS.

The grid holds the tables of multiparton interactions, a first cross-section, the highest weight seen, and the bins.
"""

from __future__ import annotations

import sys

import numpy as np
from collisions import MPI_SETTING, draw_events, read_cross_section, start_pythia, write_json

SEED = 900_000_000  # the highest that Pythia takes: far from those of generation


def choose_bins(observable, values):
    """Edges of bins from zero to well above what was seen; charged particles come in pairs, so theirs are two wide."""
    highest = np.ceil(np.quantile(values, 0.99) * 1.5)
    return np.arange(-1.0, highest + 2.0, 2.0) if observable == "charged" else np.linspace(0.0, highest, 41)


def main() -> None:
    target, card, observable, events = sys.argv[1:]
    pythia = start_pythia(card, SEED, [])
    mpi_tables = [str(line) for line in pythia.settings.wvec(MPI_SETTING)]
    values, weights = draw_events(pythia, observable, int(events))
    grid = {
        "card": card,
        "observable": observable,
        **read_cross_section(pythia),
        "highest_weight": float(weights.max()),
        "bins": choose_bins(observable, values).tolist(),
        "mpi_tables": mpi_tables,
    }
    write_json(target, grid)


if __name__ == "__main__":
    main()
