"""Starts processes, and ends what an earlier driver left behind; beside the node program, the one place that does.

Owns how a process gets its pipes, its session and its end.  Knows nothing of tasks but the mark in their environment.
"""

from __future__ import annotations

import contextlib
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MARK = "HPCMAKE_ATTEMPT"
"""The environment variable that each process of a task bears: the mark of its campaign, a colon, the attempt's id."""

PASSES = 100
"""How often strays are looked for until none is left: one may start another while it is being ended."""

LAST_WORDS = 1.0
"""Seconds for which is read what a command that was killed had written."""


class Process:
    """A child that lives long: `stdin` and `stdout` are our ends of its pipes, as descriptors."""

    def __init__(self, pid: int, stdin: int, stdout: int) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.status: int | None = None

    def poll(self) -> int | None:
        """Return its exit status (negative: a signal) if it has ended, else None."""
        return self._wait(os.WNOHANG)

    def wait(self) -> int:
        """Wait for its end; return its exit status."""
        status = self._wait(0)
        return 0 if status is None else status

    def kill(self) -> None:
        """Kill it, and all of its process group; the next `wait` returns soon."""
        if self.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)

    def close_stdin(self) -> None:
        """Let it read the end of its input."""
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def close(self) -> None:
        """Close both pipes."""
        self.close_stdin()
        if self.stdout >= 0:
            os.close(self.stdout)
            self.stdout = -1

    def _wait(self, options: int) -> int | None:
        if self.status is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # somebody else has waited for it
                self.status = 0
            else:
                if pid:
                    self.status = os.waitstatus_to_exitcode(status)
        return self.status


def spawn(argv: Sequence[str], *, environment: Mapping[str, str], stderr: int) -> Process:
    """Start a child that lives long, in a session of its own, where a terminal's Ctrl-C does not reach it.

    `argv[0]` is a path, `stderr` a descriptor.  Raises OSError.
    """
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    try:
        pid = os.posix_spawn(
            argv[0],
            list(argv),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs_in, 0),
                (os.POSIX_SPAWN_DUP2, theirs_out, 1),
                (os.POSIX_SPAWN_DUP2, stderr, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    except BaseException:
        os.close(ours_in)
        os.close(ours_out)
        raise
    finally:
        os.close(theirs_in)
        os.close(theirs_out)
    return Process(pid, ours_in, ours_out)


def call(
    argv: Sequence[str],
    *,
    timeout: float,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> tuple[int | None, bytes, bytes]:
    """Run a short command; return its exit status, what it wrote to stdout, and to stderr.

    The status is None if it did not end within `timeout` seconds: then it, and what it started, has been killed, and
    whether it has done its work is unknown.  Raises OSError: it could not be started.
    """
    import subprocess  # takes 5 ms, and few calls of hpcmake need it

    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=cwd,
        start_new_session=True,
    ) as child:
        try:
            out, err = child.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)
            try:
                out, err = child.communicate(timeout=LAST_WORDS)
            except subprocess.TimeoutExpired as left:  # what it started in a session of its own has its pipes still
                out, err = left.stdout or b"", left.stderr or b""
                for pipe in (child.stdin, child.stdout, child.stderr):
                    if pipe is not None:
                        pipe.close()
            return None, out, err
        except BaseException:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
    return child.returncode, out, err


# ---------------------------------------------------------------- strays


def find_strays(mark: str) -> list[int]:
    """Return the processes of this user whose mark begins with `mark`, but for this one and those it descends from."""
    wanted = f"{MARK}={mark}".encode("utf-8", "surrogateescape")
    above = _ancestors()
    return [pid for pid in _processes() if pid not in above and _bears(pid, wanted)]


def end_strays(pids: Iterable[int]) -> int:
    """Kill processes and wait until they are gone; return how many there were."""
    held = []
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended meanwhile, or is not ours
            descriptor = os.pidfd_open(pid)
            held.append(descriptor)
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    import select

    for descriptor in held:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(5000)  # one that waits for a dead disk cannot be ended
        os.close(descriptor)
    return len(held)


def end_all_strays(mark: str) -> int:
    """End all processes that bear a mark, until none is left; return how many there were."""
    ended = 0
    for _ in range(PASSES):
        found = find_strays(mark)
        if not found:
            break
        ended += end_strays(found)
    return ended


def _processes() -> list[int]:
    if os.path.isdir("/proc/self"):
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    import psutil  # takes 20 ms; only where there is no /proc

    return list(psutil.pids())


def _ancestors() -> set[int]:
    found = {os.getpid()}
    pid = os.getppid()
    while pid > 1 and pid not in found:
        found.add(pid)
        pid = _parent(pid)
    return found


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _bears(pid: int, wanted: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return b"\0" + wanted in b"\0" + file.read()
    except FileNotFoundError:
        return not os.path.isdir("/proc/self") and _bears_by_psutil(pid, wanted)
    except OSError:
        return False


def _bears_by_psutil(pid: int, wanted: bytes) -> bool:
    import psutil

    try:
        value = psutil.Process(pid).environ().get(MARK, "")
    except psutil.Error:
        return False
    return f"{MARK}={value}".encode("utf-8", "surrogateescape").startswith(wanted)
