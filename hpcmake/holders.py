"""Processes that drive a campaign: who they are, and whether they still run.

Owns how a process is told from every other one, on this machine and elsewhere.  Knows nothing of leases.
"""

from __future__ import annotations

import os
import time

from hpcmake.record import Record


class Holder(Record):
    """A process that drives a campaign, as it has written of itself.

    `start` tells it from a later process of the same number; `machine` and `boot` tell its machine from another of the
    same name, and from itself before it was started anew; `space` is where the number holds (containers have one each).
    `since` is a date for people, `counter` a heartbeat.
    """

    host: str
    pid: int
    start: str = ""
    machine: str = ""
    boot: str = ""
    space: str = ""
    job: str | None = None
    since: str = ""
    counter: int = 0
    released: bool = False

    def words(self) -> str:
        """Return who that is, in words."""
        job = f" (job {self.job})" if self.job else ""
        since = f", since {self.since}" if self.since else ""
        return f"pid {self.pid} on {self.host}{job}{since}"

    def plain(self) -> dict[str, str | int | bool | None]:
        """Return the fields as values for JSON."""
        return {field: getattr(self, field) for field in _KEYS}


_KEYS = ("host", "pid", "start", "machine", "boot", "space", "job", "since", "counter", "released")


def parse_holder(values: object) -> Holder | None:
    """Return the holder that JSON values speak of; None if they do not.  Unknown keys are ignored."""
    if (
        not isinstance(values, dict)
        or not isinstance(values.get("host"), str)
        or not isinstance(values.get("pid"), int)
    ):
        return None
    return Holder(**{field: values[field] for field in _KEYS if field in values})


def find_self(job: str | None = None) -> Holder:
    """Return this process as a holder."""
    pid = os.getpid()
    return Holder(
        host=os.uname().nodename,
        pid=pid,
        start=find_start(pid) or "",
        machine=_read_word("/etc/machine-id"),
        boot=_read_word("/proc/sys/kernel/random/boot_id"),
        space=_read_space(),
        job=job,
        since=time.strftime("%Y-%m-%d %H:%M:%S"),
    )


def is_alive(holder: Holder, me: Holder) -> bool | None:
    """Return whether a holder still runs; None if that cannot be seen from here."""
    if (holder.host, holder.machine) != (me.host, me.machine):
        return None
    if holder.boot != me.boot:
        return False if holder.machine else None
    if holder.space != me.space:
        return None
    start = find_start(holder.pid)
    if start is None:
        return False
    return start == holder.start if start and holder.start else None


def find_start(pid: int) -> str | None:
    """Return when a process of this machine was started, in ticks of its own clock; None if it has ended.

    The empty text if that cannot be known.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()  # the program's name before may hold anything
    except OSError:
        return _ask_system(pid)
    # Fields 3 and 22.  A zombie has ended, though nobody has taken note yet.
    return None if words[0] in {b"Z", b"X"} else words[19].decode("ascii")


def _ask_system(pid: int) -> str | None:
    """Return as `find_start`, where /proc does not tell: it may be hidden for processes of others, or not be there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:  # it is there, and somebody else's
        return ""
    if os.path.isdir("/proc/self"):
        return ""
    import psutil  # only systems without /proc need it

    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return ""


def _read_word(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def _read_space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
