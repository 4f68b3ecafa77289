"""Graphs as pictures: whole documents of a small one, any name in any form, and the folding of large ones."""

import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.drawing import FORMS, fold, render_graph
from hpcmake.drawing.labels import note_of, visible
from hpcmake.drawing.layers import Layers
from hpcmake.drawing.places import heights
from hpcmake.drawing.svg import columns_of, shorten

KINDS = ("task", "file", "rule", "unknown")
STATES = ("fresh", "stale", "running", "failed", "unknown", "source")
SVG = "{http://www.w3.org/2000/svg}"


def node(
    name: str, label: str = "", *, kind: str = "task", state: str = "fresh", count: int = 1, **more: object
) -> dict[str, Any]:
    return {"id": name, "label": label or name, "kind": kind, "state": state, "count": count, **more}


def graph(nodes: list[dict[str, Any]], edges: list[tuple[str, str, int]]) -> Any:
    return {"nodes": nodes, "edges": edges}


SMALL = graph(
    [
        node("ligands", "ligands/*.mol2", kind="file", state="source", count=10),
        node("dock", kind="rule", state="failed", count=10, states={"failed": 1, "stale": 2, "fresh": 7}),
        node("plot[x=a]", state="stale"),
        node("later", kind="unknown", state="unknown"),
    ],
    [("ligands", "dock", 10), ("dock", "plot[x=a]", 1), ("dock", "later", 1)],
)


# ---------------------------------------------------------------- whole documents


def test_dot() -> None:
    assert (
        render_graph(SMALL, "dot")
        == """\
digraph hpcmake {
  rankdir=LR;
  node [fontname="Helvetica,Arial,sans-serif", fontsize=11];
  edge [fontname="Helvetica,Arial,sans-serif", fontsize=9, color="#767676"];
  "ligands" [label="ligands/*.mol2\\n10 files", shape=note, style="filled", fillcolor="#ffffff", color="#5c6670", \
penwidth=1.2];
  "dock" [label="dock\\n10 tasks: 1 failed, 2 stale, 7 fresh", shape=box, style="filled", fillcolor="#fbdcd6", \
color="#b3261e", penwidth=2.4];
  "plot[x=a]" [label="plot[x=a]\\nstale", shape=box, style="filled,rounded", fillcolor="#fff0c9", color="#a86f00", \
penwidth=1.6];
  "later" [label="later\\nunknown", shape=ellipse, style="filled,dashed", fillcolor="#f3f3f3", color="#767676", \
penwidth=1.2];
  "ligands" -> "dock" [label="10"];
  "dock" -> "plot[x=a]";
  "dock" -> "later";
}
"""
    )


def test_mermaid() -> None:
    assert (
        render_graph(SMALL, "mermaid")
        == """\
flowchart LR
  n0["ligands/#42;.mol2<br/>10 files"]:::source
  n1["dock<br/>10 tasks#58; 1 failed, 2 stale, 7 fresh"]:::failed
  n2("plot[x=a]<br/>stale"):::stale
  n3(["later<br/>unknown"]):::unknown
  n0 -->|"10"| n1
  n1 --> n2
  n1 --> n3
  classDef failed fill:#fbdcd6,stroke:#b3261e,stroke-width:2.4px,color:#1c1c1c
  classDef stale fill:#fff0c9,stroke:#a86f00,stroke-width:1.6px,color:#1c1c1c
  classDef unknown fill:#f3f3f3,stroke:#767676,stroke-width:1.2px,color:#1c1c1c,stroke-dasharray:4 3
  classDef source fill:#ffffff,stroke:#5c6670,stroke-width:1.2px,color:#1c1c1c
"""
    )


def test_json() -> None:
    text = render_graph(SMALL, "json")
    assert json.loads(text) == {
        "nodes": SMALL["nodes"],
        "edges": [{"from": start, "to": end, "count": number} for start, end, number in SMALL["edges"]],
    }
    assert text.count("\n") == 4 + 3 + 3, "a node or an edge a line"


def words_of_svg(text: str) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(text).iter(SVG + "text")]


