"""mpiexec of MPICH and its kin (Hydra), as on Cooley: files of hosts, ranks dealt out in turn.

Owns the words of Hydra.  Knows nothing of how ranks are run.
"""

from __future__ import annotations

import os

from .face import ALL, FIRST, NOBODY, Face, Rank, Step, exit_status, find_program, parse_options
from .hosts import parse_hosts, read_hosts
from .refusal import Refusal
from .state import Want

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .face import Outcome
    from .refusal import Unclaimed

KNOWN = {
    **dict.fromkeys(("-n", "-np", "--np"), "ranks"),
    **dict.fromkeys(("-ppn", "--ppn", "-perhost"), "per node"),
    **dict.fromkeys(("-hosts", "--hosts", "-host", "--host"), "hosts"),
    **dict.fromkeys(("-f", "-hostfile", "--hostfile", "-machinefile", "--machinefile"), "hostfile"),
    **dict.fromkeys(("-wdir", "--wdir"), "cwd"),
    **dict.fromkeys(("-s", "--stdin"), "stdin"),
    **dict.fromkeys(("-bind-to", "--bind-to", "-map-by", "--map-by", "-launcher", "--launcher", "-rmk"), "no effect"),
    **dict.fromkeys(("-iface", "-envlist", "-genvlist", "-pmi-port"), "no effect"),
}
FLAGS = {
    **dict.fromkeys(("-l", "-prepend-rank", "--prepend-rank"), "label"),
    **dict.fromkeys(("-disable-auto-cleanup", "--disable-auto-cleanup"), "lasting"),
    **dict.fromkeys(("-envall", "-genvall", "-v", "-verbose", "-disable-hostname-propagation"), "no effect"),
}


