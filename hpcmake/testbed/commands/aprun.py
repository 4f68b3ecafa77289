"""aprun, as on a Cray XC with ALPS: its options, its limits and its texts.

Owns the words of aprun and apsched.  Knows nothing of how ranks are run.

Of its options those that place ranks count; binding, NUMA placement and core specialisation are taken, and have no
effect.  Texts that no documentation gives are marked as ours.
"""

from __future__ import annotations

import os
import time

from .face import Face, Rank, Step, exit_status, find_program, parse_options
from .node_ids import parse_node_ids
from .refusal import Refusal
from .state import Want

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .face import Outcome
    from .refusal import Unclaimed

MOST = 1000
FIRST_APID = 9_226_245

SIGNALS = {
    1: "Hangup",
    2: "Interrupt",
    3: "Quit",
    4: "Illegal instruction",
    6: "Aborted",
    7: "Bus error",
    8: "Floating point exception",
    9: "Killed",
    11: "Segmentation fault",
    13: "Broken pipe",
    14: "Alarm clock",
    15: "Terminated",
}
"""Signals in the words of `strsignal`."""

KNOWN = {
    **dict.fromkeys(("-n", "--pes"), "ranks"),
    **dict.fromkeys(("-N", "--pes-per-node"), "per node"),
    **dict.fromkeys(("-d", "--cpus-per-pe"), "depth"),
    **dict.fromkeys(("-j", "--cpus-per-cu"), "threads"),
    **dict.fromkeys(("-m", "--memory-per-pe"), "memory"),
    **dict.fromkeys(("-L", "--node-list"), "nodes"),
    **dict.fromkeys(("-l", "--node-list-file"), "node file"),
    **dict.fromkeys(("-E", "--exclude-node-list"), "not nodes"),
    "--exclude-node-list-file": "not node file",
    **dict.fromkeys(("-e", "--environment-override", "--env"), "environment"),
    **dict.fromkeys(("-t", "--cpu-time-limit"), "cpu time"),
    **dict.fromkeys(("-cc", "--cpu-binding", "-cp", "--cpu-binding-file", "-F", "--access-mode"), "no effect"),
    **dict.fromkeys(("-S", "--pes-per-numa-node", "-sn", "--numa-nodes-per-node", "-sl", "-r"), "no effect"),
    **dict.fromkeys(("--specialized-cpus", "-p", "--protection-domain", "-D", "--debug", "-a"), "no effect"),
}
FLAGS = {
    **dict.fromkeys(("-q", "--quiet", "--silent"), "quiet"),
    **dict.fromkeys(("-b", "--bypass-app-transfer"), "bypass"),
    **dict.fromkeys(("-B", "--batch-args"), "batch"),
    **dict.fromkeys(("-ss", "--strict-memory-containment", "-T", "--sync-output"), "no effect"),
    **dict.fromkeys(("-C", "--reconnect", "-z", "--zone-sort"), "no effect"),
}