def test_svg_has_every_name_state_and_count() -> None:
    assert words_of_svg(render_graph(SMALL, "svg")) == [
        "ligands/*.mol2",
        "10 files",
        "dock",
        "10 tasks: 1 failed, 2 stale, 7 fresh",
        "plot[x=a]",
        "stale",
        "later",
        "unknown",
        "10",
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_graph_of_nothing_can_be_drawn(form: str) -> None:
    text = render_graph(graph([], []), form)
    assert "nothing to draw" in text if form == "svg" else text


def test_no_other_form() -> None:
    with pytest.raises(ValueError, match="png"):
        render_graph(SMALL, "png")


@pytest.mark.parametrize("form", FORMS)
def test_an_edge_to_nowhere_is_a_mistake_of_the_caller(form: str) -> None:
    with pytest.raises(KeyError):
        render_graph(graph([node("a")], [("a", "b", 1)]), form)


# ---------------------------------------------------------------- any name

awkward = st.sampled_from(
    ['"', "\\", 'a\\"b', "a\\", "#quot;", "&amp;", "<b>", "]]>", "%%{init}%%", "`md`", "a\nb", "\x00", "\udcff", "end"]
)
any_names = st.lists(st.one_of(st.text(max_size=20), awkward), unique=True, min_size=1, max_size=6)


def of_names(found: list[str]) -> Any:
    nodes = [node(each, each or " ", kind=KINDS[i % 4], state=STATES[i % 6]) for i, each in enumerate(found)]
    return graph(nodes, [(a, b, 2) for a, b in zip(found, found[1:], strict=False)])


DOT_STRING = r'"((?:[^"\\]|\\.)*)"'  # as Graphviz scans one: a backslash takes the next character with it


@given(any_names)
def test_dot_holds_any_name(found: list[str]) -> None:
    text = render_graph(of_names(found), "dot")
    lines = text.splitlines()[4:-1]
    shown = []
    for line in lines[: len(found)]:
        match = re.fullmatch(rf"  {DOT_STRING} \[label={DOT_STRING}, shape=\w+, .*\];", line)
        assert match, line
        first = re.split(r"(?<!\\)((?:\\\\)*)\\n", match[2])
        label = first[0] + (first[1] if len(first) > 1 else "")
        shown.append(re.sub(r"\\(.)", r"\1", label).replace("&amp;", "&"))
    assert shown == [visible(each or " ") for each in found]
    ids = [re.match(rf"  {DOT_STRING} ", line) for line in lines[: len(found)]]
    assert len({match[1] for match in ids if match}) == len(found), "two nodes that were made one"
    for line in lines[len(found) :]:
        assert re.fullmatch(rf'  {DOT_STRING} -> {DOT_STRING} \[label="2"\];', line), line


@given(any_names)
def test_mermaid_holds_any_name(found: list[str]) -> None:
    lines = render_graph(of_names(found), "mermaid").splitlines()
    shown = []
    for number, line in enumerate(lines[1 : len(found) + 1]):
        match = re.fullmatch(rf'  n{number}[(\[]+"([^"`%{{}}<>\\]*)(?:<br/>[\w ,]+)?"[)\]]+:::\w+', line)
        assert match, line
        assert not re.search(r"#(?!\d+;)", match[1])
        shown.append(re.sub(r"#(\d+);", lambda code: chr(int(code[1])), match[1]))
    assert shown == [visible(each or " ") for each in found]


@given(any_names)
def test_svg_holds_any_name(found: list[str]) -> None:
    root = ET.fromstring(render_graph(of_names(found), "svg"))
    titles = [each.findtext(SVG + "title") or "" for each in root.iter(SVG + "g")]
    assert len(titles) == len(found)
    for title, name in zip(titles, found, strict=True):
        assert title.startswith(visible(name or " "))


@given(any_names)
def test_json_holds_any_name(found: list[str]) -> None:
    text = render_graph(of_names(found), "json")
    assert text.isascii()
    assert [each["id"] for each in json.loads(text)["nodes"]] == found


# ---------------------------------------------------------------- folding


def docking(proteins: int, ligands: int) -> Any:
    nodes, edges = [node("rank", state="stale")], []
    for p in range(proteins):
        nodes += [node(f"proteins/{p}.pdb", kind="file", state="source"), node(f"score[p={p}]", state="stale")]
        edges.append((f"score[p={p}]", "rank", 1))
        for c in range(ligands):
            task = f"dock[c={c},p={p}]"
            nodes.append(node(task, state="fresh" if c else "failed"))
            edges += [(f"proteins/{p}.pdb", task, 1), (f"ligands/{c}.mol2", task, 1), (task, f"score[p={p}]", 1)]
    nodes += [node(f"ligands/{c}.mol2", kind="file", state="source") for c in range(ligands)]
    return graph(nodes, edges)


def test_a_small_graph_stays_as_it_is() -> None:
    small = docking(2, 3)
    assert fold(small) is small


def test_ten_thousand_tasks_are_folded_by_rule() -> None:
    folded: Any = fold(docking(100, 100))
    assert [(each["label"], note_of(each)) for each in folded["nodes"]] == [
        ("rank", "stale"),
        ("proteins/*.pdb", "100 files"),
        ("score", "100 tasks, stale"),
        ("dock", "10,000 tasks: 100 failed, 9,900 fresh"),
        ("ligands/*.mol2", "100 files"),
    ]
    labels = {each["id"]: each["label"] for each in folded["nodes"]}
    assert {(labels[start], labels[end]): number for start, end, number in folded["edges"]} == {
        ("score", "rank"): 100,
        ("proteins/*.pdb", "dock"): 10_000,
        ("ligands/*.mol2", "dock"): 10_000,
        ("dock", "score"): 10_000,
    }


def test_files_of_very_many_folders_are_folded_by_the_topmost() -> None:
    nodes = [node(f"docked/{p}/{c}.sdf", kind="file") for p in range(200) for c in range(2)]
    nodes += [node(f"/scratch/{p}/x", kind="file") for p in range(200)]
    folded: Any = fold(graph(nodes, []))
    assert [(each["label"], each["count"]) for each in folded["nodes"]] == [
        ("docked/**/*.sdf", 400),
        ("/scratch/**/*", 200),
    ]


def test_a_group_may_be_given() -> None:
    nodes = [node(f"f{i}", kind="file", group="docked/{p}/{c}.sdf") for i in range(9)]
    folded: Any = fold(graph(nodes, []), most=5)
    assert [each["label"] for each in folded["nodes"]] == ["docked/{p}/{c}.sdf"]


def test_of_very_many_rules_the_largest_are_kept() -> None:
    nodes = [node(f"rule{i}", kind="rule", count=i + 1) for i in range(300)]
    edges = [(f"rule{i}", f"rule{i + 1}", 1) for i in range(299)]
    folded: Any = fold(graph(nodes, edges), most=50)
    assert len(folded["nodes"]) == 50
    assert [(each["label"], each["count"]) for each in folded["nodes"] if each["id"].startswith("all")] == [
        ("251 others", 251 * 252 // 2)
    ]


def test_a_chain_within_a_rule_becomes_an_edge_to_itself() -> None:
    nodes = [node(f"leg[k={i}]") for i in range(10)]
    folded: Any = fold(graph(nodes, [(f"leg[k={i}]", f"leg[k={i + 1}]", 1) for i in range(9)]), most=5)
    (leg,) = folded["nodes"]
    assert folded["edges"] == [(leg["id"], leg["id"], 9)]
    assert words_of_svg(render_graph(folded, "svg")) == ["leg", "10 tasks, fresh", "9"]


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(STATES), st.integers(1, 9)), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39), st.integers(1, 5)), max_size=40),
    st.integers(1, 20),
)
def test_folding_loses_no_task_and_no_edge(
    tasks: list[tuple[str, str, int]], pairs: list[tuple[int, int, int]], most: int
) -> None:
    nodes = [node(f"{rule}[i={i}]", state=state, count=number) for i, (rule, state, number) in enumerate(tasks)]
    edges = [(nodes[a]["id"], nodes[b]["id"], n) for a, b, n in pairs if a < len(nodes) and b < len(nodes)]
    folded: Any = fold(graph(nodes, edges), most)
    assert len(folded["nodes"]) <= max(most, 1)
    assert sum(each["count"] for each in folded["nodes"]) == sum(each["count"] for each in nodes)
    assert sum(edge[2] for edge in folded["edges"]) == sum(edge[2] for edge in edges)
    for form in FORMS:
        render_graph(folded, form)


