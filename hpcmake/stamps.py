"""Stamps of many files: one after the other, side by side in threads, or shared with a second process.

Owns the looking itself and the choice between its ways.  Knows nothing of which files are worth a look.
"""

from __future__ import annotations

import errno
import os
import time
from array import array

from hpcmake.refusals import trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    Columns: TypeAlias = tuple[array[int], array[int], bytearray]

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
"""What the system says of a path at which there is nothing."""

_PROBE = 200  # so many looks tell how long one takes
_SLOW = 100e-6  # seconds: a look that takes longer waits for a server, and many can wait side by side
_THREADS = 32
_SLICE = 64  # looks that a thread takes at a time


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

    side_by_side(look, len(paths))
    return columns


def side_by_side(work: Callable[[int, int], None], count: int) -> None:
    """Do `work(start, stop)` for all of `count` items: in threads if the first ones show that each waits long."""
    probe = min(count, _PROBE)
    begin = time.perf_counter()
    work(0, probe)
    if count == probe:
        return
    if time.perf_counter() - begin < _SLOW * probe:
        work(probe, count)
        return
    from concurrent.futures import ThreadPoolExecutor  # only slow file systems are worth its import

    with ThreadPoolExecutor(_THREADS) as pool:
        slices = range(probe, count, _SLICE)
        for _ in pool.map(work, slices, (min(start + _SLICE, count) for start in slices)):
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
