"""The state of an emulated machine: a folder that its commands share, behind one lock.

Owns which nodes are claimed, by whom, and which have died.  Knows nothing of launchers: what they may claim is theirs.

    machine        settings, `key=value` a line
    nodes          the names of the nodes, one a line, in the order of the allocation
    claims         how many launches there were, then one line a claim
    faults         what goes wrong: `kind what after`, one a line
    down/ hung/    an empty file for each node that has died, or hangs
    booted/        an empty file for each block that is booted
"""

from __future__ import annotations

import fcntl
import os

from .refusal import Unclaimed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

MARK = "HPCMAKE_TESTBED"
"""The environment variable that each process inside bears: the folder of the machine's state."""

NODE, LAUNCH = MARK + "_NODE", MARK + "_LAUNCH"
"""Those that say on which node a process is, and of which launch."""


class Want:
    """What a launch claims: `count` nodes, or those with these `names`; on each so many `cpus` and bytes of `memory`.

    `whole` claims want a node for themselves.  `most` is how many claims there may be at once, 0: any number.  `cpus`
    of 0 claim nothing, and such a launch shares its nodes with any other.
    """

    def __init__(
        self,
        count: int,
        names: Sequence[str] = (),
        *,
        cpus: int = 0,
        memory: int = 0,
        whole: bool = False,
        most: int = 0,
    ) -> None:
        self.count = count
        self.names = tuple(names)
        self.cpus = cpus
        self.memory = memory
        self.whole = whole
        self.most = most


class Claim:
    """Nodes that a launch holds, each with so many CPUs and bytes; `pid` is of the process that keeps it."""

    def __init__(self, number: int, pid: int, cpus: int, memory: int, names: Sequence[str]) -> None:
        self.number = number
        self.pid = pid
        self.cpus = cpus
        self.memory = memory
        self.names = tuple(names)

    def line(self) -> str:
        """Return it as a line."""
        return f"{self.number} {self.pid} {self.cpus} {self.memory} {','.join(self.names)}\n"

    def lives(self) -> bool:
        """Tell whether its keeper is still there."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return True


class Lock:
    """The lock of a machine, held inside `with`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = -1

    def __enter__(self) -> None:
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)


