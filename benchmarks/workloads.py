"""Writes one workload for GNU make, ninja, Snakemake and hpcmake: the same files, made by the same commands.

Owns the four workloads and their sizes.  Knows nothing of how they are measured.

    ensemble   N files `out/{i}.dat`, each a copy of `in/{i}.dat`
    docking    P proteins × L ligands (N = P L), a table for each protein, one summary of all tables
    chain      N / 100 chains of 100 steps, each step a copy of the one before
    all        M producers, and M consumers each of which takes what all producers make (N = M)

make gets one explicit rule a file, which it reads faster than pattern rules; all tools get their commands as their
users would write them.  Run as a program, it writes a workload: `workloads.py docking 10000 FOLDER`.
"""

from __future__ import annotations

import os
import sys

T0 = 1_700_000_000
"""The time that inputs are given, in seconds; what is made of them is newer."""

DEPTH = 100
"""The steps of a chain."""

NAMES = ("ensemble", "docking", "chain", "all")


def shape(name, n):
    """Return the outer and inner size of a workload of n tasks (and the few that follow)."""
    if name == "docking":
        inner = 100 if n < 10_000 else 500 if n < 100_000 else 1000
        return n // inner, inner
    if name == "chain":
        return n // DEPTH, DEPTH
    return n, 1


def edges(name, n):
    """Yield (output, inputs, command, level) of each task, those first that others need."""
    outer, inner = shape(name, n)
    if name == "ensemble":
        for i in range(n):
            yield f"out/{i}.dat", [f"in/{i}.dat"], "cp", 1
    elif name == "docking":
        for p in range(outer):
            for c in range(inner):
                yield f"docked/p{p}/c{c}.out", [f"proteins/p{p}.pdb", f"ligands/c{c}.mol"], "cat", 1
        for p in range(outer):
            yield f"scores/p{p}.csv", [f"docked/p{p}/c{c}.out" for c in range(inner)], "cat", 2
        yield "summary.txt", [f"scores/p{p}.csv" for p in range(outer)], "cat", 3
    elif name == "chain":
        for d in range(1, inner + 1):
            for w in range(outer):
                yield f"chain/{w}/{d}.dat", [f"chain/{w}/{d - 1}.dat" if d > 1 else f"in/{w}.dat"], "cp", d
    else:
        for i in range(n):
            yield f"made/{i}.dat", [f"in/{i}.dat"], "cp", 1
        made = [f"made/{i}.dat" for i in range(n)]
        for i in range(n):
            yield f"out/{i}.dat", made, "cat", 2


def inputs(name, n):
    """Return the sources of a workload."""
    outer, inner = shape(name, n)
    if name == "docking":
        return [f"proteins/p{p}.pdb" for p in range(outer)] + [f"ligands/c{c}.mol" for c in range(inner)]
    return [f"in/{i}.dat" for i in range(outer)]


def finals(name, n):
    """Return the files that are wanted for themselves."""
    outer, inner = shape(name, n)
    if name == "docking":
        return ["summary.txt"]
    return [f"chain/{w}/{inner}.dat" for w in range(outer)] if name == "chain" else [f"out/{i}.dat" for i in range(n)]


def folders(name, n):
    """Return the folders that must be there."""
    outer, _ = shape(name, n)
    of = {
        "ensemble": ["in", "out"],
        "docking": ["proteins", "ligands", "scores", *(f"docked/p{p}" for p in range(outer))],
        "chain": ["in", *(f"chain/{w}" for w in range(outer))],
        "all": ["in", "made", "out"],
    }
    return of[name]


WFILE = {
    "ensemble": """\
target all: "out/{i}.dat" for each "in/{i}.dat"

rule copy:
    input: "in/{i}.dat"
    output: "out/{i}.dat"
    run: cp {input} {output}
""",
    "docking": """\
target all: "summary.txt"

rule dock:
    input: "proteins/{p}.pdb", "ligands/{c}.mol"
    output: "docked/{p}/{c}.out"
    run: cat {input} > {output}

rule score:
    input: "docked/{p}/{c}.out" for each "ligands/{c}.mol"
    output: "scores/{p}.csv"
    run: cat {input} > {output}

rule summary:
    input: "scores/{p}.csv" for each "proteins/{p}.pdb"
    output: "summary.txt"
    run: cat {input} > {output}
""",
    "chain": """\
target all: "chain/{w}/@INNER.dat" for each "in/{w}.dat"

rule step:
    let before = int(d) - 1
    input: "chain/{w}/{before}.dat" if before > 0 else "in/{w}.dat"
    output: "chain/{w}/{d}.dat"
    run: cp {input} {output}
""",
    "all": """\
target all: "out/{i}.dat" for each "in/{i}.dat"

rule produce:
    input: "in/{i}.dat"
    output: "made/{i}.dat"
    run: cp {input} {output}

rule consume:
    input: "made/{j}.dat" for each "in/{j}.dat"
    output: "out/{i}.dat"
    run: cat {input} > {output}
""",
}

