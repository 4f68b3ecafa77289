"""What the words of srun ask for, with what the environment of a job says where they do not.

Owns the options of srun.  Knows nothing of steps.
"""

from __future__ import annotations

import os

from .face import parse_options
from .node_ids import parse_hostlist
from .refusal import Refusal
from .state import Want

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import State

KNOWN = {
    **dict.fromkeys(("-N", "--nodes"), "nodes"),
    **dict.fromkeys(("-n", "--ntasks"), "ntasks"),
    **dict.fromkeys(("-c", "--cpus-per-task"), "cpus-per-task"),
    **dict.fromkeys(("-w", "--nodelist", "--nodefile"), "nodelist"),
    **dict.fromkeys(("-x", "--exclude"), "exclude"),
    **dict.fromkeys(("-r", "--relative"), "relative"),
    **dict.fromkeys(("-t", "--time"), "time"),
    **dict.fromkeys(("-D", "--chdir"), "chdir"),
    **dict.fromkeys(("-i", "--input"), "input"),
    **dict.fromkeys(("-o", "--output", "-e", "--error"), "unsupported"),
    "--ntasks-per-node": "ntasks-per-node",
    "--mem": "mem",
    "--mem-per-cpu": "mem-per-cpu",
    "--gpus-per-task": "gpus-per-task",
    "--gpus-per-node": "gpus-per-node",
    **dict.fromkeys(("-G", "--gpus"), "gpus"),
    "--gres": "gres",
    "--export": "export",
    **dict.fromkeys(
        ("-m", "--distribution", "-J", "--job-name", "--cpu-bind", "--mem-bind", "--gpu-bind"), "no effect"
    ),
    **dict.fromkeys(("--mpi", "-W", "--wait", "--threads-per-core", "--hint", "-A", "--account", "-p"), "no effect"),
    **dict.fromkeys(("--partition", "-C", "--constraint", "--comment", "--signal", "--network"), "no effect"),
    **dict.fromkeys(("--open-mode", "--ntasks-per-core", "--cpu-freq", "--propagate", "--bcast"), "no effect"),
}
FLAGS = {
    **dict.fromkeys(("-l", "--label"), "label"),
    **dict.fromkeys(("-K", "--kill-on-bad-exit"), "kill-on-bad-exit"),
    **dict.fromkeys(("-k", "--no-kill"), "no-kill"),
    **dict.fromkeys(("-I", "--immediate"), "immediate"),
    **dict.fromkeys(("-Q", "--quiet"), "quiet"),
    **dict.fromkeys(("-s", "--overlap", "--oversubscribe"), "overlap"),
    **dict.fromkeys(("--exact", "--exclusive"), "exact"),
    **dict.fromkeys(("-u", "--unbuffered", "-v", "--verbose", "-O", "--overcommit"), "no effect"),
}
MIB = 1 << 20


class Asked:
    """What srun was asked for; the environment of its ranks too."""

    def __init__(self, argv: list[str], ranks: int, want: Want) -> None:
        self.argv = argv
        self.ranks = ranks
        self.want = want
        self.per_node = 0
        self.cpus_per_task = 1
        self.cpus_said = False
        self.gpus = self.gpus_per_task = self.gpus_per_node = 0
        self.stdin = "all"
        self.label = self.immediate = self.no_kill = self.quiet = self.kills_on_bad_exit = False
        self.limit = 0.0
        self.cwd: str | None = None
        self.environment: dict[str, str] = {}
        self.warnings: list[str] = []


def parse_words(state: State, argv: list[str]) -> Asked:
    """Return what the words ask for.  Raises Refusal."""
    values, program = parse_options("srun", argv, KNOWN, FLAGS)
    if not program:
        raise Refusal("srun: fatal: No command given to execute.")
    if "unsupported" in values:
        raise Refusal("srun: the testbed does not emulate --output and --error: redirect the output of srun itself")
    last = {key: each[-1] for key, each in values.items()}
    names = _names(state, last)
    said = {key: _number(last[key], key) for key in _NUMBERS if key in last}
    nodes_word = last.get("nodes", "")
    nodes = _number(nodes_word.partition("-")[0], "nodes") if nodes_word else 0
    per_node = said.get("ntasks-per-node", 0)
    ranks = said.get("ntasks", 0) or _inherited("SLURM_NTASKS") or (nodes or len(state.names)) * (per_node or 1)
    warnings: list[str] = []
    if nodes > len(state.names):
        raise Refusal(f"srun: error: Only allocated {len(state.names)} nodes asked for {nodes}")
    if not nodes:
        nodes = len(state.names)
    if ranks < nodes:
        warnings.append(f"srun: Warning: can't run {ranks} processes on {nodes} nodes, setting nnodes to {ranks}")
        nodes = ranks
    cpus_per_task = said.get("cpus-per-task", 1)
    want = _want(state, last, names[:nodes], nodes, ranks, cpus_per_task)
    if "ntasks" in said and nodes < ranks < nodes * per_node:
        warnings.append(
            f"srun: Warning: can't honor --ntasks-per-node set to {per_node} which doesn't match the requested tasks "
            f"{ranks} with the number of requested nodes {nodes}. Ignoring --ntasks-per-node."
        )
        per_node = 0
    asked = Asked(program, ranks, want)
    asked.per_node, asked.warnings = per_node, warnings
    asked.cpus_per_task, asked.cpus_said = cpus_per_task, "cpus-per-task" in said
    _flags(asked, values, last)
    _gpus(state, asked, last, said)
    asked.environment = _environment(last.get("export", "ALL"))
    return asked


