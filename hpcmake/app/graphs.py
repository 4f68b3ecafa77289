"""`graph`: the rules, tasks or files of a campaign as a drawing.

Owns what is drawn.  Knows nothing of how it is drawn.
"""

from __future__ import annotations

import sys

from hpcmake.app.opening import Opened
from hpcmake.app.usage import usage
from hpcmake.drawing import fold, render_graph
from hpcmake.planner.stale import FRESH, GIVEN_UP, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.drawing.graph import Edge, Graph, Node
    from hpcmake.options import Arguments
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

MOST = 100
"""A drawing of more nodes is folded by rule."""


def graph(arguments: Arguments) -> int:
    """Draw a campaign.  Raises Trouble."""
    opened = Opened(arguments)
    if arguments.flag("batches"):
        sys.stdout.write(_batches(opened))
        return 0
    plan = opened.plan()
    if arguments.flag("files"):
        drawing = _files(plan)
    elif arguments.flag("rules"):
        drawing = _rules(plan)
    else:
        drawing = _tasks(plan)
    form = arguments.text("format") or ("json" if arguments.flag("json") else "dot")
    if form != "json":
        drawing = fold(drawing, MOST)
    sys.stdout.write(render_graph(drawing, form))
    return 0


def _batches(opened: Opened) -> str:
    """Return who runs where and when, as a picture or as values."""
    arguments = opened.arguments
    form = arguments.text("format") or ("json" if arguments.flag("json") else "svg")
    if form not in {"svg", "json"}:
        said = f"--batches --format {form}"
        message = f"`--batches` draws nodes against time, which {form} cannot"
        raise usage(message, said, help_="`--format svg` is the picture, `--format json` its values")
    if opened.site is None or not opened.is_at_site:
        message = "`--batches` draws the jobs of a site, and no site is named"
        raise usage(message, "--batches", help_="name one, `--site NAME`; `hpcmake sites` lists them")
    from hpcmake.app.batch_chart import chart_of
    from hpcmake.app.forecasting import make_forecast

    chart = chart_of(make_forecast(opened.plan(), opened.site, arguments))
    if form == "svg":
        from hpcmake.drawing.gantt import render_gantt

        return render_gantt(chart)
    from json import dumps

    values = {
        "title": chart.title,
        "nodes": chart.nodes,
        "jobs": [{name: getattr(frame, name) for name in frame._fields} for frame in chart.frames],
        "pieces": [{name: getattr(bar, name) for name in bar._fields} for bar in chart.bars],
    }
    return dumps(values, separators=(",", ":")) + "\n"


def node(id_: str, label: str, kind: str, state: str, count: int = 1) -> Node:
    """Return a node of a drawing."""
    return {"id": id_, "label": label, "kind": kind, "state": state, "count": count}


def edge(start: str, end: str, count: int) -> Edge:
    """Return an edge of a drawing, from what is needed to what needs it."""
    return (start, end, count)


def _state(plan: Plan, table: Table, row: int) -> str:
    state = table.state[row]
    if state == FRESH:
        return "fresh"
    other = plan.history.others.get(table.name(row)) if plan.history.others else None
    if state == GIVEN_UP or (other is not None and other["k"] == "fail"):
        return "failed"
    return "unknown" if state == UNKNOWN else "stale"


def _makers(plan: Plan, table: Table, row: int) -> dict[tuple[int, int], int]:
    """Return the tasks whose files a task takes, each with their number."""
    files = plan.graph.files
    found: dict[tuple[int, int], int] = {}
    for number in plan.graph.inputs_of(table, row):
        if files.rule[number] >= 0:
            key = (files.rule[number], files.row[number])
            found[key] = found.get(key, 0) + 1
    return found


def _unknown(plan: Plan, nodes: list[Node], edges: list[Edge], prefix: str) -> None:
    """Add what is known only later."""
    known = {each["id"] for each in nodes}
    for after, rule in plan.unknown():
        name = f"{prefix}{rule}?"
        if name not in known and f"{prefix}{rule}" not in known:
            known.add(name)
            nodes.append(node(name, f"{rule} …", "unknown", "unknown"))
        start = f"{prefix}{after.partition('[')[0]}" if prefix == "rule " else f"{prefix}{after}"
        end = name if name in known else f"{prefix}{rule}"
        if start in known and start != end:
            edges.append(edge(start, end, 1))


def _tasks(plan: Plan) -> Graph:
    nodes: list[Node] = []
    edges: list[Edge] = []
    tables = plan.graph.tables
    for table in tables:
        for row in range(table.count):
            name = table.name(row)
            nodes.append(node(f"task {name}", name, "task", _state(plan, table, row)))
            edges += [
                edge(f"task {tables[rule].name(other)}", f"task {name}", count)
                for (rule, other), count in _makers(plan, table, row).items()
            ]
    _unknown(plan, nodes, edges, "task ")
    return {"nodes": nodes, "edges": edges}


def _rules(plan: Plan) -> Graph:
    nodes: list[Node] = []
    counts: dict[tuple[str, str], int] = {}
    for table in plan.graph.tables:
        if not table.count:
            continue
        states = [_state(plan, table, row) for row in range(table.count)]
        worst = next(state for state in ("failed", "stale", "unknown", "fresh") if state in states)
        nodes.append(node(f"rule {table.rule.name}", table.rule.name, "rule", worst, table.count))
        for row in range(table.count):
            for rule, _ in _makers(plan, table, row):
                key = (plan.graph.tables[rule].rule.name, table.rule.name)
                counts[key] = counts.get(key, 0) + 1
    edges = [edge(f"rule {one}", f"rule {two}", count) for (one, two), count in counts.items() if one != two]
    _unknown(plan, nodes, edges, "rule ")
    return {"nodes": nodes, "edges": edges}


def _files(plan: Plan) -> Graph:
    files = plan.graph.files
    nodes: list[Node] = []
    edges: list[Edge] = []
    for number, path in enumerate(files.paths):
        if files.index.get(path) != number:
            continue
        rule = files.rule[number]
        state = "source" if rule < 0 else _state(plan, plan.graph.tables[rule], files.row[number])
        nodes.append(node(f"file {path}", path, "file", state))
    for table in plan.graph.tables:
        for row in range(table.count):
            taken = plan.graph.inputs_of(table, row)
            for column in table.outputs:
                edges += [
                    edge(f"file {files.paths[number]}", f"file {files.paths[column[row]]}", 1) for number in taken
                ]
    return {"nodes": nodes, "edges": edges}
