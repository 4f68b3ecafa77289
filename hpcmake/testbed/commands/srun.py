"""srun inside the allocation of a Slurm job: its options, how steps share nodes, and its texts (those of Slurm 22.05).

Owns the words of srun and slurmstepd.  Knows nothing of how ranks are run.
"""

from __future__ import annotations

import os
import time

from .aprun import SIGNALS
from .face import ALL, FIRST, NOBODY, Face, Rank, Step, exit_status, find_program
from .node_ids import render_hostlist
from .refusal import Refusal
from .srun_words import Asked, parse_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .face import Outcome
    from .refusal import Unclaimed

REASONS = {
    "absent": "Requested node configuration is not available",
    "many": "Requested node configuration is not available",
    "cpus": "More processors requested than permitted",
    "memory": "Memory required by task is not available",
    "down": "Required node not available (down, drained or reserved)",
    "busy": "Requested nodes are busy",
}
"""Why a step is not created."""


class Srun(Face):
    """srun, which makes steps of a job."""

    name = "srun"
    passed = ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "CONT")
    busy = ("busy", "memory")  # Slurm 22.05 waits for memory that no node has, too
    asked: Asked

    def parse(self, argv: list[str]) -> Step:
        """Return what was asked for.  Raises Refusal."""
        self.asked = asked = parse_words(self.state, argv)
        step = Step(asked.want, None)
        step.relayed = True
        step.stays = True
        step.waits = not asked.immediate
        step.labelled = asked.label
        step.limit = asked.limit
        step.cwd = asked.cwd
        step.stdin = {"all": ALL, "none": NOBODY, "0": FIRST}.get(asked.stdin, asked.stdin)
        for line in asked.warnings:
            os.write(2, (line + "\n").encode("utf-8", "surrogateescape"))
        if step.cwd is not None and not os.path.isdir(step.cwd):
            text = f"couldn't chdir to `{step.cwd}': No such file or directory: going to /tmp instead"
            os.write(2, f"slurmstepd: error: {text}\n".encode("utf-8", "surrogateescape"))
            step.cwd = "/tmp"  # noqa: S108  # as Slurm does
        return step

    # ------------------------------------------------------------ where it goes

    def place(self, step: Step, names: list[str], number: int) -> list[Rank]:
        """Return the ranks: blocks of them, as even as they go; nodes get theirs in the order of the allocation."""
        asked = self.asked
        self.number = number - 1
        count = len(names)
        counts = [asked.ranks // count + (at < asked.ranks % count) for at in range(count)]
        if asked.per_node and asked.ranks <= asked.per_node * count:
            left = asked.ranks
            for at in range(count):
                counts[at] = min(asked.per_node, left)
                left -= counts[at]
        job = self.state.settings["job"]
        tasks = _repeated(counts)
        path = os.environ.get("PATH", os.defpath)
        found = find_program(asked.argv[0], path)
        argv = [found or asked.argv[0], *asked.argv[1:]]
        common = {
            **asked.environment,
            "SLURM_JOB_ID": job,
            "SLURM_JOBID": job,
            "SLURM_STEP_ID": str(self.number),
            "SLURM_STEPID": str(self.number),
            "SLURM_STEP_NODELIST": render_hostlist(names),
            "SLURM_STEP_NUM_NODES": str(count),
            "SLURM_STEP_NUM_TASKS": str(asked.ranks),
            "SLURM_STEP_TASKS_PER_NODE": tasks,
            "SLURM_TASKS_PER_NODE": tasks,
            "SLURM_NTASKS": str(asked.ranks),
            "SLURM_NPROCS": str(asked.ranks),
            "SLURM_NNODES": str(count),
            "SLURM_DISTRIBUTION": "block",
            "SLURM_LAUNCH_NODE_IPADDR": "127.0.0.1",
        }
        if asked.cpus_said:
            common["SLURM_CPUS_PER_TASK"] = str(asked.cpus_per_task)
        ranks: list[Rank] = []
        for node, name in enumerate(names):
            mine = range(len(ranks), len(ranks) + counts[node])
            for local, rank in enumerate(mine):
                environment = {
                    **common,
                    "SLURMD_NODENAME": name,
                    "SLURM_NODEID": str(node),
                    "SLURM_PROCID": str(rank),
                    "SLURM_LOCALID": str(local),
                    "SLURM_GTIDS": ",".join(map(str, mine)),
                    "SLURM_CPUS_ON_NODE": str(self.asked.want.cpus or self.state.number("cpus")),
                    **self._gpus(local, len(mine)),
                }
                ranks.append(Rank(rank, local, name, argv, environment))
        return ranks

    def _gpus(self, local: int, on_node: int) -> dict[str, str]:
        """Return what tells a rank its GPUs."""
        asked, most = self.asked, self.state.number("gpus")
        if asked.gpus_per_task:
            first = local * asked.gpus_per_task
            mine = range(first, min(first + asked.gpus_per_task, most))
        elif asked.gpus_per_node or asked.gpus:
            mine = range(min(most, asked.gpus_per_node or asked.gpus))
        else:
            return {}
        return {
            "CUDA_VISIBLE_DEVICES": ",".join(map(str, mine)),
            "SLURM_GPUS_ON_NODE": str(min(most, on_node * len(mine))),
        }

    # ------------------------------------------------------------ what is told

    def begun(self, number: int) -> list[str]:
        """Return what is told of a step that had to wait."""
        job = self.state.settings["job"]
        busy = f"srun: Job {job} step creation temporarily disabled, retrying (Requested nodes are busy)"
        return [busy, f"srun: Step created for job {job}"]

    def refuse(self, reason: Unclaimed, step: Step) -> Refusal:
        """Return why no step is created."""
        job = self.state.settings["job"]
        return Refusal(f"srun: error: Unable to create step for job {job}: {REASONS[reason.why]}")

    def fail(self, number: int) -> Refusal:
        """Return what is told where the controller does not answer."""
        job = self.state.settings["job"]
        why = "Unable to contact slurm controller (connect failure)"
        return Refusal(f"srun: error: Unable to create step for job {job}: {why}")

    def unstarted(self, rank: Rank, problem: OSError) -> tuple[tuple[str, ...], int]:
        """Return what slurmstepd says of a program that it cannot start; the status is the number of the error."""
        text = os.strerror(problem.errno or 0)
        line = f"slurmstepd-{rank.node}: error: execve(): {self.asked.argv[0]}: {text}"
        return ((line,), problem.errno or 1)

    def on_signal(self, name: str, *, again: bool, number: int, ranks: Sequence[Rank]) -> tuple[list[str], str]:
        """Return what is told of a signal, and what is sent: one Ctrl-C asks, a second one and others end the step."""
        ids = f"{self.state.settings['job']}.{self.number}" if ranks else ""
        if name == "INT" and not again:
            running = [str(rank.number) for rank in ranks if rank.status is None]
            plural = "s" if len(running) > 1 else ""
            first = "srun: interrupt (one more within 1 sec to abort)"
            return [first, f"srun: StepId={ids} task{plural} {','.join(running)}: running"], ""
        if name in {"USR1", "USR2", "CONT", "QUIT"}:
            return [], name
        lines = [f"srun: sending Ctrl-C to StepId={ids}"] if name == "INT" else []
        lines.append("srun: forcing job termination")
        if ranks:
            lines.append("srun: Job step aborted: Waiting up to 32 seconds for job step to finish.")
        self.cancelled, self.interrupted = True, name == "INT"
        return lines, "INT" if name == "INT" else "KILL"

    cancelled = interrupted = False

    def ends_others(self, rank: Rank) -> bool:
        """Tell whether Slurm ends the other tasks: only if it was told to."""
        return bool(rank.status) and self.asked.kills_on_bad_exit

    def ended(self, outcome: Outcome) -> tuple[list[str], list[str], int]:
        """Return what srun says at the end."""
        ids = f"{self.state.settings['job']}.{self.number}"
        failed = outcome.failed()
        err = [f"srun: error: Node failure on {name}" for name in outcome.lost]
        if self.asked.no_kill:
            failed = [rank for rank in failed if rank.node not in outcome.lost]
        told = [rank for rank in failed if rank.node not in outcome.lost]
        lines = [f"srun: error: {rank.node}: task {rank.number}: {_how(rank.status or 0)}" for rank in told]
        where = told[0].node if told else outcome.ranks[0].node
        cancelled = f"slurmstepd-{where}: error: *** STEP {ids} ON {where} CANCELLED AT {time.strftime(_DATE)}"
        if outcome.ended_by == "time":
            err += [f"{cancelled} DUE TO TIME LIMIT ***", *lines]
        elif self.interrupted:
            pass
        elif self.cancelled and told:
            err += [f"{cancelled} ***", *lines]
        elif outcome.ended_by == "rank" and told:
            cause = next((at for at, rank in enumerate(told) if rank.status not in _ENDED), 0)
            err += [lines.pop(cause), f"srun: launch/slurm: _step_signal: Terminating StepId={ids}"]
            err += [f"{cancelled} ***", *lines, f"srun: Force Terminated StepId={ids}"]
        else:
            killed = any(rank.status == -_KILL for rank in told)
            err += [*lines, *([f"srun: Force Terminated StepId={ids}"] if killed else [])]
        status = max((exit_status(rank.status) for rank in failed), default=0)
        return [], [] if self.asked.quiet else err, status


_DATE = "%Y-%m-%dT%H:%M:%S"
_KILL = 9
_ENDED = (-15, -_KILL)


def _how(status: int) -> str:
    if status < 0:
        core = " (core dumped)" if -status in {3, 4, 6, 7, 8, 11} else ""
        return SIGNALS.get(-status, f"Signal {-status}") + core
    return f"Exited with exit code {status}"


def _repeated(counts: Sequence[int]) -> str:
    """Return numbers as Slurm does: `2(x3),1`."""
    parts: list[list[int]] = []
    for count in counts:
        if parts and parts[-1][0] == count:
            parts[-1][1] += 1
        else:
            parts.append([count, 1])
    return ",".join(f"{count}(x{times})" if times > 1 else str(count) for count, times in parts)