class Hydra(Face):
    """mpiexec of MPICH on the hosts of a job; nothing keeps two of them from sharing a host."""

    name = "mpiexec"
    lasting = False

    def parse(self, argv: list[str]) -> Step:
        """Return what was asked for.  Raises Refusal."""
        if argv in (["--version"], ["-version"], ["-info"]):
            raise Refusal(status=0, out=("HYDRA build details, emulated:", "    Version: 4.0"))
        self.environment: dict[str, str] = {}
        step = Step(Want(0), None)
        parts: list[list[str]] = [[]]
        for word in argv:
            if word == ":":
                parts.append([])
            else:
                parts[-1].append(word)
        self.parts: list[tuple[int, list[str]]] = []
        self.per_node = 0
        hosts: list[str] = []
        for part in parts:
            values, program = parse_options("mpiexec", self._pairs(part), KNOWN, FLAGS)
            if not program:
                raise Refusal(
                    "[mpiexec] no executable provided", "", "Usage: ./mpiexec [global opts] [exec opts]", status=255
                )
            last = {key: each[-1] for key, each in values.items()}
            self.parts.append((self._number(last.get("ranks", "1"), "-n"), program))
            if "per node" in last:
                self.per_node = self._number(last["per node"], "-ppn")
            hosts = parse_hosts(last["hosts"]) if "hosts" in last else hosts
            hosts = read_hosts("[mpiexec]", last["hostfile"]) if "hostfile" in last else hosts
            step.labelled = step.relayed = step.labelled or "label" in values
            self.lasting = self.lasting or "lasting" in values
            step.cwd = last.get("cwd", step.cwd)
            step.stdin = {"all": ALL, "none": NOBODY, "0": FIRST}.get(last.get("stdin", "0"), last.get("stdin", "0"))
            step.relayed = step.relayed or step.stdin == ALL
        self.hosts = [self._known(name) for name in hosts] or list(self._default())
        total = sum(ranks for ranks, _ in self.parts)
        step.want = Want(0, list(dict.fromkeys(self._host_of(rank) for rank in range(total))))
        return step

    def _pairs(self, part: list[str]) -> list[str]:
        """Take out the options with two values, `-env NAME VALUE` and `-genv`."""
        rest = []
        words = iter(part)
        for word in words:
            if word in {"-env", "--env", "-genv", "--genv"}:
                name = next(words, "")
                self.environment[name] = next(words, "")
                continue
            rest.append(word)
            if not word.startswith("-"):
                before = rest[-2] if len(rest) > 1 else ""
                if before not in KNOWN:
                    break
        return [*rest, *words]

    def _default(self) -> list[str]:
        """Return the hosts where none are named: the first node, as Hydra knows nothing of Cobalt."""
        return self.state.names[:1]

    def _known(self, name: str) -> str:
        return name if name in self.state.index else name.partition(".")[0]

    def _number(self, word: str, option: str) -> int:
        if not (word.isascii() and word.isdigit()) or int(word) < 1:
            raise Refusal(f"[mpiexec] invalid value for {option}: {word}", status=255)  # ours
        return int(word)

    def _host_of(self, rank: int) -> str:
        if self.per_node:
            once = list(dict.fromkeys(self.hosts))
            return once[rank // self.per_node % len(once)]
        return self.hosts[rank % len(self.hosts)]

    def place(self, step: Step, names: list[str], number: int) -> list[Rank]:
        """Return the ranks: hosts are dealt out in turn, as often as each has slots."""
        ranks: list[Rank] = []
        total = sum(count for count, _ in self.parts)
        there = [self._host_of(rank) for rank in range(total)]
        path = os.environ.get("PATH", os.defpath)
        for count, program in self.parts:
            argv = [find_program(program[0], path) or program[0], *program[1:]]
            for _ in range(count):
                rank = len(ranks)
                local = there[:rank].count(there[rank])
                environment = {
                    **os.environ,
                    **self.environment,
                    **self._rank_environment(rank, local, total, there.count(there[rank])),
                }
                ranks.append(Rank(rank, local, there[rank], argv, environment))
        return ranks

    def _rank_environment(self, rank: int, local: int, total: int, on_node: int) -> dict[str, str]:
        return {
            "PMI_RANK": str(rank),
            "PMI_SIZE": str(total),
            "MPI_LOCALRANKID": str(local),
            "MPI_LOCALNRANKS": str(on_node),
        }

    def refuse(self, reason: Unclaimed, step: Step) -> Refusal:
        """Return why nothing is launched."""
        name = reason.names[0] if reason.names else "?"
        if reason.why == "absent":
            return Refusal(f"ssh: Could not resolve hostname {name}: Name or service not known", status=255)
        return Refusal(f"ssh: connect to host {name} port 22: No route to host", status=255)

    def fail(self, number: int) -> Refusal:
        """Return what is told of a launch that the machine could not make."""
        name = self.hosts[0]
        return Refusal(f"ssh: connect to host {name} port 22: Connection timed out", status=255)

    def unstarted(self, rank: Rank, problem: OSError) -> tuple[tuple[str, ...], int]:
        """Return what a proxy says of a program that it cannot start."""
        text = os.strerror(problem.errno or 0)
        return ((f"[proxy:0:0@{rank.node}] HYDU_create_process: execvp error on file {rank.argv[0]} ({text})",), 255)

    def ends_others(self, rank: Rank) -> bool:
        """Tell whether the others are ended since this one was."""
        return bool(rank.status) and not self.lasting

    def ended(self, outcome: Outcome) -> tuple[list[str], list[str], int]:
        """Return what mpiexec says at the end."""
        failed = outcome.failed()
        if not failed:
            return [], [], 0
        first = next((rank for rank in failed if rank.status not in {-15, -9}), failed[0])
        status = exit_status(first.status)
        shown = -(first.status or 0) if (first.status or 0) < 0 else first.status
        bar = "=" * 83
        lines = [
            "",
            bar,
            "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES",
            f"=   PID {first.pid} RUNNING AT {first.node}",
            f"=   EXIT CODE: {shown}",
            "=   CLEANING UP REMAINING PROCESSES",
            "=   YOU CAN IGNORE THE BELOW CLEANUP MESSAGES",
            bar,
        ]
        return lines, [], status
