"""Measures how many trivial tasks a second are run: N times `touch {output}`, without inputs.

    python benchmarks/run.py FOLDER [-n 10000] [-j 2 8] [--rounds 3] [--without snakemake]

The wall time is that of the whole command, its start included.  `hpcmake --json` writes its events into a pipe that
somebody reads.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from measure import find_tools, machine, rounds, table


def write(root, n):
    """Write the files of each tool."""
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    names = [f"out/{i}.dat" for i in range(n)]
    texts = {
        "Wfile": f'target all: "out/{{i}}.dat" for i in 0..{n - 1}\n\n'
        'rule touch:\n    output: "out/{i}.dat"\n    run: touch {output}\n',
        "Makefile": f"all: $(patsubst %,out/%.dat,$(shell seq 0 {n - 1}))\nout/%.dat:\n\t@touch $@\n",
        "build.ninja": "rule t\n  command = touch $out\n" + "".join(f"build {name}: t\n" for name in names),
        "Snakefile": f'rule all:\n    input: expand("out/{{i}}.dat", i=range({n}))\n'
        'rule t:\n    output: "out/{i}.dat"\n    shell: "touch {output}"\n',
    }
    for name, text in texts.items():
        with open(os.path.join(root, name), "w", encoding="utf-8") as file:
            file.write(text)


def commands(tools, jobs):
    """Return the command of each tool."""
    words = {
        "make": ["-rR", "-s", f"-j{jobs}"],
        "ninja": [f"-j{jobs}", "--quiet"],
        "snakemake": [f"-j{jobs}", "-q", "all"],
        "hpcmake": [f"-j{jobs}"],
    }
    found = {name: [*tool.argv, *words[name]] for name, tool in tools.items()}
    if "hpcmake" in found:
        found["hpcmake --json"] = ["sh", "-c", '"$@" --json | cat >/dev/null', "sh", *found["hpcmake"]]
    return found


def main():
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("-n", type=int, default=10_000)
    parser.add_argument("-j", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", default="", help="tools that are not measured, separated by commas")
    chosen = parser.parse_args()
    tools = {name: tool for name, tool in find_tools().items() if name not in chosen.without.split(",")}
    root = chosen.folder
    write(root, chosen.n)
    rival = "ninja" if "ninja" in tools else next(iter(tools))

    def clear(_name):
        for name in ("out", ".snakemake", ".hpcmake"):
            shutil.rmtree(os.path.join(root, name), ignore_errors=True)
        if os.path.exists(os.path.join(root, ".ninja_log")):
            os.unlink(os.path.join(root, ".ninja_log"))
        os.mkdir(os.path.join(root, "out"))

    def count(name):
        made = len(os.listdir(os.path.join(root, "out")))
        if made != chosen.n:
            sys.exit(f"{name} has made {made} files of {chosen.n}")

    print(f"**touch, {chosen.n:,} tasks** ({machine(tools)})\n")
    for jobs in chosen.j:
        done = rounds(commands(tools, jobs), root, times=chosen.rounds, budget=300, before=clear, after=count)
        print(f"`-j{jobs}`:\n\n{table(done, rival, rate=chosen.n)}\n", flush=True)


if __name__ == "__main__":
    main()
