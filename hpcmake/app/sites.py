"""The verb `sites`: all sites in a table, or one with all its numbers.

Owns how a site is shown, as text of 80 columns and as JSON.  Knows nothing of how its file is read.
"""

from __future__ import annotations

import os
import sys

from hpcmake.app.opening import enter
from hpcmake.app.usage import usage
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.record import Record
from hpcmake.sites import read_site, read_sites
from hpcmake.units import SIZES, render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.options import Arguments
    from hpcmake.site import Limit, NodeKind, Queue, Site

_WIDTH = 80


def sites(arguments: Arguments) -> int:
    """List the sites, or show one.  Raises Trouble."""
    words = arguments.words
    if len(words) > 1:
        message = "name one site, or none for a list"
        raise usage(message, " ".join(["sites", *words]), help_="such as `hpcmake sites theta`")
    enter(arguments)
    mistakes: list[Diagnostic] = []
    if arguments.flag("check"):
        from hpcmake.app.site_check import check_site, require_named

        name = require_named(words)
        return check_site(read_site(name, os.environ), name, json=arguments.flag("json"))
    if words:
        found = [read_site(words[0], os.environ)]
    else:
        found, mistakes = read_sites(os.environ)
    if arguments.flag("json"):
        from json import dumps

        sys.stdout.write("".join(dumps(plain_site(site), separators=(",", ":")) + "\n" for site in found))
    else:
        sys.stdout.write(render_site(found[0]) if words else render_list(found))
    if mistakes:
        raise Trouble(*mistakes)
    return 0


def plain_site(site: Site) -> dict[str, object]:
    """Return a site as values for JSON: durations in seconds, sizes in bytes, null for what nobody has said."""
    row: dict[str, object] = {"kind": "site"}
    for field in type(site)._fields:
        row["from" if field == "files" else field] = _plain(getattr(site, field))
    return row


def _plain(value: object) -> object:
    if isinstance(value, Record):
        return {field: _plain(getattr(value, field)) for field in type(value)._fields}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


# ---------------------------------------------------------------- text


def render_list(found: Sequence[Site]) -> str:
    """Return all sites as a table: name, scheduler, kinds of nodes, where from."""
    rows: list[tuple[str, ...]] = [("SITE", "SCHEDULER", "NODES", "FROM")]
    for site in found:
        places = site.files if len(site.files) == 1 else (site.files[0], *(f"+ {place}" for place in site.files[1:]))
        nodes = [_kind_in_words(kind) for kind in site.nodes] or ["-"]
        for at in range(max(len(nodes), len(places))):
            first = (site.name, site.scheduler) if at == 0 else ("", "")
            rows.append((*first, nodes[at] if at < len(nodes) else "", places[at] if at < len(places) else ""))
    return _table(rows)


def _kind_in_words(kind: NodeKind) -> str:
    gpus = f", {kind.gpus} gpus" if kind.gpus else ""
    return f"{kind.name}: {kind.cores} cores{gpus}"


def render_site(site: Site) -> str:
    """Return all that is known of a site, at most 80 columns wide where words allow it."""
    parts = [_facts(site.name, _site_facts(site))]
    if site.nodes:
        parts.append("nodes\n" + _indented(_table(_kind_rows(site.nodes))))
    parts.append(_facts("launch", _launch_facts(site)))
    if not site.queues and site.scheduler != "none":
        own = f"~/.config/hpcmake/sites/{site.name}.toml"
        parts.append(f"queues\n  none are known: describe those of your machine in\n  {own}\n")
    if site.queues:
        parts.append("queues\n" + _indented(_table(_queue_rows(site.queues))))
        notes = [line for queue in site.queues for line in _queue_notes(queue)]
        if notes:
            parts.append("".join(f"  {line}\n" for line in notes))
    return "\n".join(parts)


def _site_facts(site: Site) -> list[tuple[str, str]]:
    charge = site.charge.unit
    if site.charge.minimum_nodes > 1:
        charge += f", at least {site.charge.minimum_nodes} nodes"
    block = f"{site.smallest_block} nodes" if site.smallest_block is not None else None
    budget = f"{site.budget:g} node-hours" if site.budget is not None else None
    facts = [
        ("from", ", ".join(site.files)),
        ("scheduler", site.scheduler),
        ("launcher", site.launcher),
        ("runs", "shell" if site.runs == "shell" else "programs only: its nodes start no shell"),
        ("script_on", site.script_on),
        ("shells_at_once", _whole(site.shells_at_once)),
        ("submit_from_jobs", site.submit_from_jobs),
        ("python", site.python),
        ("poll", _duration(site.poll)),
        ("latency", _duration(site.latency)),
        ("mtime_grain", _duration(site.mtime_grain)),
        ("margin", _duration(site.margin)),
        ("needs", _joined(site.needs)),
        ("project", site.project),
        ("filesystems", _joined(site.filesystems)),
        ("submit_words", _joined(site.submit_words, " ")),
        ("setup", site.setup or None),
        ("jobs", _whole(site.jobs)),
        ("budget", budget),
        ("smallest_block", block),
        ("limits", _joined([_limit_in_words(limit) for limit in site.limits])),
        ("charge", charge),
    ]
    return [(key, value) for key, value in facts if value is not None]