class State:
    """A machine's state; settings and nodes are read once."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.settings = dict(line.split("=", 1) for line in self._lines("machine"))
        self.names = list(self._lines("nodes"))
        self.index = {name: at for at, name in enumerate(self.names)}

    def _lines(self, name: str) -> Iterator[str]:
        with open(self.path(name), encoding="utf-8", errors="surrogateescape") as file:
            yield from file.read().splitlines()

    def path(self, *names: str) -> str:
        """Return the path of a file of it."""
        return os.path.join(self.folder, *names)

    def number(self, key: str) -> int:
        """Return a setting that is a number; 0 if there is none."""
        return int(self.settings.get(key) or 0)

    def lock(self) -> Lock:
        """Return the lock, for `with`."""
        return Lock(self.path("lock"))

    # ------------------------------------------------------------ marks

    def marked(self, kind: str) -> set[str]:
        """Return the names that bear a mark: `down`, `hung` or `booted`."""
        try:
            return set(os.listdir(self.path(kind)))
        except FileNotFoundError:
            return set()

    def mark(self, kind: str, name: str) -> None:
        """Put a mark on a name."""
        os.makedirs(self.path(kind), exist_ok=True)
        with open(self.path(kind, name), "w", encoding="utf-8"):
            pass

    def unmark(self, kind: str, name: str) -> None:
        """Take a mark off."""
        try:
            os.unlink(self.path(kind, name))
        except FileNotFoundError:
            pass

    # ------------------------------------------------------------ faults

    def orders(self) -> list[str]:
        """Return what was ordered to go wrong: `kind what after`."""
        return list(self._lines("faults"))

    def order(self, kind: str, what: str) -> None:
        """Order something to go wrong from the next launch on."""
        with self.lock(), open(self.path("faults"), "a", encoding="utf-8") as file:
            file.write(f"{kind} {what} {self.read_claims()[0]}\n")

    def tell(self, event: str) -> None:
        """Note what has gone wrong, to be told at the end."""
        with open(self.path("events"), "a", encoding="utf-8") as file:
            file.write(event + "\n")

    def events(self) -> list[str]:
        """Return what has gone wrong."""
        return list(self._lines("events")) if os.path.exists(self.path("events")) else []

    # ------------------------------------------------------------ claims

    def begin(self) -> int:
        """Count one launch more, and return its number, from 1."""
        with self.lock():
            launches, claims = self.read_claims()
            self._write_claims(launches + 1, claims)
        return launches + 1

    def launches(self) -> int:
        """Return how many launches there were."""
        with self.lock():
            return self.read_claims()[0]

    def claim(self, number: int, want: Want) -> list[str]:
        """Claim nodes for a launch; return their names, in the order in which ranks are placed.  Raises Unclaimed."""
        with self.lock():
            launches, claims = self.read_claims()
            names = self._choose(want, claims)
            claims.append(Claim(number, os.getpid(), want.cpus, want.memory, names))
            self._write_claims(launches, claims)
        return names

    def release(self, number: int) -> None:
        """Give back what a launch has claimed."""
        with self.lock():
            launches, claims = self.read_claims()
            self._write_claims(launches, [each for each in claims if each.number != number])

    def read_claims(self) -> tuple[int, list[Claim]]:
        """Return how many launches there were, and what is claimed by keepers that live; with the lock held."""
        try:
            lines = list(self._lines("claims"))
        except FileNotFoundError:
            return 0, []
        claims = []
        for line in lines[1:]:
            number, pid, cpus, memory, names = line.split(" ")
            claims.append(Claim(int(number), int(pid), int(cpus), int(memory), names.split(",") if names else []))
        return int(lines[0]), [claim for claim in claims if claim.lives()]

    def _write_claims(self, launches: int, claims: Iterable[Claim]) -> None:
        path = self.path("claims")
        with open(path + ".new", "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{launches}\n" + "".join(claim.line() for claim in claims))
        os.rename(path + ".new", path)

    def _choose(self, want: Want, claims: Sequence[Claim]) -> list[str]:
        if want.most and len(claims) >= want.most:
            raise Unclaimed("most")
        for name in want.names:
            if name not in self.index:
                raise Unclaimed("absent", name)
        if max(want.count, len(want.names)) > len(self.names):
            raise Unclaimed("many")
        if want.cpus > self.number("cpus"):
            raise Unclaimed("cpus")
        if want.memory > self.number("memory") > 0:
            raise Unclaimed("memory")
        down = self.marked("down")
        dead = [name for name in want.names if name in down]
        if dead or (not want.names and len(self.names) - len(down) < want.count):
            raise Unclaimed("down", *(dead or down))
        free = self._free(want, claims, want.names or [name for name in self.names if name not in down])
        if len(free) < (len(want.names) or want.count):
            raise Unclaimed("busy")
        if len(want.names) >= want.count:
            return free
        if want.names:  # srun: these, and others beside them
            others = [name for name in self.names if name not in down and name not in free]
            free += self._free(want, claims, others)
            if len(free) < want.count:
                raise Unclaimed("busy")
        return sorted(free[: want.count], key=self.index.__getitem__)

    def _free(self, want: Want, claims: Sequence[Claim], names: Iterable[str]) -> list[str]:
        """Return those of the nodes that have room for a claim."""
        if not (want.cpus or want.whole):
            return list(names)
        used: dict[str, list[int]] = {}
        for claim in claims:
            for name in claim.names:
                there = used.setdefault(name, [0, 0])
                there[0] += claim.cpus
                there[1] += claim.memory
        cpus, memory = self.number("cpus"), self.number("memory")
        free = []
        for name in names:
            there = used.get(name, [0, 0])
            if want.whole:
                fits = there[0] == 0
            else:
                fits = there[0] + want.cpus <= cpus and (not memory or there[1] + want.memory <= memory)
            if fits:
                free.append(name)
        return free
