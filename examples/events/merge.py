"""Unweights and merges the events of all seeds: merge.py SAMPLE.npz SUMMARY.json PICTURE.png GRID.json EVENTS.npz […].

An event is kept with the probability weight / highest weight; one above the highest that the grid knew keeps what is
over as its weight.  The picture compares the kept events with all the weighted ones.
"""

from __future__ import annotations

import json
import os
import sys

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

LABELS = {"z_pt": "pT of the Z (GeV)", "jet_pt": "pT of the leading jet (GeV)", "charged": "charged particles"}


def unweight(weights, highest):
    """Which events are kept, and with what weight: 1, but for those above the highest."""
    chances = weights / highest
    kept = np.random.default_rng(1).random(len(chances)) < chances
    return kept, np.maximum(chances[kept], 1.0)


def merge_cross_sections(parts):
    """Cross-section and error in pb of all seeds, each counted by the points that it tried."""
    tried = np.array([part["tried"] for part in parts], dtype=float)
    share = tried / tried.sum()
    sigma = share @ [part["sigma_pb"] for part in parts]
    error = np.sqrt(share**2 @ np.square([part["error_pb"] for part in parts]))
    return float(sigma), float(error)


def write_picture(path, grid, summary, histograms):
    """The differential cross-section, from all weighted events (points) and from the unweighted ones (line)."""
    (weighted, error), unweighted = histograms
    bins = np.array(grid["bins"])
    figure = Figure(figsize=(6.4, 4.4), layout="constrained", dpi=120)
    axes = figure.subplots()
    axes.stairs(unweighted, bins, label=f"{summary['unweighted']} unweighted events")
    middles = (bins[1:] + bins[:-1]) / 2
    seen = weighted > 0
    label = f"{summary['events']} weighted events"
    axes.errorbar(middles[seen], weighted[seen], error[seen], fmt="k.", markersize=4, linewidth=1, label=label)
    axes.set_yscale("log")
    axes.set_xlabel(LABELS[grid["observable"]])
    axes.set_ylabel("pb per unit")
    axes.set_title(f"{summary['process']}: {summary['sigma_pb']:.4g} ± {summary['error_pb']:.1g} pb")
    axes.legend()
    FigureCanvasAgg(figure).print_png(f"{path}.part")
    os.replace(f"{path}.part", path)


def main() -> None:
    sample, summary_path, picture, grid_path, *sources = sys.argv[1:]
    with open(grid_path, encoding="utf-8") as text:
        grid = json.load(text)
    parts = [dict(np.load(source)) for source in sources]
    values, weights = (np.concatenate([part[name] for part in parts]) for name in ("values", "weights"))
    kept, kept_weights = unweight(weights, grid["highest_weight"])
    sigma, error = merge_cross_sections(parts)

    bins = np.array(grid["bins"])
    scale = sigma / weights.sum() / np.diff(bins)
    weighted = np.histogram(values, bins, weights=weights)[0] * scale
    weighted_error = np.sqrt(np.histogram(values, bins, weights=weights**2)[0]) * scale
    unweighted = np.histogram(values[kept], bins, weights=kept_weights)[0] * sigma / kept_weights.sum() / np.diff(bins)

    summary = {
        "process": os.path.basename(sample).removesuffix(".npz"),
        "seeds": len(parts),
        "events": len(values),
        "unweighted": int(kept.sum()),
        "overweight": int((kept_weights > 1.0).sum()),
        "sigma_pb": sigma,
        "error_pb": error,
        "observable": grid["observable"],
        "mean": float(np.average(values, weights=weights)),
    }
    with open(f"{sample}.part", "wb") as part:
        np.savez(part, values=values[kept], weights=kept_weights, sigma_pb=sigma, error_pb=error)
    os.replace(f"{sample}.part", sample)
    with open(f"{summary_path}.part", "w", encoding="utf-8") as text:
        json.dump(summary, text, indent=1)
        text.write("\n")
    os.replace(f"{summary_path}.part", summary_path)
    write_picture(picture, grid, summary, ((weighted, weighted_error), unweighted))


if __name__ == "__main__":
    main()
