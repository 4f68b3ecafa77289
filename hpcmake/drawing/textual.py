"""A graph as text for other programs: dot for Graphviz, mermaid, JSON.

Owns the quoting of each.  Knows nothing of places: those programs make the layout.
"""

from __future__ import annotations

import re

from hpcmake.drawing.graph import STATES
from hpcmake.drawing.labels import LOOKS, look_of, name_of, note_of, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.drawing.graph import Graph

_DOT_SHAPES = {"task": "box", "file": "note", "rule": "box", "unknown": "ellipse"}
_MERMAID_SHAPES = {"task": ('("', '")'), "file": ('["', '"]'), "rule": ('["', '"]'), "unknown": ('(["', '"])')}


def render_dot(graph: Graph) -> str:
    """Return the graph in the language of Graphviz."""
    lines = [
        "digraph hpcmake {",
        "  rankdir=LR;",
        '  node [fontname="Helvetica,Arial,sans-serif", fontsize=11];',
        '  edge [fontname="Helvetica,Arial,sans-serif", fontsize=9, color="#767676"];',
    ]
    names: dict[str, str] = {}
    taken: set[str] = set()
    for node in graph["nodes"]:
        name = visible(node["id"])
        while name in taken:
            name += "'"  # names that differ only in what cannot be shown
        taken.add(name)
        names[node["id"]] = _dot_id(name)
        look = look_of(node)
        styles = ["filled", *(["rounded"] if node["kind"] == "task" else []), *(["dashed"] if look.dash else [])]
        label = r"\n".join(_dot_label(line) for line in (name_of(node), note_of(node)) if line)
        words = [
            f'label="{label}"',
            f"shape={_DOT_SHAPES.get(node['kind'], 'box')}",
            f'style="{",".join(styles)}"',
            f'fillcolor="{look.fill}"',
            f'color="{look.stroke}"',
            f"penwidth={look.width:g}",
        ]
        lines.append(f"  {names[node['id']]} [{', '.join(words)}];")
    for start, end, number in graph["edges"]:
        label = f' [label="{number:,}"]' if number > 1 else ""
        lines.append(f"  {names[start]} -> {names[end]}{label};")
    return "\n".join([*lines, "}\n"])


def _dot_id(text: str) -> str:
    # doubled backslashes stay two in an id, which is as unique; a single one at the end would escape the quote
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _dot_label(text: str) -> str:
    # Graphviz reads entities of HTML in labels
    return text.replace("&", "&amp;").replace("\\", r"\\").replace('"', r"\"")


def render_mermaid(graph: Graph) -> str:
    """Return the graph as a flow chart for mermaid."""
    lines = ["flowchart LR"]
    names: dict[str, str] = {}
    for node in graph["nodes"]:
        name = names[node["id"]] = f"n{len(names)}"
        opening, closing = _MERMAID_SHAPES.get(node["kind"], ('["', '"]'))
        label = "<br/>".join(_mermaid_text(line) for line in (name_of(node), note_of(node)) if line)
        state = node["state"] if node["state"] in LOOKS else "unknown"
        lines.append(f"  {name}{opening}{label}{closing}:::{state}")
    for start, end, number in graph["edges"]:
        label = f'|"{number:,}"|' if number > 1 else ""
        lines.append(f"  {names[start]} -->{label} {names[end]}")
    used = {node["state"] for node in graph["nodes"]}
    for state in STATES:
        if state in used or (state == "unknown" and used - set(STATES)):
            look = LOOKS[state]
            dash = f",stroke-dasharray:{look.dash}" if look.dash else ""
            style = f"fill:{look.fill},stroke:{look.stroke},stroke-width:{look.width:g}px,color:#1c1c1c{dash}"
            lines.append(f"  classDef {state} {style}")
    return "\n".join(lines) + "\n"


_MERMAID_SPECIAL = re.compile(r"[^\w .,/=\[\]()+@~-]")


def _mermaid_text(text: str) -> str:
    """Return text for within quotes: what mermaid, its comments, or HTML could take for their own is a number."""
    return _MERMAID_SPECIAL.sub(lambda match: f"#{ord(match[0])};", text) or "#32;"


def render_json(graph: Graph) -> str:
    """Return the graph as one JSON object, with a node or an edge a line."""
    from json import JSONEncoder

    encode = JSONEncoder(separators=(",", ":")).encode
    known = {node["id"] for node in graph["nodes"]}
    nodes = ",\n".join(encode(dict(node)) for node in graph["nodes"])
    edges = []
    for start, end, number in graph["edges"]:
        for each in (start, end):
            if each not in known:
                raise KeyError(each)
        edges.append(encode({"from": start, "to": end, "count": number}))
    return '{"nodes":[\n' + nodes + '\n],"edges":[\n' + ",\n".join(edges) + "\n]}\n"
