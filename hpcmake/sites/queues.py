"""The queues of a site file: nodes, walltimes by number of nodes, limits, and what in them contradicts itself.

Owns the keys of a queue.  Knows nothing of the rest of a site but the names of its nodes.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Note, did_you_mean
from hpcmake.site import LIMITED, PURPOSES, SCOPES, Limit, Queue
from hpcmake.sites.reading import Table
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.site import NodeKind
    from hpcmake.sites.places import Entry

    Longest = tuple[tuple[int, float], ...]

_NODES = "nodes = [1, 128]"
_LONGEST = 'longest = "6h"'
_BANDS = 'longest = [[1, "3h"], [256, "6h"]]'
_LIMITS = 'limits = [{ what = "queued", most = 20, scope = "user" }]'


def repeated_queues(entry: Entry) -> list[Diagnostic]:
    """Return a mistake for each queue that stands in one file a second time."""
    seen: dict[str, Entry] = {}
    mistakes = []
    for name, each in named_queues(entry):
        if name in seen:
            notes = (Note(seen[name].value["name"].span, "first here"),)
            help_ = "one of them needs another name, or goes"
            message = f"queue `{name}` stands twice"
            mistakes.append(Diagnostic("E910", message, each.value["name"].span, notes=notes, help=help_))
        else:
            seen[name] = each
    return mistakes


def named_queues(entry: Entry) -> list[tuple[str, Entry]]:
    """Return the queues of a file that have a name."""
    found = entry.value.get("queue")
    rows = found.value if found is not None and isinstance(found.value, list) else []
    tables = [each for each in rows if isinstance(each.value, dict) and "name" in each.value]
    named = [(each.value["name"].value, each) for each in tables]
    return [(name, each) for name, each in named if isinstance(name, str)]


def read_queues(table: Table, kinds: Sequence[NodeKind]) -> tuple[Queue, ...]:
    """Return the queues of a site; what is wrong with them is noted."""
    queues = []
    for entry in table.rows("queue", "[[queue]]"):
        name = entry.value["name"].value if "name" in entry.value else None
        part = Table(entry, f"queue `{name}`" if isinstance(name, str) else "a queue", table.mistakes)
        queue = _read_queue(part, kinds)
        part.close()
        if queue is not None:
            queues.append(queue)
    return tuple(queues)


def _read_queue(part: Table, kinds: Sequence[NodeKind]) -> Queue | None:
    before = len(part.mistakes)
    name = part.text("name", example="default")
    if "name" not in part.entry.value:
        part.tell_missing("name", 'write for example `name = "default"`')
    node = _read_node(part, kinds)
    nodes = _read_range(part)
    longest = _read_longest(part)
    shortest = part.duration("shortest", example="30m") or 0
    blocks = _read_blocks(part)
    limits = read_limits(part)
    preemptable = part.flag("preemptable")
    purpose = part.choice("purpose", PURPOSES, None) or "work"
    words = part.words("words")
    if nodes is not None:
        _check_times(part, nodes, longest, shortest)
        _check_blocks(part, nodes, blocks)
    if len(part.mistakes) > before or name is None or nodes is None:
        return None
    return Queue(name, node, nodes, longest, shortest, blocks, limits, preemptable, purpose, words)


def _read_node(part: Table, kinds: Sequence[NodeKind]) -> str | None:
    names = [kind.name for kind in kinds]
    node = part.text("node", example=names[0] if names else "knl")
    entry = part.entry.value.get("node")
    if entry is None:
        if len(names) > 1:
            part.tell_missing("node", f'write for example `node = "{names[0]}"`; there are {", ".join(names)}')
        return names[0] if len(names) == 1 else None
    if node is not None and node not in names:
        known = did_you_mean(node, names) or (
            f"there are {', '.join(names)}" if names else f"describe it: `[node.{node}]`, and below it `cores = …`"
        )
        part.tell("E909", f"{part.name} has nodes of an unknown kind, `{node}`", entry, help_=known)
    return node


def _read_range(part: Table) -> tuple[int, int] | None:
    entry = part.find("nodes")
    if entry is None:
        part.tell_missing("nodes", f"write for example `{_NODES}`: the fewest and the most of one job")
        return None
    if not isinstance(entry.value, list) or len(entry.value) != 2:  # noqa: PLR2004  # the fewest and the most
        part.wrong_kind("nodes", entry, "a list of two whole numbers, the fewest and the most", _NODES)
        return None
    low, high = (part.number("nodes", each, least=1, example=_NODES) for each in entry.value)
    if low is None or high is None:
        return None
    if low > high:
        message = f"{part.told('nodes')} go from {low} to {high}: the fewest is more than the most"
        part.tell_contradiction(message, entry, None, "", f"write `nodes = [{high}, {low}]`")
        return None
    return low, high


def _read_longest(part: Table) -> Longest:
    entry = part.find("longest")
    if entry is None:
        part.tell_missing("longest", f"write for example `{_LONGEST}`, or by nodes, `{_BANDS}`")
        return ()
    if not isinstance(entry.value, list):
        seconds = part.seconds("longest", entry, _LONGEST)
        return _positive(part, [(1, seconds, entry)])
    found: list[tuple[int, float | None, Entry]] = []
    last: Entry | None = None
    for each in entry.value:
        pair = each.value
        if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004  # nodes and a duration
            part.wrong_kind("longest", each, "a list of pairs of nodes and a walltime", _BANDS)
            return ()
        nodes = part.number("longest", pair[0], least=1, example=_BANDS)
        seconds = part.seconds("longest", pair[1], _BANDS)
        if nodes is None:
            return ()
        if found and last is not None and nodes <= found[-1][0]:
            message = f"{part.told('longest')} does not ascend: {nodes} comes after {found[-1][0]}"
            notes = (Note(last.span, "this one before it"),)
            help_ = "put the pairs in the order of their nodes, each number once"
            part.mistakes.append(Diagnostic("E908", message, pair[0].span, notes=notes, help=help_))
            return ()
        found.append((nodes, seconds, pair[1]))
        last = pair[0]
    if not found:
        part.wrong_kind("longest", entry, "a list of pairs of nodes and a walltime", _BANDS)
    return _positive(part, found)


def _positive(part: Table, found: Sequence[tuple[int, float | None, Entry]]) -> Longest:
    for _, seconds, entry in found:
        if seconds == 0:
            part.tell(
                "E905", f"{part.told('longest')} is more than no time", entry, help_=f"write for example `{_LONGEST}`"
            )
            return ()
    good = tuple((nodes, seconds) for nodes, seconds, _ in found if seconds is not None)
    return good if len(good) == len(found) else ()


def _read_blocks(part: Table) -> tuple[int, ...]:
    entry = part.find("blocks")
    if entry is None:
        return ()
    example = "blocks = [512, 1024, 2048]"
    if not isinstance(entry.value, list) or not entry.value:
        part.wrong_kind("blocks", entry, "a list of whole numbers", example)
        return ()
    read = [part.number("blocks", each, least=1, example=example) for each in entry.value]
    sizes = [size for size in read if size is not None]
    for before, size, each in zip(sizes, sizes[1:], entry.value[1:], strict=False):
        if size <= before:
            message = f"{part.told('blocks')} do not ascend: {size} comes after {before}"
            part.mistakes.append(Diagnostic("E908", message, each.span, help="put the sizes in order, each once"))
            return ()
    return tuple(sizes)


def _check_times(part: Table, nodes: tuple[int, int], longest: Longest, shortest: float) -> None:
    """Hold the walltimes against the range of nodes, and the longest against the shortest."""
    if not longest:
        return
    value = part.entry.value
    low, high = nodes
    first, last = longest[0][0], longest[-1][0]
    if first > low:
        less = f"{low} nodes" if first == low + 1 else f"{low} to {first - 1} nodes"
        message = f"{part.name} tells no walltime for {less}"
        help_ = f"let the first pair of `longest` begin with {low}, or let `nodes` begin with {first}"
        part.tell_contradiction(message, value["longest"], value["nodes"], f"jobs have {low} nodes or more", help_)
    if last > high:
        message = f"{part.told('longest')} speaks of {last} nodes, but a job has at most {high}"
        help_ = f"leave the pair out, or let `nodes` end with {last} or more"
        part.tell_contradiction(message, value["longest"], value["nodes"], f"at most {high}", help_)
    least = min(seconds for _, seconds in longest)
    if shortest > least:
        message = (
            f"{part.told('shortest')}, {render_duration(shortest)}, is more than its longest, {render_duration(least)}"
        )
        help_ = f'write a shorter one, such as `shortest = "{render_duration(least)}"`'
        part.tell_contradiction(message, value["shortest"], value["longest"], "at most so long", help_)


def _check_blocks(part: Table, nodes: tuple[int, int], blocks: tuple[int, ...]) -> None:
    if blocks and not (nodes[0] <= blocks[0] and blocks[-1] == nodes[1]):
        value = part.entry.value
        message = f"{part.told('blocks')} go from {blocks[0]} to {blocks[-1]}, its nodes from {nodes[0]} to {nodes[1]}"
        help_ = f"write `nodes = [{min(nodes[0], blocks[0])}, {blocks[-1]}]`"
        part.tell_contradiction(message, value["blocks"], value["nodes"], "these", help_)


def read_limits(part: Table) -> tuple[Limit, ...]:
    """Return the limits of a queue, or of the whole site; what is wrong with them is noted."""
    limits = []
    for entry in part.rows("limits", _LIMITS):
        row = Table(entry, f"a limit of {part.name or 'the site'}", part.mistakes)
        for key in ("what", "most"):
            if key not in entry.value:
                row.tell_missing(key, f"write for example `{_LIMITS}`")
        what = row.choice("what", LIMITED, None)
        most = row.whole("most", least=1, example=20)
        scope = row.choice("scope", SCOPES, "user")
        row.close()
        if what is not None and most is not None and scope is not None:
            limits.append(Limit(what, most, scope))
    return _consistent(part, tuple(limits))


def _consistent(part: Table, limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Tell where more may run than may be in the queue, running ones included."""
    most = {(limit.what, limit.scope): limit.most for limit in limits}
    for scope in SCOPES:
        running, queued = most.get(("running", scope)), most.get(("queued", scope))
        if running is not None and queued is not None and running > queued:
            of = part.name or "the site"
            message = (
                f"{of} lets {running} jobs of a {scope} run, but only {queued} be in the queue, running ones included"
            )
            help_ = f"`queued` counts all jobs there: at least {running}"
            part.tell_contradiction(message, part.entry.value["limits"], None, "", help_)
    return limits
