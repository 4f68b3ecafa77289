"""The attempts of a node: each starts when it fits, and is seen to its end.

Owns their life from the row to the answer.  Knows nothing of who sends them, nor of when that is looked for.
"""

import errno
import os
import signal
import time

from .ends import find_stamps, render_end
from .inputs import Inputs
from .kin import Kin, send
from .output import Outputs
from .past import Past
from .programs import Environments, Programs
from .room import Room
from .slots import Slots
from .task import ASKED, KILLED, LATE, LINGERING, RETRY, RUNNING, UNSEEN, Task, encode
from .timers import Timers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .answers import Answers

LINGER = 0.25  # seconds in which what a task left behind may end by itself, as `> >(tee log)` in bash does
TRIES = 100  # how often a process for which the system has no room is started again …
PAUSE = 0.1  # … so many seconds apart
LOOK = 0.25  # seconds between two looks at outputs that do not show yet
NO_ROOM = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
UNKILLABLE = 2.0  # seconds between two tries, after which a process is left that waits for a dead disk
HELD = "forgotten"
UNFIT = "node"


class Attempts:
    """All that was handed out.  `start`: see `loop.Node`; `logs`: how names of logs begin; `scratch`: for scripts."""

    def __init__(self, start: "dict[str, Any]", answers: "Answers", logs: str, scratch: str) -> None:
        self.answers = answers
        self.up = time.monotonic()
        self.grace = start["grace"]
        self.room = Room(start["cores"], start["memory"], start["gpus"])
        self.slots = Slots(logs, scratch, shared=bool(start.get("spool")))
        spool = scratch if start.get("spool") else ""
        self.outputs = Outputs(logs + "out", spool, lambda text: answers.tell("w", text))
        self.inputs = Inputs(start.get("latency", 0.0), start.get("grain", 1))
        self.late = start.get("latency", 0.0) if start.get("distant") else 0.0
        self.programs = Programs()
        self.environments = Environments(start["mark"], start["gpus"], scrub=start["scrub"])
        self.kin = Kin(start["mark"])
        self.past = Past()
        self.timers = Timers()
        self.leaders: dict[int, Task] = {}
        self.closed = ""  # why nothing is begun any more; HELD: not before the driver knows of a failure
        self.unfit = False

    # ------------------------------------------------------------ before they begin

    def add(self, rows: "list[list[Any]]") -> None:
        """Queue attempts; those that were handed out before stay what they are."""
        for task in [Task(row) for row in rows]:
            if self.room.know(task.id):
                continue
            if self.closed:
                self.cut(task.id, self.closed, 0)
            else:
                self.room.queue(task)

    def forget(self, numbers: "list[int]") -> None:
        """Take back those that have not begun."""
        for number in numbers:
            if self.room.waiting.pop(number, None):
                self.cut(number, "forgotten", 0)

    def ask(self, numbers: "list[int]") -> None:
        """Answer once more for those that have ended, and that others are unknown; the rest will answer by itself."""
        for number in numbers:
            lines = self.past.find(number)
            if lines is not None:
                self.answers.add(lines)
            elif not self.room.knows(number):
                self.answers.say("u", number)
            elif number not in self.room.waiting and number not in self.room.running:
                self.answers.say("c", number, UNFIT, 0)  # how it ended is forgotten, and nobody shall wait for ever

    def close(self, why: str) -> None:
        """Begin nothing more."""
        self.closed = why if self.closed in ("", HELD) else self.closed
        for number in self.room.clear():
            self.cut(number, why, 0)

    def resume(self) -> None:
        """Begin what comes from now on, after the failure of an attempt that `holds`."""
        if self.closed == HELD:
            self.closed = ""

    def cut(self, number: int, why: str, elapsed: float) -> None:
        """Answer that an attempt was ended, or not begun, for a reason that is not its own."""
        line = f'["c",{number},"{why}",{elapsed}]\n'
        self.past.keep(number, line)
        self.answers.add(line)

    def condemn(self, text: str) -> None:
        """The machine is no good: tell so once, and begin nothing more.  What runs may end."""
        if not self.unfit:
            self.unfit = True
            self.answers.tell("n", text)
        self.close(UNFIT)
        for task in [task for task in self.room.running.values() if task.stage == RETRY]:
            task.cut = task.cut or UNFIT
            self.proceed(task)

    # ------------------------------------------------------------ the beginning

    def begin_all(self) -> None:
        """Start what fits, once it sees its inputs."""
        task = self.room.next()
        while task is not None:
            if task.stage == UNSEEN or not (task.needs and self.await_inputs(task)):
                self.begin(task)
            task = self.room.next()

    def begin(self, task: Task) -> None:
        """Start a task that fits."""
        task.stage = RUNNING
        task.began = time.monotonic()
        task.slot = self.slots.take()
        self.answers.add(f'["b",{task.id},{task.began - self.up:.6f}]\n')
        try:
            self.outputs.open(task)
            self.slots.make_folders(task)
            if task.log is not None:
                self.outputs.open_own(task)
        except OSError as error:
            why = "not a folder" if error.errno == errno.EEXIST else error.strerror
            self.fail(task, 1, f"hpcmake: {os.fsdecode(error.filename)}: {why}")
        else:
            words = self.inputs.see(task)
            if words:
                self.fail(task, 1, f"hpcmake: {words} (waited {self.inputs.latency:g} s)")
            else:
                self.launch(task)

    def await_inputs(self, task: Task) -> bool:
        """Set a task aside whose inputs do not show yet what they are; return whether it is."""
        when = self.inputs.find_next_look(task, time.monotonic())
        if when:
            task.stage = UNSEEN
            self.room.set_aside(task)
            self.look_again(task, when)
        return when > 0

    def look_for_inputs(self, task: Task) -> None:
        """Look again at inputs of a task that was set aside."""
        if task.id not in self.room.waiting:
            return  # it was taken back
        when = self.inputs.find_next_look(task, time.monotonic())
        if when:
            self.look_again(task, when)
        else:
            self.room.bring_back(task)

    def launch(self, task: Task) -> None:
        """Start the process of a task's run or post."""
        try:
            argv = compose_command(task)
        except OSError as error:
            self.on_bad_scratch(task, error)
            return
        if not argv:
            self.proceed(task)  # all that it makes is touched by the driver
            return
        try:
            task.pid = self.programs.start(argv, self.environments.make(task), task.log_fd)
        except OSError as error:
            self.on_refusal(task, os.fsdecode(argv[0]), error)
            return
        task.stage = RUNNING
        self.leaders[task.pid] = task
        if task.time is not None:
            self.look_again(task, task.began + task.time)

    def on_bad_scratch(self, task: Task, error: OSError) -> None:
        """The script cannot be written: no task is to blame for that."""
        if error.errno in NO_ROOM:
            self.try_later(task, error)
            return
        task.stage = RETRY
        self.condemn(f"{os.fsdecode(task.slot.script)}: {error.strerror}")

    def on_refusal(self, task: Task, program: str, error: OSError) -> None:
        """Try again later if the system has no room for a process; else fail as bash does."""
        if error.errno in NO_ROOM:
            self.try_later(task, error)
        elif error.errno == errno.ENOENT and "/" not in program:
            self.fail(task, 127, f"bash: {program}: command not found")
        else:
            self.fail(task, 127 if error.errno == errno.ENOENT else 126, f"bash: {program}: {error.strerror}")

    def try_later(self, task: Task, error: OSError) -> None:
        """Start a task again after a pause; after many, the machine is no good."""
        task.tries += 1
        task.stage = RETRY
        if task.tries < TRIES and not self.unfit:
            self.look_again(task, time.monotonic() + PAUSE)
        else:
            self.condemn(f"no room for another process: {error.strerror}, {task.tries} times")

    def fail(self, task: Task, status: int, text: str) -> None:
        """End a task that could not be started, and tell why in its log."""
        if not task.warn(text):
            self.answers.tell("w", text)
        task.status = status
        self.proceed(task)

    def look_again(self, task: Task, when: float) -> None:
        """Look at a task at a time, and not before."""
        self.timers.set(task, when, len(self.room.running) + len(self.room.waiting))

    # ------------------------------------------------------------ the end

    def reap(self) -> None:
        """Take note of all processes that have ended."""
        ended = []
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            task = self.leaders.pop(pid, None)
            if task is not None:
                task.status = -(status & 0x7F) or status >> 8
                task.cpu += usage.ru_utime + usage.ru_stime
                task.rss = max(task.rss, usage.ru_maxrss)
                ended.append(task)
        for task in ended:  # not before all are reaped: a zombie would count as one that is left
            if task.stage == RUNNING:
                if self.leaves(task):
                    task.stage = LINGERING
                    self.look_again(task, time.monotonic() + LINGER)
                else:
                    self.proceed(task)
        if len(self.leaders) < len(self.room.running):
            self.settle()

    def settle(self) -> None:
        """Go on with tasks of which the last process has ended."""
        for task in list(self.room.running.values()):
            gone = task.stage >= LINGERING and task.pid not in self.leaders and not self.leaves(task)
            if gone and (task.stage == LINGERING or task.id not in self.survey()):
                self.proceed(task)

    def leaves(self, task: Task) -> bool:
        """Return whether processes of a task are left after its first one has ended."""
        try:
            os.killpg(task.pid, 0)
        except OSError:  # there is none, or none that we may end
            orphans = self.kin.find_orphans(self.leaders, busy=bool(self.room.waiting))
            if not orphans:
                return False
            lost = [pid for pid, owner in orphans.items() if owner is not None and owner not in self.room.running]
            send(lost, signal.SIGKILL)
            return task.id in orphans.values()
        return True

    def survey(self) -> "dict[int | None, list[int]]":
        """Return the live processes of each task that runs, and under None what else descends from us."""
        return self.kin.survey(self.room.groups())

    def on_time(self) -> None:
        """Do what is due for tasks: a limit has passed, or processes did not end when they were asked."""
        now = time.monotonic()
        self.outputs.look(now, self.room.running.values())
        for task in self.timers.take(now):
            if task.stage < RUNNING:
                self.go_on(task)
                continue
            tree = self.survey().get(task.id, [])
            if not tree and task.pid not in self.leaders:
                self.proceed(task)
            elif task.stage >= ASKED:
                self.end(task, tree, "kill", now)
            else:
                if task.stage == RUNNING:
                    task.why = "time"
                else:
                    task.strays += len(tree)
                self.end(task, tree, "term", now)

    def go_on(self, task: Task) -> None:
        """Go on with a task that waits for this machine or its file system."""
        if task.stage == RETRY:
            self.launch(task)
        elif task.stage == UNSEEN:
            self.look_for_inputs(task)
        else:
            self.proceed(task)

    def due(self) -> float:
        """Return when something is due for tasks."""
        return min(self.timers.first(), self.outputs.due())

    def end(self, task: Task, tree: "list[int]", how: str, now: float) -> None:
        """End the processes of a task."""
        task.stage = ASKED if how == "term" else KILLED
        send(tree, signal.SIGTERM if how == "term" else signal.SIGKILL)
        self.look_again(task, now + (self.grace if how == "term" else PAUSE))

    def proceed(self, task: Task) -> None:
        """Go on when nothing of a task runs any more: to its post, or to its end."""
        now = time.monotonic()
        if task.stage != LATE:
            task.ended = now
        task.due, task.pid, task.stage = -1.0, 0, RUNNING
        if task.post and not task.in_post and task.succeeded():
            task.in_post = True
            self.launch(task)
            return
        if task.in_post and task.status and task.why == "exit":
            task.why = "post"
        if task.succeeded() and not find_stamps(task) and now < task.ended + self.late:
            task.stage = LATE  # where ranks on other nodes have made them, they may not show here yet
            self.look_again(task, min(now + LOOK, task.ended + self.late))
            return
        log = self.outputs.keep(task)
        if task.cut:
            self.cut(task.id, task.cut, 0 if task.cut == UNFIT else round(now - task.began, 6))
        else:
            if not task.succeeded():
                self.slots.doubt_folders()
            lines = render_end(task, log, self.up)
            self.past.keep(task.id, lines)
            self.answers.add(lines)
            if task.holds and (not task.succeeded() or (task.holds == 1 and task.lacks())):
                self.close(HELD)
        self.slots.give_back(task.slot)
        self.room.give_back(task)

    # ------------------------------------------------------------ the end of all

    def stop(self, how: str, why: str) -> None:
        """End all that runs."""
        self.close(why)
        self.closed = why
        trees = self.survey()
        now = time.monotonic()
        for task in list(self.room.running.values()):
            task.cut = task.cut or why
            if task.stage in (RETRY, LATE):
                self.proceed(task)
            elif how == "kill" or task.stage < ASKED:
                self.end(task, trees.get(task.id, []), how, now)

    def abandon(self) -> None:
        """Kill all that runs, and whatever descends from us; then let go of what we keep."""
        self.close("stop")
        pause = 0.001
        while pause < UNKILLABLE:
            # several nodes of one driver may share a machine, and what their tasks bear begins with the same mark
            trees = [tree for number, tree in self.survey().items() if number is None or self.room.knows(number)]
            if not trees and not self.leaders:
                break
            for tree in trees:
                send(tree, signal.SIGKILL)
            for task in self.room.running.values():
                task.cut = "stop"
            time.sleep(pause)
            pause *= 1.5
            self.reap()
        for task in self.room.running.values():
            self.outputs.keep(task)
        self.slots.close()
        self.outputs.close()


def compose_command(task: Task) -> "list[bytes]":
    """Return the words of a task's run or post, and write its script; nothing if it runs nothing.  Raises OSError."""
    if task.in_post:
        return [b"bash", task.slot.write_script(task.post)]
    if task.argv is not None:
        return [encode(word) for word in task.argv]
    if task.script:
        return [*(encode(word) for word in task.interpreter), task.slot.write_script(task.script)]
    return []
