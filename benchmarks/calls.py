"""Counts the calls to the file system of a plan, by strace: the slope between two sizes, so start-up is not in it.

    python benchmarks/calls.py docking 1000 10000 FOLDER [--without snakemake]

For each of the two sizes a tree is made in FOLDER; both states of a tree are counted, nothing built and nothing to do.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

import workloads
from measure import find_tools, machine
from plan import build, commands

GROUPS = {
    "stat": ("stat", "lstat", "newfstatat", "statx", "fstat"),
    "open": ("open", "openat"),
    "listing": ("getdents", "getdents64"),
    "read and write": ("read", "write", "pread64", "pwrite64"),
}


def count(argv, folder, report):
    """Return how often a command calls the system, by group."""
    argv = ["strace", "-f", "-c", "-o", report, *argv]
    subprocess.run(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    calls = {}
    with open(report, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) >= 5 and words[3].isdigit():
                calls[words[-1]] = int(words[3])
    found = {group: sum(calls.get(name, 0) for name in names) for group, names in GROUPS.items()}
    found["all"] = calls.pop("total", sum(calls.values()))
    return found


def main():
    """Count, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=workloads.NAMES)
    parser.add_argument("few", type=int)
    parser.add_argument("many", type=int)
    parser.add_argument("folder")
    parser.add_argument("--without", default="", help="tools that are not measured, separated by commas")
    chosen = parser.parse_args()
    if shutil.which("strace") is None:
        sys.exit("strace is missing: nothing is counted")
    root = os.path.abspath(chosen.folder)
    tools = {name: tool for name, tool in find_tools().items() if name not in chosen.without.split(",")}
    shutil.rmtree(root, ignore_errors=True)
    tasks = {}
    for n in (chosen.few, chosen.many):
        os.makedirs(os.path.join(root, str(n)))
        workloads.write(chosen.workload, n, os.path.join(root, str(n)))
        tasks[n] = sum(1 for _ in workloads.edges(chosen.workload, n))
    between = tasks[chosen.many] - tasks[chosen.few]
    print(f"**{chosen.workload}, calls per task, {chosen.few:,} to {chosen.many:,}** ({machine(tools)})\n")
    for state in ("empty", "noop"):
        counted = {}
        for n in (chosen.few, chosen.many):
            folder = os.path.join(root, str(n))
            if state == "noop":
                build(tools, chosen.workload, n, folder)
            for name, argv in commands(tools, state).items():
                counted[name, n] = count(argv, folder, os.path.join(root, "report"))
        print(f"{'Nothing built, `-n`' if state == 'empty' else 'Nothing to do'}:\n")
        print(f"| | {' | '.join([*GROUPS, 'all'])} |\n|---|{'---|' * (len(GROUPS) + 1)}")
        for name in tools:
            few, many = counted[name, chosen.few], counted[name, chosen.many]
            print(f"| {name} | " + " | ".join(f"{(many[each] - few[each]) / between:.2f}" for each in few) + " |")
        print()


if __name__ == "__main__":
    main()