def _launch_facts(site: Site) -> list[tuple[str, str]]:
    launch = site.launch
    facts = [
        ("at_once", _whole(launch.at_once)),
        ("per_node", _whole(launch.per_node)),
        ("pause", _duration(launch.pause or None)),
        ("carrier", launch.carrier),
        ("over_limit", launch.over_limit if launch.at_once is not None else None),
        ("mpi", launch.mpi),
        ("words", _joined(launch.words, " ")),
    ]
    return [(key, value) for key, value in facts if value is not None]


def _kind_rows(kinds: Iterable[NodeKind]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("KIND", "CORES", "THREADS", "MEMORY", "GPUS", "COUNT", "SCRATCH", "WORDS")]
    for kind in kinds:
        cells = (str(kind.cores), str(kind.cores * kind.threads_per_core), _size(kind.memory), str(kind.gpus))
        words = " ".join(kind.words) or "-"
        rows.append((kind.name, *cells, _whole(kind.count) or "-", kind.scratch or "-", words))
    return rows


def _queue_rows(queues: Iterable[Queue]) -> list[tuple[str, ...]]:
    """Return a row for each band of each queue."""
    rows: list[tuple[str, ...]] = [("QUEUE", "NODE", "NODES", "WALLTIME", "LIMITS", "FOR")]
    for queue in queues:
        limits = [_limit_in_words(limit) for limit in queue.limits] or ["-"]
        bands = queue.bands()
        for at in range(max(len(bands), len(limits))):
            first = (queue.name, queue.node or "-") if at == 0 else ("", "")
            nodes = walltime = ""
            if at < len(bands):
                band = bands[at]
                nodes = str(band.low) if band.low == band.high else f"{band.low}-{band.high}"
                least = f"{_duration(queue.shortest)}-" if queue.shortest else ""
                walltime = f"{least}{_duration(band.longest)}"
            purpose = queue.purpose if at == 0 else ""
            rows.append((*first, nodes, walltime, limits[at] if at < len(limits) else "", purpose))
    return rows


def _queue_notes(queue: Queue) -> list[str]:
    notes = []
    if queue.blocks:
        notes.append(f"{queue.name}: blocks of {', '.join(map(str, queue.blocks))}")
    if queue.preemptable:
        notes.append(f"{queue.name}: preemptable, its jobs may be ended at any time")
    if queue.words is not None:
        notes.append(f"{queue.name}: asked for by {' '.join(queue.words) or 'no words'}")
    return notes


def _limit_in_words(limit: Limit) -> str:
    return f"{limit.most} {limit.what} a {limit.scope}"


def _duration(seconds: float | None) -> str | None:
    return None if seconds is None else render_duration(seconds)


def _whole(number: int | None) -> str | None:
    return None if number is None else str(number)


def _joined(words: Sequence[str], between: str = ", ") -> str | None:
    return between.join(words) if words else None


def _size(count: int | None) -> str:
    """Return a size in the unit in which it is a whole number with the fewest digits, as it was written."""
    if not count:
        return "-"
    names = {size: name for name, size in reversed(SIZES.items())}  # of `kB` and `KB` the first
    return min((f"{count // size}{name}" for size, name in names.items() if count % size == 0), key=len)


def _facts(title: str, facts: Iterable[tuple[str, str]]) -> str:
    lines = [f"{title}\n"]
    for key, value in facts:
        first, *more = _wrapped(value, _WIDTH - 20)
        lines.append(f"  {key:<16}  {first}\n")
        lines += [f"{'':20}{line}\n" for line in more]
    return "".join(lines)


def _wrapped(text: str, width: int) -> list[str]:
    from textwrap import wrap

    lines = [line for each in text.splitlines() for line in wrap(each, width, break_long_words=False)]
    return lines or [""]


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns; one that is empty but for its head is left out."""
    keep = [at for at in range(len(rows[0])) if any(row[at] not in {"", "-"} for row in rows[1:])]
    widths = [max(len(row[at]) for row in rows) for at in keep]
    lines = ("  ".join(row[at].ljust(width) for at, width in zip(keep, widths, strict=True)).rstrip() for row in rows)
    return "".join(line + "\n" for line in lines)


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
