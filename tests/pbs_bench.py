"""A PBS without processes: its queue with a clock that is set, scripts that only last, and a shell that asks it.

`Bench` is the server of the captures in tests/captures/pbs; `Bench.shell` runs a line of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import TYPE_CHECKING

from hpcmake.site import Queue as SiteQueue
from hpcmake.site import Site
from hpcmake.testbed.queue.core import Queue
from hpcmake.testbed.queue.nouns import Answer, Kill, Request, Signal, Start, Write
from hpcmake.testbed.queue.pbs import Pbs
from hpcmake.testbed.queue.pbs_queues import PbsQueue
from hpcmake.testbed.queue.pbs_rules import PbsJob

if TYPE_CHECKING:
    from pathlib import Path

NOW = time.mktime((2026, 11, 22, 12, 4, 11, 0, 0, -1))
HOUR = 3600
NODES = tuple(f"nid[{at}]" for at in range(4))

QUEUES = (
    PbsQueue("workq"),
    PbsQueue("debug", (1, 2), (300, HOUR), (("user", 3),), (("user", 1),)),
    PbsQueue("stopq", started=False),
    PbsQueue("closed", enabled=False),
    PbsQueue("small", (1, 2), (0, 3 * HOUR), routed=True),
    PbsQueue("large", (3, 4), (0, 24 * HOUR), routed=True),
    PbsQueue("prod", routes=("small", "large")),
)
"""Those of the server that was captured."""

SCRIPTS = {"ok.sh": "env; sleep $T", "fail.sh": "sleep $T; exit 3", "sleep.sh": "sleep $T"}

LOGIN = {
    "LOGNAME": "carol",
    "PATH": "/opt/pbs/bin:/opt/pbs/sbin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    "SHELL": "/bin/bash",
    "TZ": "UTC",
}

_ASKERS = r"""
ask() { printf '%s\0' "$#" "$@" >&3; read -r status <&4; cat "$ANSWERS/out"; cat "$ANSWERS/err" >&2; return "$status"; }
for name in qsub qstat qdel qhold qrls qalter qmove qselect sleep; do eval "$name() { ask $name \"\$@\"; }"; done
"""


class Captured(Pbs):
    """The server of the captures."""

    first = 0
    server = "pbs01"

    def queues(self) -> tuple[PbsQueue, ...]:
        return QUEUES


class OfSite(Pbs):
    """A server of a site, with small numbers."""

    first = 1
    server = "pbs01"


class Bench:
    """A server, its clock, and what its users type; `lasts` are seconds of a script where no `T` says them."""

    def __init__(self, folder: Path, site: Site | None = None, *, nodes: int = 4, hurry: float = 1) -> None:
        self.home = str(folder)
        self.user = "carol"
        self.lasts = 3.0
        kind = Captured if site is None else OfSite
        self.site = site or Site("pbs01", "pbs", "mpiexec")
        self.pbs = kind(self.site, nodes)
        names = NODES if nodes == len(NODES) else tuple(f"n{at}" for at in range(nodes))
        self.queue = Queue(self.pbs, names, now=NOW, speed=hurry, hurry=hurry)
        self.now = NOW
        self.effects: list[object] = []
        for name, text in SCRIPTS.items():
            (folder / name).write_text(f"#!/bin/bash\n{text}\n")

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
            self.effects += effects
            for effect in effects:
                if isinstance(effect, Start):
                    self._start(self.job(effect.number))
                elif isinstance(effect, Write):
                    with open(effect.path, "a", encoding="utf-8") as file:
                        file.write(effect.text)
                elif isinstance(effect, Signal | Kill):
                    self.end(effect.number, -(effect.signal if isinstance(effect, Signal) else 9))

    def _start(self, job: PbsJob) -> None:
        machine = None
        around = job.environment | dict(self.pbs.variables(job, machine, nodefile="/var/spool/pbs/aux/file"))  # type: ignore[arg-type]
        lasts = float(around.get("T") or self.lasts)
        for path in (job.stdout, job.stderr):
            if os.path.isdir(os.path.dirname(path)):
                open(path, "a", encoding="utf-8").close()
        if "env;" in job.script:
            with open(job.stdout, "a", encoding="utf-8") as file:
                shown = [
                    f"{name}={around[name]}" for name in sorted(around) if name.startswith(("PBS", "NCPUS", "OMP"))
                ]
                hosts = [self.pbs.server for _ in job.hosts]
                file.write("\n".join([f"hello from {around['PBS_JOBID']}", *shown, "nodefile:", *hosts, ""]))
        if job.argv[:1] == ["/bin/sleep"]:
            lasts = float(job.argv[1])
        status = 3 if "exit 3" in job.script else -11 if "SEGV" in job.script else 0
        self.queue.at(self.queue.now + lasts, lambda: self.end(job.number, status))

    def end(self, number: int, status: int) -> None:
        """Let the script of a job end."""
        self.queue.ended(number, status, self.now)

    def job(self, number: int) -> PbsJob:
        """Return a job, in the queue or in the history."""
        return self.pbs.book.known[number]

    # ------------------------------------------------------------ users

    def ask(self, name: str, *argv: str, stdin: str | None = None, more: dict[str, str] | None = None) -> Answer:
        """Run a command of PBS; it takes a hundredth of a second."""
        self.wait(0.01)
        around = {"HOME": self.home, **LOGIN, **(more or {})}
        request = Request(name, argv, self.home, self.user, around, stdin)
        answer = self.queue.ask(request, self.now)
        self._act()
        self.wait(0)
        if answer.wants_stdin and stdin is None:
            return self.ask(name, *argv, stdin="", more=more)
        return answer

    def sub(self, *argv: str, script: str = "sleep.sh") -> str:
        """Submit a script that must be taken; return its id."""
        answer = self.ask("qsub", *argv, script)
        assert (answer.err, answer.status) == ("", 0)
        return answer.out.strip()

    def states(self) -> dict[str, str]:
        """Return the state of each job, those that have ended too."""
        return {self.pbs.book.full_id(number): job.state for number, job in self.pbs.book.known.items()}

    def shell(self, line: str) -> Answer:
        """Run a line of shell in which the commands of PBS ask this server, and `sleep` lets its clock go on."""
        place = os.path.join(self.home, os.pardir, "answers")
        os.makedirs(place, exist_ok=True)
        asked, ask = os.pipe()
        told, tell = os.pipe()
        script = f"exec 3>&{ask} 4<&{told} {ask}>&- {told}<&-\n{_ASKERS}{line}\n"
        shell = subprocess.Popen(
            ["/bin/bash", "-c", script],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "ANSWERS": place},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(ask, told),
            text=True,
        )
        os.close(ask)
        os.close(told)
        with open(asked, "rb") as requests, open(tell, "w", encoding="utf-8") as statuses:
            heard = b""
            while piece := requests.read1(1 << 16):  # type: ignore[attr-defined]
                heard += piece
                words = heard.split(b"\0")
                if len(words) - 1 <= int(words[0] or 0) or not heard.endswith(b"\0"):
                    continue
                heard = b""
                name, *argv = (word.decode() for word in words[1:-1])
                answer = Answer() if name == "sleep" else self.ask(name, *argv)
                if name == "sleep":
                    self.wait(float(argv[0]))
                for kind, text in (("out", answer.out), ("err", answer.err)):
                    with open(os.path.join(place, kind), "w", encoding="utf-8") as file:
                        file.write(text)
                statuses.write(f"{answer.status}\n")
                statuses.flush()
        out, err = shell.communicate(timeout=60)
        return Answer(out, err, shell.returncode)


def polaris_like() -> Site:
    """Return a site with a queue of bands, and one for a single job."""
    from hpcmake.site import Limit

    prod = SiteQueue(
        "prod",
        None,
        (10, 496),
        ((10, 3 * HOUR), (25, 6 * HOUR), (100, 24 * HOUR)),
        300,
        limits=(Limit("running", 10, "project"), Limit("queued", 100, "project")),
    )
    one = SiteQueue("debug-scaling", None, (1, 10), ((1, HOUR),), 300, limits=(Limit("queued", 1),))
    return Site("polaris", "pbs", "mpiexec", queues=(prod, one), needs=("project", "filesystems"))


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


def read_capture(name: str) -> list[Block]:
    """Return the blocks of a capture."""
    path = os.path.join(os.path.dirname(__file__), "captures", "pbs", name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return [Block(each["line"], each["out"], each["err"], int(each["status"])) for each in _BLOCK.finditer(text)]


_LOOSE = (
    (r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d (at \d\d:\d\d|\d\d:\d\d:\d\d \d{4})", "DATE"),
    (r"timestamp( = |\":\t)\d+", r"timestamp\1N"),
    (r"session_id( = |\":\t)\d+", r"session_id\1N"),
    (r"\b\d{4}(?= +\d+ +\d+ +-- )", "SESS"),
    (r"mem( = |\":\t\")\d+kb", r"mem\1Nkb"),
    (r"00:00:\d\d", "00:00:SS"),
    (r"exec_host( = |\":\t\")[^\"\n]*", r"exec_host\1HOSTS"),
    (r"nid\[\d\]", "nid[N]"),
    (r"PBS_JOBCOOKIE=\w+", "PBS_JOBCOOKIE=X"),
    (r"PBS_NODEFILE=\S+", "PBS_NODEFILE=X"),
    (r"walltime \d+ exceeded limit", "walltime N exceeded limit"),
)
"""What differs from one run to the next."""


def normalise(text: str, home: str) -> str:
    """Return a text without what differs from one run to the next, and without broken lines."""
    text = text.replace("\n\t", "").replace(home, "/home/carol")
    for pattern, replacement in _LOOSE:
        text = re.sub(pattern, replacement, text)
    return text
