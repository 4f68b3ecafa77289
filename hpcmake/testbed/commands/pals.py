"""mpiexec of HPE PALS, as on Polaris and Aurora: its options and how several share a node.

Owns the words of PALS.  Knows nothing of how ranks are run.
"""

from __future__ import annotations

import os

from .face import Face, Rank, Step, exit_status, find_program, parse_options
from .hosts import parse_hosts, read_hosts
from .refusal import Refusal
from .state import Want

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .face import Outcome
    from .refusal import Unclaimed

KNOWN = {
    **dict.fromkeys(("-n", "--np", "-np"), "ranks"),
    **dict.fromkeys(("--ppn", "-ppn", "-N"), "per node"),
    **dict.fromkeys(("--depth", "-d"), "depth"),
    **dict.fromkeys(("--hosts", "-hosts", "--host"), "hosts"),
    **dict.fromkeys(("--hostfile", "-hostfile", "-f"), "hostfile"),
    **dict.fromkeys(("--env", "-env", "-e"), "environment"),
    **dict.fromkeys(("--wdir", "-wdir", "--cwd"), "cwd"),
    **dict.fromkeys(("--cpu-bind", "-cc", "--mem-bind", "--gpu-bind", "--pmi", "--rlimits", "--umask"), "no effect"),
}
FLAGS = {
    **dict.fromkeys(("-l", "--label"), "label"),
    **dict.fromkeys(("--line-buffer", "--no-transfer", "--transfer", "-v", "--verbose", "-q", "--quiet"), "no effect"),
    **dict.fromkeys(("--no-abort-on-failure", "--abort-on-failure", "--no-cpu-bind"), "no effect"),
}


class Pals(Face):
    """mpiexec on the nodes of a PBS job; several may share a node."""

    name = "mpiexec"

    def parse(self, argv: list[str]) -> Step:
        """Return what was asked for.  Raises Refusal."""
        if argv == ["--version"]:
            raise Refusal(status=0, out=("mpiexec version 1.0 of PALS, emulated",))
        self.environment: dict[str, str] = {}
        parts: list[list[str]] = [[]]
        for word in argv:
            if word == ":":
                parts.append([])
            else:
                parts[-1].append(word)
        self.parts: list[tuple[int, list[str]]] = []
        self.per_node = 0
        names: list[str] = []
        step = Step(Want(0), None)
        for part in parts:
            values, program = parse_options("mpiexec", part, KNOWN, FLAGS)
            if not program:
                raise Refusal("mpiexec: no executable specified")  # ours
            last = {key: each[-1] for key, each in values.items()}
            self.parts.append((_number(last.get("ranks", "1"), "-n"), program))
            if "per node" in last:
                self.per_node = _number(last["per node"], "--ppn")
            if "hosts" in last:
                names = parse_hosts(last["hosts"])
            elif "hostfile" in last:
                names = read_hosts(self.name, last["hostfile"])
            for word in values.get("environment", ()):
                name, _, value = word.partition("=")
                self.environment[name] = value
            step.labelled = step.relayed = step.labelled or "label" in values
            step.cwd = last.get("cwd", step.cwd)
        total = sum(ranks for ranks, _ in self.parts)
        names = list(dict.fromkeys(self._short(name) for name in names)) or list(self.state.names)
        self.per_node = self.per_node or -(-total // len(names))
        count = -(-total // self.per_node)
        if count > len(names):
            raise Refusal(f"mpiexec: {total} ranks with {self.per_node} per node do not fit {len(names)} hosts")  # ours
        step.want = Want(count, names[:count])
        return step

    def _short(self, name: str) -> str:
        """Return the name of a node as the machine has it: with or without its domain."""
        return name if name in self.state.index else name.partition(".")[0]

    def place(self, step: Step, names: list[str], number: int) -> list[Rank]:
        """Return the ranks: a node is filled before the next one."""
        ranks: list[Rank] = []
        total = sum(count for count, _ in self.parts)
        apid = f"{number:08x}-0000-4000-8000-{int(self.state.settings['job']):012x}"
        path = os.environ.get("PATH", os.defpath)
        for count, program in self.parts:
            argv = [find_program(program[0], path) or program[0], *program[1:]]
            for _ in range(count):
                at, local = divmod(len(ranks), self.per_node)
                on_node = min(self.per_node, total - at * self.per_node)
                environment = {
                    **os.environ,
                    **self.environment,
                    "PALS_APID": apid,
                    "PALS_RANKID": str(len(ranks)),
                    "PALS_NODEID": str(at),
                    "PALS_LOCAL_RANKID": str(local),
                    "PALS_LOCAL_SIZE": str(on_node),
                    "PMI_RANK": str(len(ranks)),
                    "PMI_SIZE": str(total),
                    "PMI_LOCAL_RANK": str(local),
                    "PMI_LOCAL_SIZE": str(on_node),
                }
                ranks.append(Rank(len(ranks), local, names[at], argv, environment))
        return ranks

    def refuse(self, reason: Unclaimed, step: Step) -> Refusal:
        """Return why nothing is launched; the words are ours."""
        if reason.why == "down":
            return Refusal(f"mpiexec: node {reason.names[0]} is not available")
        return Refusal(f"mpiexec: host {reason.names[0] if reason.names else ''} is not in the job")

    def fail(self, number: int) -> Refusal:
        """Return what is told of a launch that the machine could not make; the words are ours."""
        return Refusal("mpiexec: launch failed: couldn't connect to the service on a node")

    def ended(self, outcome: Outcome) -> tuple[list[str], list[str], int]:
        """Return what mpiexec says at the end."""
        failed = outcome.failed()
        err = [f"{name}: node failure" for name in outcome.lost]  # ours
        for rank in failed:
            status = rank.status or 0
            if rank.node in outcome.lost:
                continue
            if status > 0:
                err.append(f"{rank.node}: rank {rank.number} exited with code {status}")
            else:
                err.append(f"{rank.node}: rank {rank.number} died from signal {-status}")
        first = next((rank for rank in failed if rank.status not in {-15, -9}), failed[0] if failed else None)
        return [], err, exit_status(first.status) if first else 0


def _number(word: str, option: str) -> int:
    if not (word.isascii() and word.isdigit()) or int(word) < 1:
        raise Refusal(f"mpiexec: invalid value for {option}: {word}")  # ours
    return int(word)
