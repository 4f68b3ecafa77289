"""Pictures of a graph: as dot, mermaid, svg or json.

Owns the forms in which a graph is drawn, and how a large one is folded.  Knows nothing of plans: nodes and edges are
plain values.
"""

from __future__ import annotations

from hpcmake.drawing.graph import fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.drawing.graph import Graph

__all__ = ["FORMS", "fold", "render_graph"]

FORMS = ("dot", "mermaid", "svg", "json")
"""The forms that `render_graph` knows."""


def render_graph(graph: Graph, form: str) -> str:
    """Return the graph in one of FORMS, drawn as it is: a large one is to be folded before.

    Raises ValueError for another form, and KeyError if an edge names a node that is not there.
    """
    if form == "dot":
        from hpcmake.drawing.textual import render_dot

        return render_dot(graph)
    if form == "mermaid":
        from hpcmake.drawing.textual import render_mermaid

        return render_mermaid(graph)
    if form == "json":
        from hpcmake.drawing.textual import render_json

        return render_json(graph)
    if form == "svg":
        from hpcmake.drawing.svg import render_svg

        return render_svg(graph)
    message = f"no form of a graph: {form}"
    raise ValueError(message)