SNAKEFILE = {
    "ensemble": """\
rule all:
    input: expand("out/{i}.dat", i=range(@OUTER))
rule copy:
    input: "in/{i}.dat"
    output: "out/{i}.dat"
    wildcard_constraints: i=r"\\d+"
    shell: "cp {input} {output}"
""",
    "docking": """\
wildcard_constraints: p=r"\\d+", c=r"\\d+"
rule all:
    input: "summary.txt"
rule dock:
    input: "proteins/p{p}.pdb", "ligands/c{c}.mol"
    output: "docked/p{p}/c{c}.out"
    shell: "cat {input} > {output}"
rule score:
    input: expand("docked/p{{p}}/c{c}.out", c=range(@INNER))
    output: "scores/p{p}.csv"
    shell: "cat {input} > {output}"
rule summary:
    input: expand("scores/p{p}.csv", p=range(@OUTER))
    output: "summary.txt"
    shell: "cat {input} > {output}"
""",
    "chain": """\
wildcard_constraints: w=r"\\d+", d=r"\\d+"
rule all:
    input: expand("chain/{w}/@INNER.dat", w=range(@OUTER))
rule step:
    input: lambda k: f"chain/{k.w}/{int(k.d) - 1}.dat" if k.d != "1" else f"in/{k.w}.dat"
    output: "chain/{w}/{d}.dat"
    shell: "cp {input} {output}"
""",
    "all": """\
wildcard_constraints: i=r"\\d+"
rule all:
    input: expand("out/{i}.dat", i=range(@OUTER))
rule produce:
    input: "in/{i}.dat"
    output: "made/{i}.dat"
    shell: "cp {input} {output}"
rule consume:
    input: expand("made/{j}.dat", j=range(@OUTER))
    output: "out/{i}.dat"
    shell: "cat {input} > {output}"
""",
}


def write(name, n, root, *, generator=False):
    """Write a workload into a folder: its inputs, and a file for each tool.

    `generator` tells ninja to look at times only, since there is no log of what it has built.
    """
    outer, inner = shape(name, n)
    for folder in folders(name, n):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    for path in inputs(name, n):
        put(os.path.join(root, path), T0)
    for text, where in ((WFILE[name], "Wfile"), (SNAKEFILE[name], "Snakefile")):
        with open(os.path.join(root, where), "w", encoding="utf-8") as file:
            file.write(text.replace("@OUTER", str(outer)).replace("@INNER", str(inner)))
    with open(os.path.join(root, "Makefile"), "w", encoding="utf-8") as make:
        _write_makefile(make, name, n)
    with open(os.path.join(root, "build.ninja"), "w", encoding="utf-8") as ninja:
        rest = "  generator = 1\n" if generator else ""
        ninja.write(f"rule cp\n  command = cp $in $out\n{rest}rule cat\n  command = cat $in > $out\n{rest}")
        ninja.writelines(f"build {out}: {how} {' '.join(takes)}\n" for out, takes, how, _ in edges(name, n))


def _write_makefile(make, name, n):
    make.write(f"all: {' '.join(finals(name, n))}\n")
    shared = name == "all"
    if shared:
        make.write("MADE := " + " ".join(f"made/{i}.dat" for i in range(n)) + "\n")
    for out, takes, how, level in edges(name, n):
        words = "$(MADE)" if shared and level > 1 else " ".join(takes)
        make.write(f"{out}: {words}\n\t{'cp $< $@' if how == 'cp' else 'cat $^ > $@'}\n")


def write_outputs(name, n, root):
    """Make all outputs, each newer than what it is made of."""
    for out, _, _, level in edges(name, n):
        put(os.path.join(root, out), T0 + level)


def put(path, when):
    """Make a small file with a time."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(descriptor, b"x\n")
    os.utime(descriptor, (when, when))
    os.close(descriptor)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: workloads.py {'|'.join(NAMES)} N FOLDER")
    os.makedirs(sys.argv[3], exist_ok=True)
    write(sys.argv[1], int(sys.argv[2]), sys.argv[3])
