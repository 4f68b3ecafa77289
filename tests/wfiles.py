"""Wfiles that tests share: the language by example, and sources drawn by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

DOCKING = """\
# Protein-ligand docking: every protein against every ligand.
param exhaustiveness = 8

target all: "summary.csv"

rule dock:
    input:
        receptor = "proteins/{p}.pdb"
        ligand   = "ligands/{c}.mol2"
    output: "docked/{p}/{c}.sdf"
    cores: 4
    memory: 2GiB
    time: 20m
    retries: 2
    run:
        smina --receptor {receptor} --ligand {ligand} --cpu {cores} \\
              --exhaustiveness {exhaustiveness} --out {output}

rule score:
    input: maybe "docked/{p}/{c}.sdf" for each "ligands/{c}.mol2"
    output: "scores/{p}.csv"
    run: rank-poses @{input!file} > {output}

rule summary:
    input: "scores/{p}.csv" for each "proteins/{p}.pdb"
    output: "summary.csv"
    run: cat {input} > {output}
"""

LEGS = """\
# A simulation in legs, each from the restart file of the leg before, on whole nodes.
target all: "runs/{m:02}/leg10.nc" for m in 1..50

rule leg:
    let before = int(k) - 1
    input: "runs/{m}/leg{before}.nc" if before > 0 else "init/{m}.nc"
    output: "runs/{m}/leg{k}.nc"
    workdir: "work/{m}/{k}"
    nodes: 128
    ranks_per_node: 64
    time: 6h
    run:
        cp {input} restart.nc
        {launch} ./ocean --from restart.nc --to {output}
"""

ROUNDS = """\
# Rounds until converged, at most 20: each round starts from the analysis of the one before.
let last = first(r for r in 1..20 if json("rounds/{r}/state.json").converged, default=20)
target all: "rounds/{last}/model.h5"
"""

EVERYTHING = """\
# every statement and attribute
include "rules/*.wf"
prefer a over b
wildcard p: '[a-z]{3}\\d'
let pairs = [x + 1 for x, y in table("t.csv") if not (x < y <= 3) and x not in [1, 2]]

defaults:
    cores: 2
    env:
        OMP_NUM_THREADS = 4
        LANG            = "C"
    setup: module load gcc

defaults on theta:
    queue: "debug"
    setup:
        module load cray

rule a:
    wildcard i: "[0-9]+"
    let n = 3 if size > 10MiB else -2 // 3 % 4 * 5
    input: "x{i}", order "y{i}", each "z{i}*"
    output:
        temp "o{i}"
        marker = touch "m{i}"
        protect "d{i}/"
    depfile: "o{i}.d"
    log: "logs/{i}.log"
    launch_options: ["-d", "2"]
    memory: 2 * size(input) + 1GiB
    run python3 -u:
        import sys

        print({input!r})
    post: echo {output[0]} {row["key"].x:03} # not a comment

rule b:
    produces: "p{i}.npy"
    run: x \\
        y

target all:
    "o{i}" for i in 0..100..10
    marker = b
