"""What a scheduler says of its queues, so that a site's numbers can be held against it.

Owns the commands that ask for queues, and what they print.  Knows nothing of what is put into a queue.
"""

from __future__ import annotations

import re

from hpcmake.record import Record

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

    `longest` is in seconds, `state` is in words where it is not an open queue, else empty.
    """

    name: str
    longest: float | None = None
    most_nodes: int | None = None
    cpus: int | None = None
    state: str = ""


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
        facts = dict(line.strip().split(" = ", 1) for line in rest.splitlines() if " = " in line)
        closed = [word for word in ("enabled", "started") if facts.get(word, "True") != "True"]
        longest, most = facts.get("resources_max.walltime", ""), facts.get("resources_max.nodect", "")
        state = f"not {' and not '.join(closed)}" if closed else ""
        queues.append(QueueFacts(name.strip(), _seconds(longest), _whole(most), state=state))
    return queues


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
        queues.append(QueueFacts(row.get("Name", ""), longest, most, state="" if state == "running" else state))
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
