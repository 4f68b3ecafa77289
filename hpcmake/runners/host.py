"""The machine of the script: the shells of tasks with nodes, and whatever follows a run, are started there.

Owns its node program, how `{launch}` becomes words, and what is done when a launcher has failed and not the task.
Knows nothing of which nodes a task gets.
"""

from __future__ import annotations

import os
import shlex
from math import inf

from hpcmake.model import LAUNCH, Lost, Resources
from hpcmake.runners.launch_faults import find_fault
from hpcmake.runners.rows import ABOUT_ATTEMPTS, render_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.model import Attempt, Ended
    from hpcmake.runners.allocation import AllocationRunner
    from hpcmake.runners.channels import Channel
    from hpcmake.runners.work import Work

_SHELL = Resources()
_TRIES = 6  # launches of one attempt that do not start; after that it is the attempt's own affair
_NUMBERS = 8  # numbers that an attempt has here, one for each try
_LONGEST_PAUSE = 60.0
_TAIL = 8192  # bytes of output in which a launcher's last words are looked for


class Host:
    """The node program on the machine of the script; `spread` gives the words that start a task on given nodes."""

    def __init__(
        self,
        runner: AllocationRunner,
        channel: Channel,
        name: str,
        spread: Callable[[Resources, Sequence[str]], Sequence[str]],
    ) -> None:
        self.channel = channel
        self._place = (channel, 0)
        self._runner = runner
        self._logs = f"{runner.logs}/{name}"
        self._spread = spread
        self._later: list[tuple[float, Work]] = []
        """Tasks whose launcher has failed, and when it is tried again."""

    def spread(self, work: Work, nodes: tuple[int, ...]) -> None:
        """Start a task that has nodes for itself: its shell runs here, its ranks there."""
        attempt = work.attempt
        work.nodes = nodes
        words = list(self._spread(attempt.resources, self._names(work)))
        text = " ".join(shlex.quote(word) for word in words)
        argv = None
        if attempt.argv is not None:
            spelled = [new for word in attempt.argv for new in (words if word == LAUNCH else [word])]
            argv = tuple(word.replace(LAUNCH, text) for word in spelled)
        script, post = attempt.script.replace(LAUNCH, text), attempt.post.replace(LAUNCH, text)
        env = {"OMP_NUM_THREADS": str(attempt.resources.cores_per_rank), **attempt.env}
        self.run(work, attempt.replace(argv=argv, script=script, post=post, env=env))

    def _names(self, work: Work) -> list[str]:
        return [self._runner.placement.nodes[number].spot.name for number in work.nodes]

    def _where(self, work: Work) -> str:
        if not work.nodes:
            return ""
        from hpcmake.runners.notation import render_hostlist

        return render_hostlist(self._names(work))

    def run(self, work: Work, part: Attempt) -> None:
        """Start an attempt, or what is left of it."""
        # the node program runs no number twice, and this may be another try at the same attempt
        work.number = part.id * _NUMBERS + work.faults
        # whether its failure stops the run is known only when it was no fault of its launcher
        work.part = part.replace(id=work.number, resources=_SHELL.replace(time=part.resources.time), holds=False)
        work.place = self._place
        work.told = self._runner.doors.now()
        self.channel.say(0, ["more", render_row(work.part)])

    def hear(self) -> None:
        """Take what it says."""
        runner = self._runner
        now = runner.doors.now()
        for _, row in self.channel.read():
            if len(row) > 1 and type(row[1]) is int and row[0] in ABOUT_ATTEMPTS:
                number, row[1] = row[1], row[1] // _NUMBERS
                work = runner.works.get(row[1])
                if work is not None and work.number == number:
                    runner.take(row, self._place, now, node=self._where(work), logs=self._logs)
        if self.channel.ended:
            text = self.channel.last_words() or f"the process that runs tasks ended with status {self.channel.status}"
            runner.abandon()
            runner.events_ready.append(Lost(text))

    # ------------------------------------------------------------ launchers that fail

    def excuse(self, work: Work, ended: Ended) -> bool:
        """Return whether an attempt has ended through its launcher, and will be seen to; it has not failed then."""
        runner = self._runner
        if runner.stop_why or ended.why != "exit" or ended.log is None:
            return False
        fault = find_fault(_read_end(ended.log), self._names(work))
        if fault is None or (fault.why == "launcher" and (ended.status == 0 or work.faults >= _TRIES)):
            return False
        if fault.why == "node":
            # srun may say so, and end with status 0
            numbers = [number for number in work.nodes if runner.placement.nodes[number].spot.name in fault.nodes]
            runner.members.lose(numbers, fault.text)
            runner.members.free([work], ended.wall)
            return True
        work.faults += 1
        pause = min(_LONGEST_PAUSE, 2.0 ** (work.faults - 1))
        if work.faults == 1:
            runner.note(f"the launcher of {work.attempt.task} has failed ({fault.text}); it is tried again")
        self._later.append((runner.doors.now() + pause, work))
        work.place = None
        return True

    def wake(self) -> float:
        """Return when to look at the latest."""
        return min((when for when, _ in self._later), default=inf)

    def look(self, now: float) -> None:
        """Launch again what is due."""
        due = [entry for entry in self._later if entry[0] <= now]
        for entry in due:
            self._later.remove(entry)
            work = entry[1]
            if work.attempt.id not in self._runner.works:
                continue
            self.spread(work, work.nodes)

    def take_later(self) -> list[Work]:
        """Return what waits for its launcher to be tried again, and wait no more."""
        later, self._later = self._later, []
        return [work for _, work in later]


def _read_end(log: tuple[str, int, int]) -> str:
    name, offset, length = log
    skip = max(0, length - _TAIL)
    try:
        with open(name, "rb", buffering=0) as file:
            return os.pread(file.fileno(), length - skip, offset + skip).decode("utf-8", "replace")
    except OSError:
        return ""
