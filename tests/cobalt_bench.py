"""A Cobalt without processes: its queue with a clock that is set, scripts that only last, and a shell that asks it.

`Bench` is the server of the captures in tests/captures/cobalt; `Bench.shell` runs a line of them.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from typing import TYPE_CHECKING

from hpcmake.site import Site
from hpcmake.testbed.queue.cobalt import Cobalt, cobalt_jobs
from hpcmake.testbed.queue.cobalt_jobs import CobaltJob, CobaltQueue
from hpcmake.testbed.queue.core import Queue
from hpcmake.testbed.queue.nouns import Answer, Kill, Request, Signal, Start, Write
from hpcmake.testbed.queue.serve import append

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1795347872.25
HOME = "/home/alice/campaign"
HOUR = 3600.0

QUEUES = (
    CobaltQueue("default", longest=6 * HOUR, running=10, queued=20),
    CobaltQueue("debug-cache-quad", (), 300.0, HOUR, 1, 2, 8, nodes=16),
    CobaltQueue("R.fixture", ("bob",)),
    CobaltQueue("draining", state="draining"),
    CobaltQueue("deadq", state="dead"),
    CobaltQueue("stopq", state="stopped"),
)
"""Those of the server that was captured."""

SCRIPTS = {
    "ok.sh": "#!/bin/bash\nenv | sort\n",
    "fail.sh": "#!/bin/bash\nexit 3\n",
    "sleep.sh": "#!/bin/bash\nsleep $1\n",
    "trap0.sh": "#!/bin/bash\ntrap 'exit 0' TERM\n",
    "segv.sh": "#!/bin/bash\nkill -SEGV $$\n",
    "badinterp.sh": "#!/no/such/program\n",
    "directives.sh": (
        "#!/bin/bash\n#COBALT -n 2 -t 10\n#COBALT -A ExtremeProject -q default\n"
        "#COBALT --jobname chain_$jobid -O out_$jobid\n#COBALT --env MYVAR=1:OTHER=a\\:b\n\n#COBALT -t 99\n"
    ),
    "noexec.sh": "#!/bin/bash\n",
}
"""What the captures submit, as far as it is read."""

LOGIN = {"USER": "alice", "PATH": "/usr/local/bin:/usr/bin:/bin"}

_ASKERS = r"""
ask() { printf '%s\0' "$#" "$@" >&3; read -r status <&4; cat "$ANSWERS/out"; cat "$ANSWERS/err" >&2; return "$status"; }
for name in qsub qstat qdel qhold qrls qalter qmove qselect sleep; do eval "$name() { ask $name \"\$@\"; }"; done
"""


class Captured(Cobalt):
    """The server of the captures: its numbers begin at 1, and it looks around every two seconds."""

    first = 1
    prologue = 3.0
    cycle = 2.0

    def __init__(self, site: Site, count: int) -> None:
        super().__init__(site, count)
        self.queues = {queue.name: queue for queue in QUEUES}


class Real(Cobalt):
    """Cobalt with the pace that it has, and small numbers."""

    first = 1


class Bench:
    """A server, its clock, and what users type; `lasts` are seconds of a script that does not say them."""

    def __init__(self, folder: Path, site: Site | None = None, *, nodes: int = 16, slow: float = 0.0) -> None:
        self.home = str(folder)
        self.user = "alice"
        self.lasts = 20.0
        self.slow = slow
        """Seconds that the machine takes to notice the end of a script, beside the cycles of the queue."""
        self.site = site or Site("fixture", "cobalt", "mpiexec")
        self.cobalt = (Captured if site is None else Real)(self.site, nodes)
        self.queue = Queue(self.cobalt, [f"node{at + 1:02}" for at in range(nodes)], now=NOW)
        self.now = NOW
        self.commands = 0.25
        """Seconds that a command takes."""
        self.is_down = False
        self.signals: list[tuple[int, int]] = []
        self.killed: list[int] = []
        self.write(*SCRIPTS)

    def write(self, *names: str) -> None:
        """Write scripts."""
        for name in names:
            path = os.path.join(self.home, name)
            if os.path.exists(path):
                continue
            with open(path, "w", encoding="utf-8") as file:
                file.write(SCRIPTS.get(name, "#!/bin/bash\n"))
            os.chmod(path, 0o644 if name == "noexec.sh" else 0o755)

    # ------------------------------------------------------------ time

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while (due := self.queue.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.queue.advance(self.now)
            self._act()
        self.now = end
        self.queue.advance(end)
        self._act()

    def _act(self) -> None:
        while self.queue.effects:
            effects, self.queue.effects = self.queue.effects, []
            for effect in effects:
                if isinstance(effect, Start):
                    self._start(self.job(effect.number))
                elif isinstance(effect, Signal):
                    self.signals.append((effect.number, effect.signal))
                    if self.job(effect.number).argv[0].endswith("trap0.sh"):
                        append(Write(self.job(effect.number).stdout, "got TERM, exiting 0\n"))
                        self._end_later(effect.number, 0)
                    elif not self.job(effect.number).argv[0].endswith("stubborn.sh"):
                        self._end_later(effect.number, -effect.signal)
                elif isinstance(effect, Kill):
                    self.killed.append(effect.number)
                    self.end(effect.number, -9)
                else:
                    append(effect)

    def _start(self, job: CobaltJob) -> None:
        name, *words = os.path.basename(job.argv[0]), *job.argv[1:]
        seconds = float(words[0]) if words and words[0].replace(".", "").isdigit() else self.lasts
        status = {"fail.sh": 3, "segv.sh": -11, "badinterp.sh": 127}.get(name, 0)
        for path in (job.stdout, job.stderr):
            append(Write(path, "", create=True))
        if name == "trap0.sh":
            append(Write(job.stdout, "started\n"))
            seconds = HOUR
        elif name == "fail.sh":
            append(Write(job.stderr, "failing\n"))
        elif name in {"segv.sh", "badinterp.sh"}:
            seconds = 22.0 if name == "segv.sh" else 0.0
            append(Write(job.stderr, "" if name == "segv.sh" else "[Errno 2] No such file or directory\n"))
        elif name == "ok.sh":
            append(Write(job.stdout, self._environment(job)))
        self.queue.at(self.queue.now + seconds + self.slow, lambda: self.end(job.number, status))

    def _environment(self, job: CobaltJob) -> str:
        start, end = int(job.started or 0), int(job.end or 0)
        around = {
            "COBALT_STARTTIME": str(start),
            "COBALT_ENDTIME": str(end),
            "COBALT_PARTNAME": job.hosts[0],
            "COBALT_PARTSIZE": str(len(job.hosts)),
            "COBALT_NODEFILE": f"/var/tmp/cobalt.{job.number}",
            "COBALT_JOBSIZE": str(job.procs),
            **job.variables,
            "HOME": "/home/alice",
            "PATH": f"{LOGIN['PATH']}:/usr/local/games:/usr/games",
            "PWD": job.cwd,
            "SHELL": "/bin/bash",
            **dict.fromkeys(("LOGNAME", "USER"), "alice"),
        }
        lines = [f"hello from job {job.number}", *(f"{name}={around[name]}" for name in sorted(around))]
        return "\n".join([*lines, "nodefile:", *job.hosts]) + "\n"

    def _end_later(self, number: int, status: int) -> None:
        self.queue.at(self.queue.now + self.slow, lambda: self.end(number, status))

    def end(self, number: int, status: int) -> None:
        """Let the script of a job end."""
        self.queue.ended(number, status, max(self.now, self.queue.now))

    def job(self, number: int) -> CobaltJob:
        """Return a job of the queue."""
        return next(job for job in cobalt_jobs(self.queue) if job.number == number)

    def states(self) -> dict[int, str]:
        """Return the state of each job of the queue."""
        return {job.number: job.state for job in cobalt_jobs(self.queue)}

    def text(self, name: str) -> str:
        """Return the text of a file."""
        with open(os.path.join(self.home, name), encoding="utf-8") as file:
            return file.read()

    # ------------------------------------------------------------ users

    def ask(self, name: str, *argv: str, more: dict[str, str] | None = None) -> Answer:
        """Run a command of Cobalt."""
        self.wait(self.commands)
        request = Request(name, argv, self.home, self.user, {**LOGIN, **(more or {})})
        answer = self.cobalt.down(request) if self.is_down else self.queue.ask(request, self.now)
        self._act()
        self.wait(answer.after)
        return answer

    def sub(self, *argv: str) -> int:
        """Submit a script of one node and ten minutes, or what else is said, that must be taken; return its id."""
        words = argv if any(word.endswith(".sh") for word in argv) else (*argv, "sleep.sh")
        answer = self.ask("qsub", "-n", "1", "-t", "10", *words)
        assert (answer.err, answer.status) == ("", 0)
        return int(answer.out)

    def shell(self, line: str) -> Answer:
        """Run a line of shell in which the commands of Cobalt ask this server, and `sleep` lets its clock go on."""
        place = os.path.join(self.home, os.pardir, "answers")
        os.makedirs(place, exist_ok=True)
        (asked, ask), (told, tell) = _pipe(), _pipe()
        script = f"exec 3>&{ask} 4<&{told} {ask}>&- {told}<&-\n{_ASKERS}{line.replace(HOME, self.home)}\n"
        shell = subprocess.Popen(
            ["/bin/bash", "-c", script],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "ANSWERS": place, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(ask, told),
            text=True,
        )
        os.close(ask)
        os.close(told)
        with open(asked, "rb", buffering=0) as requests, open(tell, "w", encoding="utf-8") as statuses:
            heard = b""
            while piece := requests.read(1 << 16):
                heard += piece
                words = heard.split(b"\0")
                if len(words) - 1 <= int(words[0] or 0) or not heard.endswith(b"\0"):
                    continue
                heard = b""
                name, *argv = (word.decode() for word in words[1:-1])
                if name == "sleep":
                    self.wait(max(1.0, float(argv[0])))
                answer = Answer() if name == "sleep" else self.ask(name, *argv)
                for kind, text in (("out", answer.out), ("err", answer.err)):
                    with open(os.path.join(place, kind), "w", encoding="utf-8") as file:
                        file.write(text)
                statuses.write(f"{answer.status}\n")
                statuses.flush()
        out, err = shell.communicate(timeout=60)
        return Answer(out, err, shell.returncode)


def _pipe() -> tuple[int, int]:
    """Return a pipe whose numbers are not those that a shell is told to use."""
    ends = os.pipe()
    found = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends)
    for end in ends:
        os.close(end)
    return found[0], found[1]


# ---------------------------------------------------------------- captures


class Block:
    """A line of a capture, and its answer."""

    def __init__(self, line: str, out: str, err: str, status: int) -> None:
        self.line = line
        self.answer = Answer(out, err, status)


_BLOCK = re.compile(
    r"^\$ (?P<line>.*)\n\[stdout\]\n(?P<out>(?:.*\n)*?)\[stderr\]\n(?P<err>(?:.*\n)*?)\[exit\] (?P<status>\d+)\n",
    re.MULTILINE,
)


def read_captures() -> list[tuple[str, list[Block]]]:
    """Return the captures, each with its blocks, in their order."""
    folder = os.path.join(os.path.dirname(__file__), "captures", "cobalt")
    found = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        blocks = [Block(each["line"], each["out"], each["err"], int(each["status"])) for each in _BLOCK.finditer(text)]
        found.append((name, blocks))
    return found
