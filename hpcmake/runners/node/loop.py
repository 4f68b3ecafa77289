"""The loop of a node: hears the driver, starts what fits, and sees each task to its end.

Owns the life of attempts from their row to their answer.  Knows nothing of who sends them.
"""

import errno
import heapq
import json
import os
import select
import signal
import time

from .answers import Answers
from .kin import Kin, send
from .programs import Environments, Programs
from .room import Room
from .scratch import make_scratch, remove_scratch
from .stamps import find_stamp
from .task import ASKED, KILLED, LINGERING, RETRY, RUNNING, Slot, Task, encode, open_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LINGER = 0.25  # seconds in which what a task left behind may end by itself, as `> >(tee log)` in bash does
TRIES = 100  # how often a process for which the system has no room is started again …
PAUSE = 0.1  # … so many seconds apart
NO_ROOM = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
STAMPS_A_LINE = 20  # of up to 41 letters each
UNKILLABLE = 2.0  # seconds between two tries, after which a process is left that waits for a dead disk
KNOWN = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGQUIT}
NEVER = float("inf")
HELD = "forgotten"


class Node:
    """Runs what it is given.

    `start`: root, logs (folder), name (of this run's logs), mark, cores, memory (bytes; 0: not counted), gpus, grace
    (seconds between SIGTERM and SIGKILL), beat (seconds without a word after which the driver is dead; 0: for ever),
    scrub (whether to remove what a launcher left in the environment), encoding (of file names).
    """

    def __init__(self, start: "dict[str, Any]", inlet: int, outlet: int) -> None:
        self.inlet = inlet
        self.answers = Answers(outlet)
        self.up = self.heard = time.monotonic()
        self.grace, self.beat = start["grace"], start["beat"] or NEVER
        self.room = Room(start["cores"], start["memory"], start["gpus"])
        self.logs = "{}/{}.".format(start["logs"], start["name"])
        self.scratch = make_scratch()
        self.programs = Programs()
        self.environments = Environments(start["mark"], start["gpus"], scrub=start["scrub"])
        self.kin = Kin(start["mark"])
        self.leaders: dict[int, Task] = {}
        self.timers: list[tuple[float, int, Task]] = []
        self.slots: list[Slot] = []
        self.free_slots: list[Slot] = []
        self.folders: set[str] = set()  # that were made in the last second
        self.folders_until = 0.0
        self.part = b""
        self.closed = ""  # why nothing is begun any more; HELD: not before the driver knows of a failure
        self.over = False
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end)
        for number in KNOWN:
            signal.signal(number, lambda _number, _frame: None)  # a function, since tasks would inherit SIG_IGN
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        self.poll = select.poll()
        self.poll.register(inlet, select.POLLIN)
        self.poll.register(self.wake, select.POLLIN)
        self.poll.register(outlet, 0)

    def run(self) -> None:
        """Run until the driver closes stdin or is silent for too long, or SIGTERM came and all has ended."""
        self.answers.say("up", os.getpid(), os.uname()[1], self.scratch)
        self.answers.flush(now=True)
        while not self.over:
            self.wait()
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                when, _, task = heapq.heappop(self.timers)
                if task.due == when:
                    self.on_time(task, now)
            task_or_none = self.room.next()
            while task_or_none is not None:
                self.begin(task_or_none)
                task_or_none = self.room.next()
            self.answer()
            if now - self.heard > self.beat or (self.closed == "term" and not self.room.running):
                self.over = True

    def wait(self) -> None:
        """Wait until something happens or is due, and take it in."""
        until = min(self.timers[0][0] if self.timers else NEVER, self.heard + self.beat, self.answers.due() or NEVER)
        rest = None if until == NEVER else max(0.0, until - time.monotonic()) * 1000
        for fd, _ in self.poll.poll(rest):
            if fd == self.inlet:
                self.hear()
            elif fd == self.wake:
                if signal.SIGTERM in os.read(self.wake, 4096):
                    self.stop("term", "term")
                self.reap()

    def answer(self) -> None:
        """Send answers: at once if nothing waits to begin."""
        blocked = self.answers.blocked
        self.answers.flush(now=not self.room.waiting)
        if self.answers.blocked != blocked:
            self.poll.modify(self.answers.outlet, select.POLLOUT if self.answers.blocked else 0)
        self.over = self.over or self.answers.broken

    # ------------------------------------------------------------ what the driver says

    def hear(self) -> None:
        """Read what the driver wrote, and do it."""
        chunk = os.read(self.inlet, 1 << 20)
        self.over = not chunk
        self.heard = time.monotonic()
        lines = (self.part + chunk).split(b"\n")
        self.part = lines.pop()
        for line in lines:
            try:
                word, *rest = json.loads(line.decode())
                self.obey(word, rest)
            except (ValueError, TypeError, IndexError, KeyError) as error:  # noqa: PERF203  # torn on its way
                self.answers.say("w", f"not understood: {line[:80]!r} ({error!r})"[:300])

    def obey(self, word: str, rest: "list[Any]") -> None:
        """Do one thing that the driver says."""
        if word == "more":
            for task in [Task(row) for row in rest]:
                if self.room.know(task.id):
                    continue
                if self.closed:
                    self.answers.say("c", task.id, self.closed, 0)
                else:
                    self.room.queue(task)
        elif word == "forget":
            for number in rest:
                if self.room.waiting.pop(number, None):
                    self.answers.say("c", number, "forgotten", 0)
        elif word == "resume" and self.closed == HELD:
            self.closed = ""
        elif word == "drain":
            self.close("stop")
        elif word == "stop":
            self.stop(rest[0], "stop")

    # ------------------------------------------------------------ the beginning of a task

    def begin(self, task: Task) -> None:
        """Start a task that fits."""
        task.began = time.monotonic()
        if not self.free_slots:
            number = str(len(self.slots))
            self.slots.append(Slot(len(self.slots), self.logs + number, self.scratch + "/" + number))
            self.free_slots.append(self.slots[-1])
        task.slot = self.free_slots.pop()
        self.answers.add(f'["b",{task.id},{task.began - self.up:.6f}]\n')
        task.log_fd = task.slot.open_log()
        task.log_from = os.lseek(task.log_fd, 0, os.SEEK_END)
        try:
            self.make_folders(task)
            if task.log is not None:
                task.log_fd = open_log(encode(task.log))
                task.log_from = os.lseek(task.log_fd, 0, os.SEEK_END)
        except OSError as error:
            why = "not a folder" if error.errno == errno.EEXIST else error.strerror
            self.fail(task, 1, f"hpcmake: {os.fsdecode(error.filename)}: {why}")
        else:
            self.launch(task)

    def make_folders(self, task: Task) -> None:
        """Make the folders of a task; those of the last second are not looked at again.  Raises OSError."""
        if task.began > self.folders_until:
            self.folders.clear()
            self.folders_until = task.began + 1
        for folder in (*task.folders, os.path.dirname(task.log)) if task.log else task.folders:
            if folder and folder not in self.folders:
                os.makedirs(encode(folder), exist_ok=True)
                self.folders.add(folder)

    def launch(self, task: Task) -> None:
        """Start the process of a task's run or post."""
        program = "bash"
        try:
            if task.in_post:
                argv = [b"bash", task.slot.write_script(task.post)]
            elif task.argv is not None:
                argv = [encode(word) for word in task.argv]
            elif task.script:
                argv = [*(encode(word) for word in task.interpreter), task.slot.write_script(task.script)]
            else:
                self.proceed(task)  # all that it makes is touched by the driver
                return
            program = os.fsdecode(argv[0])
            task.pid = self.programs.start(argv, self.environments.make(task), task.log_fd)
        except OSError as error:
            self.on_refusal(task, program, error)
            return
        task.stage = RUNNING
        self.leaders[task.pid] = task
        if task.time is not None:
            self.set_timer(task, task.began + task.time)

    def on_refusal(self, task: Task, program: str, error: OSError) -> None:
        """Try again later if the system has no room for a process; else fail as bash does."""
        if error.errno in NO_ROOM:
            task.tries += 1
            task.stage = RETRY
            self.set_timer(task, time.monotonic() + PAUSE)
        elif error.errno == errno.ENOENT and "/" not in program:
            self.fail(task, 127, f"bash: {program}: command not found")
        else:
            self.fail(task, 127 if error.errno == errno.ENOENT else 126, f"bash: {program}: {error.strerror}")

    def fail(self, task: Task, status: int, text: str) -> None:
        """End a task that could not be started, and tell why in its log."""
        os.write(task.log_fd, encode(text + "\n"))
        task.status = status
        self.proceed(task)

    def set_timer(self, task: Task, when: float) -> None:
        """Look at a task again at a time; this replaces its earlier timer."""
        task.due = when
        if len(self.timers) > 64 + 4 * len(self.room.running):
            self.timers = [timer for timer in self.timers if timer[2].due == timer[0]]
            heapq.heapify(self.timers)
        heapq.heappush(self.timers, (when, task.id, task))

    # ------------------------------------------------------------ the end of a task

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
                    self.set_timer(task, time.monotonic() + LINGER)
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

    def on_time(self, task: Task, now: float) -> None:
        """Do what is due for a task: its limit has passed, or its processes did not end when they were asked."""
        if task.stage == RETRY:
            if task.tries < TRIES:
                self.launch(task)
            else:
                task.cut = "launcher"
                self.proceed(task)
            return
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

    def end(self, task: Task, tree: "list[int]", how: str, now: float) -> None:
        """End the processes of a task."""
        task.stage = ASKED if how == "term" else KILLED
        send(tree, signal.SIGTERM if how == "term" else signal.SIGKILL)
        self.set_timer(task, now + (self.grace if how == "term" else PAUSE))

    def proceed(self, task: Task) -> None:
        """Go on when nothing of a task runs any more: to its post, or to its end."""
        task.due, task.pid, task.stage = -1.0, 0, RUNNING
        if task.post and not task.in_post and task.succeeded():
            task.in_post = True
            self.launch(task)
            return
        if task.in_post and task.status and task.why == "exit":
            task.why = "post"
        now = time.monotonic()
        if task.cut:
            self.answers.say("c", task.id, task.cut, round(now - task.began, 6))
        else:
            if not task.succeeded():
                self.folders.clear()  # perhaps one was removed
            self.tell_end(task, now)
            if task.holds and (task.lacks or not task.succeeded()):
                self.close(HELD)
        if task.log_fd != task.slot.log_fd:
            os.close(task.log_fd)
        self.free_slots.append(task.slot)
        self.room.give_back(task)

    def find_stamps(self, task: Task) -> str:
        """Return the last stamps of what a task has made, and answer those for which the last line has no place."""
        stamps: list[str] = []
        for path in task.outputs:
            if len(stamps) == STAMPS_A_LINE:
                self.answers.add(f'["s",{task.id}{"".join(stamps)}]\n')
                stamps = []
            stamp = find_stamp(path)
            task.lacks = task.lacks or stamp is None
            stamps.append(f",{stamp[0]},{stamp[1]}" if stamp else ",null,null")
        return "".join(stamps)

    def tell_end(self, task: Task, now: float) -> None:
        """Answer how a task ended, and what it has made."""
        stamps = self.find_stamps(task) if task.succeeded() else ""
        status = task.status or (-signal.SIGTERM if task.why == "time" else 0)
        length = os.lseek(task.log_fd, 0, os.SEEK_END) - task.log_from
        number = task.slot.number if task.log_fd == task.slot.log_fd else -1
        log = f"[{number},{task.log_from},{length}]" if length > 0 else "0"
        times = f"{now - task.began:.6f},{task.cpu:.6f},{task.rss << 10},{now - self.up:.6f}"
        self.answers.add(f'["e",{task.id},{status:d},"{task.why}",{times},{log},{task.strays}{stamps}]\n')

    # ------------------------------------------------------------ the end of all

    def close(self, why: str) -> None:
        """Begin nothing more."""
        self.closed = why if self.closed in ("", HELD) else self.closed
        for number in self.room.clear():
            self.answers.say("c", number, why, 0)

    def stop(self, how: str, why: str) -> None:
        """End all that runs."""
        self.close(why)
        self.closed = why
        trees = self.survey()
        now = time.monotonic()
        for task in list(self.room.running.values()):
            task.cut = task.cut or why
            if task.stage == RETRY:
                self.proceed(task)
            elif how == "kill" or task.stage < ASKED:
                self.end(task, trees.get(task.id, []), how, now)

    def abandon(self) -> None:
        """Kill all that runs, and whatever descends from us; then remove what we keep."""
        self.close("stop")
        pause = 0.001
        while pause < UNKILLABLE:
            trees = self.survey()
            if not trees and not self.leaders:
                break
            for tree in trees.values():
                send(tree, signal.SIGKILL)
            for task in self.room.running.values():
                task.cut = "stop"
            time.sleep(pause)
            pause *= 1.5
            self.reap()
        for slot in self.slots:
            slot.close()
        remove_scratch(self.scratch)
