"""Measures start-up: `-n` on a file of one rule, beside make, ninja, Snakemake and Python itself.

    python benchmarks/start.py FOLDER [--rounds 9]

`hpcmake -n, first` has an empty cache of read Wfiles before each run; modules are compiled in both cases.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from measure import find_tools, machine, median, rounds


def main():
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    root = os.path.abspath(chosen.folder)
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    texts = {
        "in": "",
        "Wfile": 'rule a:\n    input: "in"\n    output: "out"\n    run: cp {input} {output}\n',
        "Makefile": "out: in\n\tcp in out\n",
        "build.ninja": "rule cp\n  command = cp $in $out\nbuild out: cp in\n",
        "Snakefile": 'rule a:\n    input: "in"\n    output: "out"\n    shell: "cp {input} {output}"\n',
    }
    for name, text in texts.items():
        with open(os.path.join(root, name), "w", encoding="utf-8") as file:
            file.write(text)
    cache = os.path.join(root, "cache")
    os.environ["XDG_CACHE_HOME"] = cache
    tools = find_tools()
    commands = {"python -c pass": [sys.executable, "-c", "pass"]}
    commands |= {
        f"{name} -n": [*tool.argv, "-n", *(["-q"] if name == "snakemake" else [])] for name, tool in tools.items()
    }
    commands["hpcmake -n, first"] = commands["hpcmake -n"]

    def clear(name):
        if name == "hpcmake -n, first":
            shutil.rmtree(os.path.join(cache, "hpcmake"), ignore_errors=True)

    rounds({"hpcmake": commands["hpcmake -n"]}, root, times=2)  # what Python compiles is compiled now
    done = rounds(commands, root, times=chosen.rounds, before=clear)
    print(f"**start-up** ({machine(tools)})\n\n| | wall ms | cpu ms | peak MiB |\n|---|---|---|---|")
    for name, runs in done.items():
        wall, cpu, memory = (median(runs, what) for what in ("wall", "cpu", "memory"))
        print(f"| {name} | {wall * 1e3:.0f} | {cpu * 1e3:.0f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
