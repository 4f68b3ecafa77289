"""What a scheduler says of its queues, so that a site's numbers can be held against it.

Owns the commands that ask for queues, and what they print.  Knows nothing of what is put into a queue.
"""

from __future__ import annotations

import re

from hpcmake.record import Record
from hpcmake.site import Limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ASK = {
    "slurm": ("sinfo", "-h", "-o", "%R|%D|%c|%l|%s"),
    "pbs": ("qstat", "-Qf"),
    "cobalt": ("qstat", "-Q"),
}
"""The command that tells the queues of each scheduler."""

COMMANDS = {
    "slurm": ("sbatch", "squeue", "scancel", "sinfo"),
    "pbs": ("qsub", "qstat", "qdel"),
    "cobalt": ("qsub", "qstat", "qdel"),
    "none": (),
}
"""The commands of each scheduler that hpcmake calls."""

_TIME = re.compile(r"(?:([0-9]+)-)?(?:([0-9]+):)?([0-9]+):([0-9]+)")


class QueueFacts(Record):
    """What is known of a queue: None stands for what its scheduler does not bound, or does not tell.

    `shortest` and `longest` are in seconds, `state` is in words where it is not an open queue, else empty.
    `limits` are those that are told of each user and each project.
    """

    name: str
    longest: float | None = None
    most_nodes: int | None = None
    cpus: int | None = None
    state: str = ""
    shortest: float | None = None
    limits: tuple[Limit, ...] = ()


def parse_queues(scheduler: str, text: str) -> dict[str, QueueFacts]:
    """Return the queues that the answer to `ASK` names, by name; what is not understood of it is left out."""
    parse: Callable[[str], list[QueueFacts]]
    parse = {"slurm": _parse_sinfo, "pbs": _parse_pbs, "cobalt": _parse_cobalt}[scheduler]
    return {each.name: each for each in parse(text)}


def _parse_sinfo(text: str) -> list[QueueFacts]:
    """Read a line for each kind of node of each partition; of several lines of one, the widest bounds count."""
    found: dict[str, QueueFacts] = {}
    for line in text.splitlines():
        cells = line.strip().split("|")
        if len(cells) != 5:  # noqa: PLR2004  # as many as were asked for
            continue
        name, nodes, cpus, longest, size = cells
        before = found.get(name)
        most = _whole(size.partition("-")[2]) if "-" in size else _whole(size)
        total = (_whole(nodes) or 0) + (before.most_nodes or 0 if before and most is None else 0)
        least = min(filter(None, (_whole(cpus.rstrip("+")), before.cpus if before else None)), default=None)
        found[name] = QueueFacts(name, _seconds(longest), most or total or None, least)
    return list(found.values())


def _parse_pbs(text: str) -> list[QueueFacts]:
    queues: list[QueueFacts] = []
    for block in re.split(r"^Queue: ", text.replace("\n\t", ""), flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        facts = {key.strip(): value.strip() for key, _, value in (line.partition(" = ") for line in rest.splitlines())}
        closed = [word for word in ("enabled", "started") if facts.get(word, "True") != "True"]
        longest, most = facts.get("resources_max.walltime", ""), facts.get("resources_max.nodect", "")
        state = f"not {' and not '.join(closed)}" if closed else ""
        shortest = _seconds(facts.get("resources_min.walltime", ""))
        limits = _limits_of_pbs("queued", facts.get("max_queued", "")) + _limits_of_pbs(
            "running", facts.get("max_run", "")
        )
        queues.append(QueueFacts(name.strip(), _seconds(longest), _whole(most), None, state, shortest, tuple(limits)))
    return queues


def _limits_of_pbs(what: str, text: str) -> list[Limit]:
    """Return the limits in `[u:PBS_GENERIC=3],[p:PBS_GENERIC=10]` that hold for each user or project alike."""
    scopes = {"u": "user", "p": "project"}
    return [
        Limit(what, int(most), scopes[kind]) for kind, most in re.findall(r"([up]):PBS_GENERIC=([0-9]{1,15})", text)
    ]


def _parse_cobalt(text: str) -> list[QueueFacts]:
    """Read a table whose columns are parted by two blanks."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not lines[1].startswith("="):  # noqa: PLR2004  # a head and its line
        return []
    head = lines[0].split()
    queues: list[QueueFacts] = []
    for line in lines[2:]:
        row = dict(zip(head, re.split(r"\s{2,}", line.strip()), strict=False))
        state = row.get("State", "running")
        longest, most = _seconds(row.get("MaxTime", "")), _whole(row.get("MaxUserNodes", ""))
        bounds = {"running": "MaxRunning", "queued": "MaxQueued", "node-hours": "MaxNodeHours"}
        told = ((what, _whole(row.get(column, ""))) for what, column in bounds.items())
        limits = tuple(Limit(what, most) for what, most in told if most is not None)
        state = "" if state == "running" else state
        shortest = _seconds(row.get("MinTime", ""))
        queues.append(QueueFacts(row.get("Name", ""), longest, most, None, state, shortest, limits))
    return queues


def _seconds(text: str) -> float | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() else None
