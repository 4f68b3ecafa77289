"""Small files that several machines look at: each is there as a whole or not at all, and some only one may make.

Owns how they are written, taken and read on file systems that are shared.  Knows nothing of what they hold.
"""

from __future__ import annotations

import errno
import os

from hpcmake import contents
from hpcmake.contents import NO_LINKS, forget, write_file
from hpcmake.refusals import trouble

COUNTS = {"listings": 0, "reads": 0}
"""How often folders were listed and files read: what a step costs where each is a message to a server."""

_NO_SYNC = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES, errno.EBADF})
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})


def write_whole(path: str, content: bytes, *, durable: bool = False) -> None:
    """Put a file in the place of what is there, all at once.  Raises Trouble.

    `durable`: it outlasts a crash of the machine, its name too, before this returns.
    """
    fresh = _fresh(path)
    try:
        _write(fresh, content)
        os.replace(fresh, path)
        if durable:
            sync_folder(os.path.dirname(path))
    except OSError as error:
        forget(fresh)
        raise trouble(error, "write", path, consequence="what was there is unchanged") from None


def take(path: str, content: bytes) -> bool:
    """Make a file with this content; return whether it was us: of all who try, exactly one is told so.

    `content` must differ from what others would write.  Raises Trouble.
    """
    fresh = _fresh(path)
    try:
        _write(fresh, content)
        try:
            taken = _link(fresh, path, content)
        finally:
            forget(fresh)
        if taken:
            sync_folder(os.path.dirname(path))
    except OSError as error:
        raise trouble(error, "make", path) from None
    return taken


def _link(fresh: str, path: str, content: bytes) -> bool:
    try:
        os.link(fresh, path)
    except FileExistsError:
        return _read(path) == content  # NFS may do it, lose the answer, and refuse the repetition
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        try:  # exclusive too, but whoever reads it now may find it empty
            _write(path, content)
        except FileExistsError:
            return False
    return True


def read_whole(path: str) -> bytes | None:
    """Return what a file holds; None if it is not there.  Raises Trouble."""
    try:
        return _read(path)
    except OSError as error:
        raise trouble(error, "read", path) from None


def list_names(folder: str) -> list[str]:
    """Return the names in a folder; none if it is not there.  Raises Trouble."""
    COUNTS["listings"] += 1
    try:
        return os.listdir(folder)
    except OSError as error:
        if error.errno in _ABSENT:
            return []
        raise trouble(error, "list", folder) from None


def remove(path: str) -> None:
    """Remove a file, if it is there.  Raises Trouble."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise trouble(error, "remove", path) from None


def sync_folder(folder: str) -> None:
    """See to it that the names in a folder outlast a crash, where that can be.  Raises OSError."""
    try:
        contents.sync_folder(folder)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def _read(path: str) -> bytes | None:
    COUNTS["reads"] += 1
    for last in (False, True):
        try:
            with open(path, "rb", buffering=0) as file:
                return file.readall()
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            if error.errno != errno.ESTALE or last:  # NFS: it was replaced while it was opened
                raise
    return None


def _write(path: str, content: bytes) -> None:
    """Write a new file.  Raises OSError."""
    write_file(path, content, os.O_CREAT | os.O_EXCL)


def _fresh(path: str) -> str:
    """Return a name that nobody else has, and that counts as no file of any kind."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{os.urandom(8).hex()}.new")
