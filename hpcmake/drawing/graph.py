"""What is drawn: nodes and edges as plain values, and the folding of many into few.

Owns their form and the rule by which they are folded.  Knows nothing of how they are drawn.

A node is a mapping with `id` (unique), `label`, `kind` (`task`, `file`, `rule` or `unknown`), `state` (`fresh`,
`stale`, `running`, `failed`, `unknown` or `source`) and `count` (how many it stands for).  It may have `group`, under
which it is folded with others (without it: the rule of a task, folder and ending of a file), and, where it stands for
several, `states`, how many are in which state.  An edge leads from what is needed to what needs it; its third part
counts.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import NotRequired, TypeAlias, TypedDict

    class Node(TypedDict):
        """One node; see above."""

        id: str
        label: str
        kind: str
        state: str
        count: int
        group: NotRequired[str]
        states: NotRequired[dict[str, int]]

    class Graph(TypedDict):
        """Nodes and edges; edges name nodes by their `id`."""

        nodes: Sequence[Node]
        edges: Sequence[Edge]


Edge: TypeAlias = tuple[str, str, int]
"""From, to, how many edges it stands for."""

STATES = ("failed", "running", "stale", "unknown", "fresh", "source")
"""Every state; of several nodes that are folded into one the first that is among them is shown."""

NOUNS = {"task": "task", "file": "file", "rule": "task", "unknown": "task"}
"""What a node of each kind counts."""


def fold(graph: Graph, most: int = 100) -> Graph:
    """Return the graph if it has at most so many nodes; else one in which tasks of a rule are one node, with counts.

    So are files of a folder and ending or, should these be too many, of a topmost folder and ending.  If more nodes
    than `most` remain even so, those that stand for the fewest are put together.
    """
    if len(graph["nodes"]) <= most:
        return graph
    folded = _fold_by(graph, _group)
    if len(folded["nodes"]) > most:
        folded = _fold_by(graph, _wide_group)
    if len(folded["nodes"]) > most:
        largest = sorted(folded["nodes"], key=lambda node: -node["count"])[: max(most - 1, 0)]
        kept = {node["id"] for node in largest}
        rest = len(folded["nodes"]) - len(kept)
        folded = _fold_by(folded, lambda node: _own(node) if node["id"] in kept else ("unknown", f"{rest:,} others"))
    return folded


def _own(node: Node) -> tuple[str, str]:
    return (node["kind"], node["id"])


def _group(node: Node) -> tuple[str, str]:
    """Return what a node is folded under: its kind, and a text that names all of them."""
    kind, group = node["kind"], node.get("group")
    if group is not None:
        return (kind, group)
    if kind == "task":
        return (kind, node["label"].partition("[")[0])
    if kind == "file":
        folder, _, name = node["label"].rpartition("/")
        return (kind, (folder + "/" if folder else "") + "*" + _ending(name))
    return _own(node)


def _wide_group(node: Node) -> tuple[str, str]:
    kind, group = _group(node)
    if kind != "file" or node.get("group") is not None or "/" not in group.lstrip("/"):
        return (kind, group)
    top = group[: group.index("/", 1)]
    return (kind, f"{top}/**/*{_ending(group.rpartition('/')[2])}")


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return dot + ending if stem else ""


def _fold_by(graph: Graph, group_of: Callable[[Node], tuple[str, str]]) -> Graph:
    members: dict[tuple[str, str], list[Node]] = {}
    group_ids: dict[str, str] = {}
    for node in graph["nodes"]:
        members.setdefault(group_of(node), []).append(node)
    nodes = []
    for (kind, label), group in members.items():
        node = group[0] if len(group) == 1 else _together(kind, label, group)
        nodes.append(node)
        group_ids.update((each["id"], node["id"]) for each in group)
    edges: dict[tuple[str, str], int] = {}
    for start, end, number in graph["edges"]:
        between = (group_ids[start], group_ids[end])
        edges[between] = edges.get(between, 0) + number
    return {"nodes": nodes, "edges": [(start, end, number) for (start, end), number in edges.items()]}


def _together(kind: str, label: str, group: Iterable[Node]) -> Node:
    states: dict[str, int] = {}
    for node in group:
        for state, number in (node.get("states") or {node["state"]: node["count"]}).items():
            states[state] = states.get(state, 0) + number
    ordered = {state: states[state] for state in STATES if state in states}
    return {
        "id": f"all {kind} {label}",
        "label": label,
        "kind": kind,
        "state": next(iter(ordered), "unknown"),
        "count": sum(states.values()),
        "states": ordered,
    }
