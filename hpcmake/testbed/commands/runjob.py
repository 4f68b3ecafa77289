"""runjob, as on a Blue Gene/Q: a booted block, or a part of it, and a colon before the program.

Owns the words of runjob.  Knows nothing of how ranks are run.
"""

from __future__ import annotations

import os
import time

from .blocks import find_block, parse_shape
from .face import Face, Rank, Step, exit_status, find_program, parse_options
from .refusal import Refusal
from .state import Want

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .face import Outcome
    from .refusal import Unclaimed

KNOWN = {
    "--block": "block",
    **dict.fromkeys(("-n", "--np"), "ranks"),
    **dict.fromkeys(("-p", "--ranks-per-node"), "per node"),
    **dict.fromkeys(("--envs", "--env"), "environment"),
    **dict.fromkeys(("--exp-env", "--exp_env"), "exported"),
    **dict.fromkeys(("--cwd",), "cwd"),
    "--corner": "corner",
    "--shape": "shape",
    "--timeout": "timeout",
    **dict.fromkeys(("--stdinrank",), "stdin"),
    **dict.fromkeys(("--verbose", "--mapping", "--strace", "--location", "--host"), "no effect"),
}
FLAGS = {
    **dict.fromkeys(("--env-all", "--env_all"), "all"),
    **dict.fromkeys(("--label",), "label"),
    **dict.fromkeys(("--raise",), "no effect"),
}
MOST_RANKS, MOST_PART = 64, 512


class Runjob(Face):
    """runjob on a block of the job."""

    name = "runjob"
    passed = ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2")

    def parse(self, argv: list[str]) -> Step:
        """Return what was asked for.  Raises Refusal."""
        if ":" not in argv:
            raise self._fatal("the program stands behind a colon: runjob [options] : PROGRAM [ARGUMENT …]")
        at = argv.index(":")
        values, rest = parse_options("runjob", argv[:at], KNOWN, FLAGS)
        program = argv[at + 1 :]
        if rest or not program:
            raise self._fatal("no program to run" if not program else f"unexpected argument: {rest[0]}")
        last = {key: each[-1] for key, each in values.items()}
        self.per_node = self._number(last.get("per node", "1"), "--ranks-per-node")
        if self.per_node & (self.per_node - 1) or self.per_node > MOST_RANKS:
            raise self._fatal(f"invalid ranks per node: {self.per_node} (1, 2, 4, 8, 16, 32 or 64)")
        block = last.get("block") or os.environ.get("COBALT_PARTNAME", "")
        nodes = find_block(self.state, block)
        if nodes is None:
            raise self._fatal(f"block '{block}' does not exist")
        if block not in self.state.marked("booted"):
            raise Refusal(
                self._line("could not start job: block is not ready"),
                self._line(f"block '{block}' with status Free is not ready to run jobs"),
            )
        if "corner" in last or "shape" in last:
            nodes = self._part(nodes, last)
        room = len(nodes) * self.per_node
        self.count = self._number(last["ranks"], "--np") if "ranks" in last else room
        if self.count > room:
            raise self._fatal(f"{self.count} ranks do not fit {len(nodes)} nodes of {self.per_node} ranks each")
        self.argv = [find_program(program[0], os.environ.get("PATH", os.defpath)) or program[0], *program[1:]]
        self.environment = self._environment(values)
        step = Step(Want(len(nodes), nodes, cpus=1, whole=True), None)
        step.cwd = last.get("cwd")
        step.limit = float(self._number(last["timeout"], "--timeout")) if "timeout" in last else 0.0
        step.labelled = step.relayed = "label" in values
        if "stdin" in last:
            step.stdin = last["stdin"]
        return step

    def _part(self, nodes: list[str], last: dict[str, str]) -> list[str]:
        """Return the nodes of a part of a block.  Raises Refusal."""
        size = parse_shape(last.get("shape", ""))
        if not size or "corner" not in last:
            raise self._fatal("a part of a block is said by --corner and --shape AxBxCxDxE together")
        if len(nodes) > MOST_PART:
            raise self._fatal(f"parts are of a block of at most {MOST_PART} nodes; this one has {len(nodes)}")
        if last["corner"] not in nodes:
            raise self._fatal(f"corner {last['corner']} is not in the block")
        at = nodes.index(last["corner"])
        if at % size:
            raise self._fatal(f"corner {last['corner']} is not the corner of a part of shape {last['shape']}")
        return nodes[at : at + size]

    def _environment(self, values: dict[str, list[str]]) -> dict[str, str]:
        """Return what ranks see: of the caller's environment only what is named."""
        kept = dict(os.environ) if "all" in values else {}
        for word in values.get("exported", ()):
            kept.update({name: os.environ[name] for name in word.split(",") if name in os.environ})
        for word in values.get("environment", ()):
            name, _, value = word.partition("=")
            kept[name] = value
        return kept

    def _number(self, word: str, option: str) -> int:
        if not (word.isascii() and word.isdigit()) or int(word) < 1:
            raise self._fatal(f"invalid value for {option}: {word}")
        return int(word)

    def _line(self, text: str) -> str:
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        return f"{when}.000 (FATAL) [0x40000000000] {os.getpid()}:ibm.runjob.client.Job: {text}"

    def _fatal(self, text: str) -> Refusal:
        return Refusal(self._line(text))  # the frame is IBM's, the words are ours

    def place(self, step: Step, names: list[str], number: int) -> list[Rank]:
        """Return the ranks."""
        ranks = []
        for rank in range(self.count):
            node, local = divmod(rank, self.per_node)
            ranks.append(Rank(rank, local, names[node], self.argv, self.environment))
        return ranks

    def refuse(self, reason: Unclaimed, step: Step) -> Refusal:
        """Return why no job starts."""
        if reason.why == "busy":
            return self._fatal("could not start job: nodes are in use by another job")
        return self._fatal("could not start job: nodes are not available")

    def fail(self, number: int) -> Refusal:
        """Return what is told of a launch that the machine could not make (the text was seen on a real machine)."""
        block = os.environ.get("COBALT_PARTNAME", "")
        return Refusal(
            self._line("could not start job: block definition is invalid"),
            self._line(f"block '{block}' with status Initialized is not ready to run jobs"),
        )

    def ended(self, outcome: Outcome) -> tuple[list[str], list[str], int]:
        """Return what runjob says at the end; the words are ours."""
        failed = outcome.failed()
        if not failed:
            return [], [], 0
        first = next((rank for rank in failed if rank.status not in {-15, -9}), failed[0])
        status = first.status or 0
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        err = [self._line(f"terminated by {how} from rank {first.number}")]
        return [], err, exit_status(status)
