"""What a file holds, as it reaches the disk: to its last byte, and there before anybody relies on it.

Owns the calls of the operating system for it, and what file systems say that cannot do them.  Knows nothing of what is
written, nor of which file is replaced by which.  Everything here raises OSError, but for `forget`.
"""

from __future__ import annotations

import errno
import os

NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK})
"""What file systems say that have no links."""


def write_all(file: int, content: bytes) -> None:
    """Write to a descriptor: a nearly full disk takes a part, and refuses the rest."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def write_file(path: str, content: bytes, flags: int, *, mode: int | None = None, durable: bool = True) -> None:
    """Open a file for writing with these flags and write it; it has `mode` before it holds anything.

    `durable`: what it holds outlasts a crash of the machine.
    """
    file = os.open(path, os.O_WRONLY | flags, 0o666)
    try:
        if mode is not None:
            os.fchmod(file, mode)
        write_all(file, content)
        if durable:
            os.fsync(file)
    finally:
        os.close(file)  # NFS shows it to others from here on


def sync_folder(folder: str) -> None:
    """Make the names in a folder safe against a crash of the machine."""
    file = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def forget(path: str) -> None:
    """Remove what costs only space if it stays."""
    try:  # noqa: SIM105  # contextlib is slow to import
        os.unlink(path)
    except OSError:
        pass
