"""Generates events with one seed: generate.py EVENTS.npz CARD GRID.json SEED EVENTS.

Each event is kept as its weight and its observable; the cross-section of this seed is kept beside them.
"""

from __future__ import annotations

import json
import os
import sys

import numpy as np
from collisions import draw_events, read_cross_section, start_pythia


def main() -> None:
    target, card, grid_path, seed, events = sys.argv[1:]
    with open(grid_path, encoding="utf-8") as text:
        grid = json.load(text)
    pythia = start_pythia(card, int(seed), grid["mpi_tables"])
    values, weights = draw_events(pythia, grid["observable"], int(events))
    with open(f"{target}.part", "wb") as part:
        np.savez(part, values=values, weights=weights, **read_cross_section(pythia))
    os.replace(f"{target}.part", target)


if __name__ == "__main__":
    main()
