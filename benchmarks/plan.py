"""Measures planning: nothing built, nothing to do, one input touched; time, cpu and peak memory as ratios.

    python benchmarks/plan.py docking 100000 FOLDER [--rounds 5] [--states empty,noop,one] [--without snakemake]

`empty` is `-n` with nothing built; `noop` a run that finds nothing to do; `one` is `-n` when the first input has become
newer.  ninja needs a log of its own, so it builds the tree, and hpcmake is told by `-t` what is there.  With more than
100,000 tasks this program writes the outputs, and ninja looks at times only (`generator = 1`, which is less work).
Snakemake has no records of its own here, which is less work for it, too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys

import workloads
from measure import find_tools, machine, rounds, run, table

BUILT = 100_000
"""With more tasks than these, nothing is really built."""


def commands(tools, state):
    """Return the command of each tool for a state."""
    dry = [] if state == "noop" else ["-n"]
    words = {
        "make": ["-rR", *dry],
        "ninja": dry,
        "snakemake": ["-n", "-q"],  # it has no run that would find nothing to do as cheaply
        "hpcmake": dry,
    }
    return {name: [*tool.argv, *words[name]] for name, tool in tools.items()}


def build(tools, workload, n, root):
    """Bring the tree up to date for all tools."""
    if n <= BUILT and "ninja" in tools:
        ended = run([*tools["ninja"].argv, "-j4"], root, limit=3600)
        print(f"  built by ninja in {ended.wall:.0f} s, exit {ended.status}", file=sys.stderr)
    else:
        workloads.write(workload, n, root, generator=True)
        workloads.write_outputs(workload, n, root)
    ended = run([*tools["hpcmake"].argv, "-t"], root, limit=3600)
    print(f"  hpcmake -t: {ended.wall:.1f} s, cpu {ended.cpu:.1f} s, exit {ended.status}", file=sys.stderr)


def main():
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=workloads.NAMES)
    parser.add_argument("n", type=int)
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--states", default="empty,noop,one")
    parser.add_argument("--without", default="", help="tools that are not measured, separated by commas")
    parser.add_argument("--budget", type=float, default=60, help="seconds for each tool and state")
    parser.add_argument("--keep", action="store_true", help="the folder holds the tree, built; leave it there")
    chosen = parser.parse_args()
    tools = {name: tool for name, tool in find_tools().items() if name not in chosen.without.split(",")}
    root, workload, n = chosen.folder, chosen.workload, chosen.n
    states = chosen.states.split(",")
    if not chosen.keep:
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(root)
        workloads.write(workload, n, root)
    elif "empty" in states:
        sys.exit("a tree that is kept is built: choose --states noop,one")
    rival = "ninja" if "ninja" in tools else next(iter(tools))
    print(f"**{workload}, {n:,} tasks** ({machine(tools)})\n")
    first = os.path.join(root, workloads.inputs(workload, n)[0])
    for state in states:
        print(f"  {workload} {n} {state}", file=sys.stderr)
        if state == "noop" and not chosen.keep:
            build(tools, workload, n, root)
        if state == "one":
            os.utime(first)
        done = rounds(commands(tools, state), root, times=chosen.rounds, budget=chosen.budget)
        if state == "one":
            os.utime(first, (workloads.T0, workloads.T0))
        title = {"empty": "Nothing built, `-n`", "noop": "Nothing to do", "one": "One input touched, `-n`"}[state]
        print(f"{title}:\n\n{table(done, rival)}\n", flush=True)
    if not chosen.keep:
        print(f"  the tree is left in {root}", file=sys.stderr)


if __name__ == "__main__":
    main()
