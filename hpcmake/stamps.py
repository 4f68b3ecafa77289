"""Stamps of many files: one after the other, side by side in threads, or shared with other processes.

Owns the looking itself and the choice between its ways.  Knows nothing of which files are worth a look.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from array import array

from hpcmake.refusals import trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from hpcmake.runners.process import Process

    Columns: TypeAlias = tuple[array[int], array[int], bytearray]

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
"""What the system says of a path at which there is nothing."""

_PROBE = 200  # so many looks tell how long one takes
_SLOW = 100e-6  # seconds: a look that takes longer waits for a server, and many can wait side by side
_THREADS = 32
_SLICE = 64  # looks that a thread takes at a time
_SHARED = (
    100_000  # looks that are worth the start of another process; measured: 50,000 take 0.12 s alone, 0.15 s shared
)
_PROCESSES = 4  # the kernel has locks of its own: more of us are no quicker


def blank_columns(count: int) -> Columns:
    """Return the columns of so many files of which none is there."""
    return array("q", [-1]) * count, array("q", [0]) * count, bytearray(count)


def look_at_all(paths: Sequence[str]) -> Columns:
    """Return mtimes in ns (-1 where nothing is), sizes, and whether something is there.  Raises Trouble.

    A path with a trailing slash is a folder: its stamp covers all it holds.
    """
    columns = blank_columns(len(paths))

    def look(start: int, stop: int) -> None:
        _look(paths, start, stop, columns)

    probe = min(len(paths), _PROBE)
    if _waits_long(look, probe):
        _in_threads(look, probe, len(paths))
    elif len(paths) < _SHARED:
        look(probe, len(paths))
    else:
        _share(paths, probe, columns)
    return columns


def side_by_side(work: Callable[[int, int], None], count: int) -> None:
    """Do `work(start, stop)` for all of `count` items: in threads if the first ones show that each waits long."""
    probe = min(count, _PROBE)
    if _waits_long(work, probe):
        _in_threads(work, probe, count)
    else:
        work(probe, count)


def _waits_long(work: Callable[[int, int], None], probe: int) -> bool:
    """Do the first items, and return whether they took long."""
    begin = time.perf_counter()
    work(0, probe)
    return time.perf_counter() - begin > _SLOW * probe


def _in_threads(work: Callable[[int, int], None], start: int, count: int) -> None:
    if start == count:
        return
    from concurrent.futures import ThreadPoolExecutor  # only slow file systems are worth its import

    with ThreadPoolExecutor(_THREADS) as pool:
        slices = range(start, count, _SLICE)
        for _ in pool.map(work, slices, (min(each + _SLICE, count) for each in slices)):
            pass  # a refusal in a thread is raised here


def _look(paths: Sequence[str], start: int, stop: int, columns: Columns) -> None:
    mtimes, sizes, present = columns
    stat = os.stat
    for at in range(start, stop):
        path = paths[at]
        try:
            if path[-1:] == "/":
                mtimes[at], sizes[at] = stamp_folder(path)
            else:
                found = stat(path)
                mtimes[at] = found.st_mtime_ns
                sizes[at] = found.st_size
        except OSError as error:
            if error.errno not in ABSENT:
                raise trouble(error, "look at", path) from None
        else:
            present[at] = 1


def stamp_folder(path: str) -> tuple[int, int]:
    """Return the stamp of a folder, by the one definition that nodes use too.  Raises OSError."""
    from hpcmake.runners import node  # few campaigns have folders as files

    return node.stamp_folder(os.fsencode(path))


# ---------------------------------------------------------------- other processes


def _share(paths: Sequence[str], start: int, columns: Columns) -> None:
    """Look at the files from `start` on, in equal parts with other processes, as many as there are processors."""
    others = min(len(os.sched_getaffinity(0)), _PROCESSES) - 1
    part = -(-(len(paths) - start) // (others + 1))
    stops = [min(start + part * (each + 1), len(paths)) for each in range(others + 1)]
    asked: list[tuple[int, int, Process | None]] = []
    try:
        for begin, end in zip(stops, stops[1:], strict=False):
            asked.append((begin, end, _ask(paths[begin:end])))
        _look(paths, start, stops[0], columns)
        for begin, end, process in asked:
            answer = _hear(process, end - begin) if process is not None else None
            if answer is None:  # whatever has become of it, its work can be done here
                _look(paths, begin, end, columns)
            else:
                _enter(answer, paths, begin, end, columns)
    finally:
        for _, _, process in asked:
            if process is not None:
                process.close()
                process.kill()
                process.wait()


def _ask(paths: Sequence[str]) -> Process | None:
    from hpcmake.runners.process import spawn  # only large campaigns share work

    script = os.path.join(os.path.dirname(__file__), "stamper.py")
    process = None
    try:
        process = spawn([sys.executable, "-I", "-S", script], environment=os.environ, stderr=2)
        rest = memoryview(os.fsencode("\0".join(paths)))
        while rest:  # it takes all before it answers, so neither waits for the other
            rest = rest[os.write(process.stdin, rest) :]
        process.close_stdin()
    except OSError:
        if process is not None:
            process.close()
            process.kill()
            process.wait()
        return None
    return process


_BYTES = 17  # of the answer for one file


def _hear(process: Process, count: int) -> bytearray | None:
    """Return the answer of another process for so many files; None if it is not whole."""
    answer = bytearray()
    while piece := os.read(process.stdout, 1 << 20):
        answer += piece
    return answer if len(answer) == count * _BYTES else None


def _enter(answer: bytearray, paths: Sequence[str], begin: int, end: int, columns: Columns) -> None:
    mtimes, sizes, present = columns
    count = end - begin
    mtimes[begin:end] = array("q", bytes(answer[: 8 * count]))
    sizes[begin:end] = array("q", bytes(answer[8 * count : 16 * count]))
    kinds = answer[16 * count :]
    present[begin:end] = kinds
    at = kinds.find(2)
    while at >= 0:
        present[begin + at] = 0
        _look(paths, begin + at, begin + at + 1, columns)
        at = kinds.find(2, at + 1)