# ---------------------------------------------------------------- the layout

graphs = st.integers(1, 25).flatmap(
    lambda size: st.tuples(
        st.just(size), st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=60, unique=True)
    )
)


@given(graphs)
def test_edges_lead_to_the_right_but_for_those_that_close_a_cycle(found: tuple[int, list[tuple[int, int]]]) -> None:
    size, edges = found
    layers = Layers(size, edges)
    for a, b in edges:
        if a != b:
            left, right = (b, a) if (a, b) in layers.reversed else (a, b)
            assert layers.column[left] < layers.column[right]
            chain = layers.chains[left, right]
            assert [layers.column[each] for each in chain] == list(range(layers.column[left], layers.column[right] + 1))
    assert sorted(each for row in layers.rows for each in row) == list(range(len(layers.column)))


@given(graphs)
def test_nodes_of_a_column_do_not_touch(found: tuple[int, list[tuple[int, int]]]) -> None:
    layers = Layers(*found)

    def height_of(number: int) -> float:
        return 20.0 + number % 3 * 10

    places = heights(layers, height_of, gap=5.0)
    for row in layers.rows:
        for above, below in zip(row, row[1:], strict=False):
            assert places[below] - places[above] >= (height_of(above) + height_of(below)) / 2 + 5 - 1e-6
    assert min(place - height_of(number) / 2 for number, place in enumerate(places)) == pytest.approx(0)