class Program:
    """One program of a call: its ranks, where they go, and its words."""

    def __init__(self, argv: list[str], ranks: int, per_node: int) -> None:
        self.argv = argv
        self.ranks = ranks
        self.per_node = per_node

    @property
    def nodes(self) -> int:
        """How many nodes it takes."""
        return -(-self.ranks // self.per_node)


class Aprun(Face):
    """aprun on the reservation of a Cobalt job."""

    name = "aprun"
    passed = ("HUP", "INT", "QUIT", "TERM", "ABRT", "USR1", "USR2", "URG", "WINCH")
    ignored = ("PIPE", "TTIN")
    quiet = False
    depth = 1

    # ------------------------------------------------------------ what is asked for

    def parse(self, argv: list[str]) -> Step:
        """Return what was asked for.  Raises Refusal."""
        parts: list[list[str]] = [[]]
        for word in argv:
            if word == ":":
                parts.append([])
            else:
                parts[-1].append(word)
        self.environment: dict[str, str] = {}
        self.cpu_time = 0
        self.cpus = self.memory = 0
        names: list[str] = []
        excluded: set[str] = set()
        self.programs = [self._parse_program(part, names, excluded) for part in parts]
        count = sum(program.nodes for program in self.programs)
        chosen = [name for name in names or self.state.names if name not in excluded]
        if excluded and not names:
            names = chosen = [name for name in chosen if name not in self.state.marked("down")]
        want = Want(count, chosen[:count] if names else (), cpus=self.cpus, memory=self.memory, whole=True, most=MOST)
        if names and len(chosen) < count:
            want = Want(len(self.state.names) + 1)
        return Step(want, None)

    def _parse_program(self, part: list[str], names: list[str], excluded: set[str]) -> Program:
        values, argv = parse_options("aprun", part, KNOWN, FLAGS)
        if not argv:
            raise Refusal("aprun: no executable specified", "Usage: aprun [global_options] [command_options] cmd1")
        one = {key: self._number(each[-1], key) for key, each in values.items() if key in _NUMBERS}
        self.quiet = self.quiet or "quiet" in values
        for word in values.get("environment", ()):
            name, equals, value = word.partition("=")
            if not equals:
                raise Refusal(f"aprun: -e requires VARNAME=value format: {word}")  # ours
            self.environment[name] = value
        if "batch" in values and {"ranks", "per node", "depth", "memory"} & set(values):
            raise Refusal("aprun: -B may not be used with -n, -N, -d, or -m")  # ours
        threads = min(one.get("threads", 1) or self.state.number("threads"), self.state.number("threads"))
        cpus = self.state.number("cores") * threads
        self.depth = one.get("depth", 1)
        ranks = one.get("ranks", 1)
        if "batch" in values:  # the reservation of a Cobalt job has one rank a node
            ranks, one["per node"] = len(self.state.names), 1
        per_node = min(one.get("per node", max(1, cpus // self.depth)), ranks)
        if "memory" in values:
            self.memory = max(self.memory, per_node * self._size(values["memory"][-1]))
        self.cpu_time = max(self.cpu_time, one.get("cpu time", 0))
        self.cpus = max(self.cpus, per_node * self.depth)
        if per_node * self.depth > cpus:
            raise Refusal("apsched: claim exceeds reservation's CPUs")
        for key, target in (("nodes", names), ("not nodes", excluded)):
            for word in values.get(key, ()):
                self._add(target, word)
        for key, target in (("node file", names), ("not node file", excluded)):
            for path in values.get(key, ()):
                self._add(target, self._read(path))
        return Program(self._program(argv, bypass="bypass" in values), ranks, per_node)

    def _add(self, target: list[str] | set[str], word: str) -> None:
        try:
            found = [f"nid{number:05}" for number in parse_node_ids(word)]
        except ValueError:
            raise Refusal(f"aprun: node list syntax error: {word}") from None  # ours
        if isinstance(target, set):
            target.update(found)
        else:
            target += [name for name in found if name not in target]

    def _read(self, path: str) -> str:
        try:
            with open(path, encoding="ascii") as file:
                return ",".join(file.read().split())
        except (OSError, UnicodeDecodeError):
            raise Refusal(f"aprun: unable to open node list file {path}") from None  # ours

    def _number(self, word: str, key: str) -> int:
        least = 0 if key in {"threads", "cpu time"} else 1
        if not (word.isascii() and word.isdigit()) or int(word) < least:
            raise Refusal(f"aprun: invalid {key} argument: {word}")  # ours
        return int(word)

    def _size(self, word: str) -> int:
        number = word.rstrip("hs").rstrip("KMGkmg")
        if not (number.isascii() and number.isdigit()):
            raise Refusal(f"aprun: invalid memory argument: {word}")  # ours
        factor = {"K": 1 << 10, "G": 1 << 30}.get(word[len(number) :][:1].upper(), 1 << 20)
        return int(number) * factor

    def _program(self, argv: list[str], *, bypass: bool) -> list[str]:
        found = find_program(argv[0], os.environ.get("PATH", os.defpath))
        if found is None and not bypass:
            raise Refusal(f"aprun: file {argv[0]} not found")  # ours
        return [found or argv[0], *argv[1:]]

    # ------------------------------------------------------------ where it goes

    def place(self, step: Step, names: list[str], number: int) -> list[Rank]:
        """Return the ranks: a node is filled before the next one."""
        self.apid = FIRST_APID + number
        self.names = names
        ranks: list[Rank] = []
        first = 0
        inherited = {**os.environ, **self.environment, "ALPS_APP_DEPTH": str(self.depth), "ALPS_APP_ID": str(self.apid)}
        for program in self.programs:
            for each in range(program.ranks):
                node, local = divmod(each, program.per_node)
                environment = {
                    **inherited,
                    "ALPS_APP_PE": str(len(ranks)),
                    "PMI_FORK_RANK": str(len(ranks)),
                }
                ranks.append(Rank(len(ranks), local, names[first + node], program.argv, environment))
            first += program.nodes
        return ranks

    # ------------------------------------------------------------ what is told

    def refuse(self, reason: Unclaimed, step: Step) -> Refusal:
        """Return what apsched says."""
        if reason.why == "most":
            return Refusal(f"apsched: no more claims allowed for this reservation (max {MOST})")
        what = {"cpus": "CPUs", "memory": "memory"}.get(reason.why, "node-count")
        return Refusal(f"apsched: claim exceeds reservation's {what}")

    def fail(self, number: int) -> Refusal:
        """Return what is told of a launch that ALPS could not make."""
        close = "aprun: Unexpected close of the apsys control connection"
        return Refusal(close, "aprun: Exiting due to errors. Application aborted")

    def ends_others(self, rank: Rank) -> bool:
        """Tell whether ALPS ends the other ranks: where a signal has ended one."""
        return (rank.status or 0) < 0

    def ended(self, outcome: Outcome) -> tuple[list[str], list[str], int]:
        """Return what aprun says at the end."""
        failed = outcome.failed()
        out: list[str] = []
        err: list[str] = []
        killed = [rank for rank in failed if (rank.status or 0) < 0]
        cause = next((rank for rank in killed if rank.status != -_TERM), killed[0] if killed else None)
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        for name in outcome.lost:
            nid = name.removeprefix("nid")
            why = f"killed. Received node failed or halted event for nid {int(nid)}"
            err.append(f"[NID {nid}] {when} Apid {self.apid}: {why}")
        if cause is not None and outcome.ended_by == "rank" and not outcome.lost:
            nid = cause.node.removeprefix("nid")
            date = time.strftime("%a %b %d %H:%M:%S %Y")
            word = SIGNALS.get(-(cause.status or 0), f"Unknown signal {-(cause.status or 0)}")
            place = f"[NID {nid}] [{_cname(int(nid))}] [{date}]"
            err.append(f"_pmiu_daemon(SIGCHLD): {place} PE RANK {cause.number} exit signal {word}")
            if len(outcome.ranks) > 1:
                err.append(f"[NID {nid}] {when} Apid {self.apid}: initiated application termination")
        codes = sorted({rank.status or 0 for rank in failed if (rank.status or 0) > 0})
        if codes:
            out.append(f"Application {self.apid} exit codes: {', '.join(map(str, codes))}")
        if killed:
            words = dict.fromkeys(SIGNALS.get(-(r.status or 0), f"Unknown signal {-(r.status or 0)}") for r in killed)
            out.append(f"Application {self.apid} exit signals: {', '.join(words)}")
        out.append(f"Application {self.apid} resources: {_resources(outcome.ranks)}")
        status = exit_status((cause or failed[0]).status) if failed else 0
        return [] if self.quiet else out, err, status  # what nodes say is not aprun's own

    def unstarted(self, rank: Rank, problem: OSError) -> tuple[tuple[str, ...], int]:
        """Return what a node says that cannot start a program."""
        nid = rank.node.removeprefix("nid")
        text = os.strerror(problem.errno or 0)
        return ((f"[NID {nid}] Exec {rank.argv[0]} failed: {text}",), 127)  # ours, but for the status


_TERM = 15
_NUMBERS = {"ranks", "per node", "depth", "threads", "cpu time"}


def _resources(ranks: Sequence[Rank]) -> str:
    user, system, _, read, written = (sum(rank.usage[at] for rank in ranks) for at in range(5))
    most = max((rank.usage[2] for rank in ranks), default=0)
    return f"utime ~{user:.0f}s, stime ~{system:.0f}s, Rss ~{most}, inblocks ~{read:.0f}, outblocks ~{written:.0f}"


def _cname(nid: int) -> str:
    """Return where a node is: cabinet, chassis, slot and node, counted up."""
    return f"c{nid // 192 % 12}-{nid // 2304}c{nid // 64 % 3}s{nid // 4 % 16}n{nid % 4}"