_NUMBERS = ("ntasks", "cpus-per-task", "ntasks-per-node", "gpus-per-task", "relative")


def _names(state: State, last: dict[str, str]) -> list[str]:
    """Return the nodes that are named."""
    word = last.get("nodelist", "")
    if "/" in word:
        try:
            with open(word, encoding="utf-8") as file:
                word = ",".join(file.read().split())
        except OSError:
            raise Refusal("srun: error: Invalid node list specification") from None
    job = state.settings["job"]
    problem = f"srun: error: Unable to create step for job {job}: Requested node configuration is not available"
    try:
        names = parse_hostlist(word) if word else []
        excluded = set(parse_hostlist(last["exclude"])) if "exclude" in last else set()
    except ValueError:
        raise Refusal(problem) from None
    if excluded:
        names = [name for name in names or state.names if name not in excluded]
    if "relative" in last:
        names = state.names[_number(last["relative"], "relative") :]
    return sorted(dict.fromkeys(names), key=lambda name: state.index.get(name, -1))


def _want(state: State, last: dict[str, str], names: list[str], nodes: int, ranks: int, cpus_per_task: int) -> Want:
    """Return what a step claims: without --exact all that its nodes have, with --overlap nothing."""
    job = state.settings["job"]
    cpus, memory = state.number("cpus"), state.number("memory")
    needed = -(-ranks // nodes) * cpus_per_task
    if needed > cpus:
        raise Refusal(f"srun: error: Unable to create step for job {job}: More processors requested than permitted")
    exact = "exact" in last
    if "mem" in last:
        claimed = _size(last["mem"], "mem")
    elif "mem-per-cpu" in last:
        claimed = _size(last["mem-per-cpu"], "mem-per-cpu") * needed
    else:
        claimed = memory
    if "overlap" in last:
        return Want(nodes, names)
    return Want(nodes, names, cpus=needed if exact else cpus, memory=claimed if memory else 0)


def _flags(asked: Asked, values: dict[str, list[str]], last: dict[str, str]) -> None:
    asked.label = "label" in values
    asked.immediate = "immediate" in values
    asked.no_kill = "no-kill" in values
    asked.quiet = "quiet" in values
    asked.kills_on_bad_exit = last.get("kill-on-bad-exit", "0") != "0"
    asked.stdin = last.get("input", "all")
    if asked.stdin not in {"all", "none"} and not asked.stdin.isdigit():
        raise Refusal("srun: the testbed emulates --input=all, none and the number of a task")
    asked.cwd = last.get("chdir")
    if "time" in last:
        asked.limit = _minutes(last["time"])


def _gpus(state: State, asked: Asked, last: dict[str, str], said: dict[str, int]) -> None:
    asked.gpus_per_task = said.get("gpus-per-task", 0)
    asked.gpus_per_node = (
        _number(last["gpus-per-node"].rpartition(":")[2], "gpus-per-node") if "gpus-per-node" in last else 0
    )
    asked.gpus = _number(last["gpus"].rpartition(":")[2], "gpus") if "gpus" in last else 0
    if last.get("gres", "").startswith("gpu"):
        asked.gpus_per_node = _number(last["gres"].rpartition(":")[2], "gres")
    on_node = max(asked.gpus_per_node, -(-asked.gpus // asked.want.count))
    on_node = max(on_node, asked.gpus_per_task * -(-asked.ranks // asked.want.count))
    if on_node > state.number("gpus"):
        if not state.number("gpus"):
            raise Refusal("srun: error: Invalid generic resource (gres) specification")
        job = state.settings["job"]
        raise Refusal(
            f"srun: error: Unable to create step for job {job}: Invalid generic resource (gres) specification"
        )


def _environment(export: str) -> dict[str, str]:
    """Return what ranks inherit: everything, nothing but Slurm's own, or what is named."""
    words = export.split(",")
    kept = (
        dict(os.environ)
        if words[0] == "ALL"
        else {name: value for name, value in os.environ.items() if name.startswith("SLURM_") or name in words}
    )
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            kept[name] = value
    return kept


def _inherited(name: str) -> int:
    word = os.environ.get(name, "")
    return int(word) if word.isdigit() else 0


def _number(word: str, key: str) -> int:
    if not (word.isascii() and word.isdigit()):
        raise Refusal(f'srun: error: Invalid numeric value "{word}" for --{key}.')
    return int(word)


def _size(word: str, key: str) -> int:
    number = word.rstrip("KMGTBkmgtb")
    if not (number.isascii() and number.isdigit()):
        raise Refusal(f"srun: error: Invalid --{key} specification")
    unit = word[len(number) :][:1].upper() or "M"
    return int(number) << {"K": 10, "M": 20, "G": 30, "T": 40}[unit]


def _minutes(word: str) -> float:
    """Return the seconds of `M`, `M:S`, `H:M:S`, `D-H`, `D-H:M` or `D-H:M:S`."""
    days, dash, rest = word.rpartition("-")
    parts = rest.split(":")
    if not all(part.isdigit() for part in (*parts, days or "0")) or len(parts) > 3:  # noqa: PLR2004
        raise Refusal("srun: error: Invalid --time specification")
    numbers = [int(part) for part in parts]
    if dash or len(parts) == 3:  # noqa: PLR2004
        hours, minutes, seconds = (*numbers, 0, 0, 0)[:3]
    else:
        hours, minutes, seconds = 0, *(*numbers, 0)[:2]
    return float(int(days or 0) * 86400 + hours * 3600 + minutes * 60 + seconds)