"""

EXAMPLES = {"docking": DOCKING, "legs": LEGS, "rounds": ROUNDS, "everything": EVERYTHING}

# ---------------------------------------------------------------- drawn by hypothesis

_names = st.sampled_from(["a", "b1", "x_y", "rule", "let", "temp", "order", "on", "over", "size", "each_"])
_gaps = st.sampled_from(["", " ", "  ", "\t"])
_strings = st.sampled_from(
    [
        '""',
        '"a"',
        "'raw\\d'",
        '"{x}/{y.z[0]:04!r}"',
        '"{{x}}"',
        '"\\t\\u00e9\\""',
        '"{t["k"]}"',
        "'{t[n]}'",
        '"#no comment"',
    ]
)
_numbers = st.sampled_from(["0", "12", "0.25", "1h30m", "90s", "512MiB", "true", "false"])


def _spread(parts: list[str], gaps: list[str]) -> str:
    return "".join(part + gaps[index % len(gaps)] for index, part in enumerate(parts))


_atoms = st.one_of(_strings, _numbers, _names, _strings.map(lambda text: f"each {text}"))


def _deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(
        ["+", "-", "*", "/", "//", "%", "..", "<", "==", "!=", ">=", " in ", " not in ", " and ", " or "]
    )
    clause = st.one_of(
        st.tuples(_names, inner).map(lambda pair: f"for {pair[0]} in ({pair[1]})"),
        st.tuples(_names, _names, inner).map(lambda three: f"for {three[0]}, {three[1]} in [{three[2]}]"),
        _strings.map(lambda text: f"for each {text}"),
    )
    listed = st.lists(inner, max_size=3)
    return st.one_of(
        st.tuples(inner, _gaps, binary, _gaps, inner).map(lambda parts: f"({''.join(parts)})"),
        st.tuples(inner, binary, inner).map(lambda parts: f"({parts[0]}){parts[1]}({parts[2]})"),
        st.tuples(st.sampled_from(["-", "+", "- -", "not "]), inner).map(lambda parts: f"({parts[0]}({parts[1]}))"),
        listed.map(lambda items: f"[ {' ,'.join(items)}]"),
        listed.map(lambda items: "[\n  " + ",  # why\n\n      # own\n ".join(items) + "\n]"),
        st.tuples(_names, listed, inner).map(lambda call: f"{call[0]}({', '.join([*call[1], 'key=' + call[2]])})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]})[{pair[1]}].field"),
        st.tuples(inner, inner, inner).map(lambda three: f"(({three[0]}) if ({three[1]}) else {three[2]})"),
        st.tuples(inner, st.lists(clause, min_size=1, max_size=2), inner).map(
            lambda parts: f"(({parts[0]}) {' '.join(parts[1])} if ({parts[2]}))"
        ),
    )


expressions = st.recursive(_atoms, _deeper, max_leaves=5)

_modifiers = st.sampled_from(["", "", "", "temp ", "maybe  ", "order touch "])
_items = st.one_of(
    st.tuples(_modifiers, st.one_of(_strings, _strings.map(lambda text: f"{text} for each {text}"))).map("".join),
    expressions,
    st.tuples(_names, _gaps, _modifiers, _strings).map(lambda parts: f"{parts[0]}{parts[1]}= {parts[2]}{parts[3]}"),
)
_remarks = st.sampled_from(["", "", "", "  # remark", "#"])
_blanks = st.sampled_from(
    ["", "", "\n", "\n\n\n", "# comment\n", "\n# comment\n\n", "                    # deep\n", "  \n"]
)


def _attribute(margin: str) -> st.SearchStrategy[str]:
    shell = st.lists(
        st.sampled_from(["echo {x}", "  indented", "", "# comment", "\ttab", "   ", 'cat <<"E"']),
        min_size=1,
        max_size=5,
    ).map(lambda lines: "".join(f"{margin}   {line}\n" if line else "\n" for line in ["first", *lines]))
    return st.one_of(
        st.tuples(_names, st.lists(_items, min_size=1, max_size=3), _remarks).map(
            lambda parts: f"{margin}{parts[0]}_: {', '.join(parts[1])}{parts[2]}\n"
        ),
        st.tuples(_names, st.lists(_items, min_size=1, max_size=3), _blanks).map(
            lambda parts: f"{margin}{parts[0]}_:\n" + parts[2].join(f"{margin}  {item},\n" for item in parts[1])
        ),
        shell.map(lambda text: f"{margin}run:\n{text}"),
        shell.map(lambda text: f"{margin}run python3  -u : same line \\\n{text}"),
        st.just(f"{margin}post:   one line  # the shell's\n"),
        expressions.map(lambda value: f"{margin}let  v={value}\n"),
        st.just(f"{margin}wildcard w: '[a]{{2}}'\n"),
    )


def _statement(margin: str) -> st.SearchStrategy[str]:
    body = st.lists(st.tuples(_blanks, _attribute(margin)).map("".join), min_size=1, max_size=4).map("".join)
    return st.one_of(
        st.tuples(_names, _remarks, body).map(lambda parts: f"rule {parts[0]}:{parts[1]}\n{parts[2]}"),
        st.tuples(_names, _items, _remarks).map(lambda parts: f"target {parts[0]} :{parts[1]}{parts[2]}\n"),
        st.tuples(_names, st.lists(_items, min_size=1, max_size=3)).map(
            lambda parts: f"target {parts[0]}:\n" + "".join(f"{margin}{item}\n" for item in parts[1])
        ),
        st.tuples(_names, expressions, _remarks).map(lambda parts: f"let {parts[0]}={parts[1]}{parts[2]}\n"),
        st.tuples(_names, expressions).map(lambda parts: f"param {parts[0]}  = {parts[1]}\n"),
        st.just("prefer a over b\n"),
        st.just('include   "x"\n'),
        st.just(f"defaults on theta:\n{margin}cores_: 2\n"),
    )


sources = st.tuples(
    st.lists(
        st.tuples(_blanks, st.sampled_from(["    ", " ", "       "]).flatmap(_statement)).map("".join), max_size=4
    ).map("".join),
    st.sampled_from(["\n", "\r\n"]),
).map(lambda pair: pair[0].replace("\n", pair[1]))