def test_without_cycles_no_edge_is_turned() -> None:
    assert Layers(4, [(0, 1), (1, 2), (0, 2), (2, 3)]).reversed == set()


def test_rows_are_untangled() -> None:
    crossed = [(0, 7), (1, 6), (2, 5), (3, 4)]
    assert Layers(8, crossed).crossings() == 0


def test_the_place_of_a_node_is_the_mean_of_its_neighbours() -> None:
    layers = Layers(4, [(0, 3), (1, 3), (2, 3)])
    places = heights(layers, lambda _: 10.0, gap=10.0)
    assert places[3] == pytest.approx(sorted(places[:3])[1])


def test_thousands_of_nodes_that_were_not_folded_can_be_drawn() -> None:
    chain = [node(f"leg[k={i}]") for i in range(3000)]
    edges = [(f"leg[k={i}]", f"leg[k={i + 1}]", 1) for i in range(2999)]
    edges += [("leg[k=0]", f"leg[k={i}]", 1) for i in range(2, 3000)]  # each passes by all before it
    text = render_graph(graph(chain, edges), "svg")
    assert len(ET.fromstring(text).findall(f"{SVG}g")) == 3000
    assert len(text) < 8_000_000


@given(found=any_names)
def test_text_fits_into_its_node(found: list[str]) -> None:
    root = ET.fromstring(render_graph(of_names(found), "svg"))
    for group in root.iter(SVG + "g"):
        shape = group.find(SVG + "rect")
        if shape is not None:
            for text in group.iter(SVG + "text"):
                assert float(text.attrib["textLength"]) <= float(shape.attrib["width"])


@given(st.text(max_size=100), st.integers(3, 50))
def test_a_long_name_loses_its_middle(text: str, most: int) -> None:
    text = visible(text)
    short = shorten(text, most)
    assert columns_of(short) <= most
    assert short == text or "…" in short


def test_a_long_name_is_told_in_full_when_pointed_at() -> None:
    name = "dock[ligand=" + "x" * 80 + ",protein=1abc]"
    text = render_graph(graph([node(name)], []), "svg")
    assert "dock[ligand=xxxxxxxxx…xxxxxx,protein=1abc]" in text
    assert f"<title>{name}: fresh</title>" in text


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("given_node", "note"),
    [
        (node("a"), "fresh"),
        (node("a", kind="file", state="source"), ""),
        (node("a", kind="file", state="source", count=2), "2 files"),
        (node("a", kind="rule", state="stale"), "1 task, stale"),
        (node("a", count=1000, state="stale"), "1,000 tasks, stale"),
        (node("a", count=3, state="stale", states={"stale": 1, "fresh": 2}), "3 tasks: 1 stale, 2 fresh"),
        (node("a", count=3, state="stale", states={"stale": 3}), "3 tasks, stale"),
    ],
)
def test_a_state_is_told_in_words_too(given_node: Any, note: str) -> None:
    assert note_of(given_node) == note
