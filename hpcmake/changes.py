"""Changes to files: each done as a whole or not at all, and each refusal told.

Owns writing, moving, removing and protecting.  Knows nothing of why a file is changed.
"""

from __future__ import annotations

import errno
import os
import stat

from hpcmake.contents import forget, write_file
from hpcmake.refusals import trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BLOCKED = frozenset({errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOTEMPTY})
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class Changes:
    """What may be done to the files of a campaign.  Folders may be given with or without their trailing slash."""

    def replace(self, path: str, content: bytes) -> None:
        """Put a file with this content in the place of what is there, with the same mode, all at once.

        A link stays, and what it points to is replaced.  Raises Trouble.
        """
        target = os.path.realpath(path)
        fresh = f"{target}.{os.getpid()}.new"
        try:
            self.make_folders([os.path.dirname(target)])
            write_file(fresh, content, os.O_CREAT | os.O_TRUNC, mode=_mode(target))
            os.replace(fresh, target)
        except OSError as error:
            forget(fresh)
            raise trouble(error, "write", path, consequence="what was there is unchanged") from None

    def touch(self, path: str) -> None:
        """Make an empty file, or empty the one that is there; it is of now.  Raises Trouble."""
        try:
            self.make_folders([os.path.dirname(path)])
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            try:
                os.utime(file)
            finally:
                os.close(file)
        except OSError as error:
            raise trouble(error, "make", path) from None

    def make_folders(self, folders: Iterable[str]) -> None:
        """Make folders, with those above them, where there are none.  Raises Trouble."""
        for folder in folders:
            try:
                os.makedirs(folder or ".", exist_ok=True)
            except OSError as error:
                raise trouble(error, "make the folder", folder) from None

    def move_aside(self, path: str, into: str) -> str | None:
        """Move a file or folder to the same path below `into`, in place of what was moved there before.

        Returns where it is now, or None if nothing is there.  Raises Trouble.
        """
        source = path.rstrip("/")
        target = f"{into}/{source.lstrip('/')}"
        if not os.path.lexists(source):
            return None
        try:
            _clear(target, into)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _unprotect_folders(source)
            try:
                os.rename(source, target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                _carry(source, target)
        except OSError as error:
            raise trouble(error, "move aside", path, consequence="it stays where it is") from None
        return target

    def remove(self, path: str) -> bool:
        """Remove a file, or with a trailing slash a folder and all it holds; return whether it was there.

        Raises Trouble, also where there is a folder in the place of a file.
        """
        try:
            if path.endswith("/"):
                return _remove_tree(path.rstrip("/"))
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise trouble(error, "remove", path) from None
        return True

    def protect(self, path: str) -> None:
        """Make a file, or all files in a folder, read-only.  Raises Trouble."""
        _for_each_mode(path, "protect", lambda mode: mode & ~_WRITABLE)

    def unprotect(self, path: str) -> None:
        """Let the owner write a file, or all files in a folder, again.  Raises Trouble."""
        _for_each_mode(path, "lift the protection of", lambda mode: mode | stat.S_IWUSR)


def _mode(path: str) -> int | None:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return None


def _clear(target: str, into: str) -> None:
    """Remove what was moved to `target` before, and a file that stands where it needs a folder."""
    if os.path.isdir(target) and not os.path.islink(target):
        _remove_tree(target)
    elif os.path.lexists(target):
        os.unlink(target)
    above = os.path.dirname(target)
    while len(above) > len(into):
        if os.path.lexists(above) and not os.path.isdir(above):
            os.unlink(above)
        above = os.path.dirname(above)


def _remove_tree(folder: str) -> bool:
    import shutil  # folders are seldom removed

    if os.path.islink(folder) or not os.path.isdir(folder):
        if os.path.lexists(folder):
            os.unlink(folder)
            return True
        return False
    _unprotect_folders(folder)
    shutil.rmtree(folder)
    return True


def _unprotect_folders(top: str) -> None:
    """Let the owner change a folder, and those in it: a read-only one can be neither moved nor emptied."""
    if os.path.islink(top) or not os.path.isdir(top):
        return
    for folder, _, _ in os.walk(top):
        mode = stat.S_IMODE(os.stat(folder).st_mode)
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(folder, mode | stat.S_IRWXU)


def _carry(source: str, target: str) -> None:
    """Copy to another file system, whole, and then remove."""
    import shutil  # `.hpcmake` is seldom on another file system

    shutil.move(source, target)


def _for_each_mode(path: str, doing: str, change: Callable[[int], int]) -> None:
    top = path.rstrip("/")
    try:
        files = [top]
        if os.path.isdir(top):
            files = [f"{folder}/{name}" for folder, _, names in os.walk(top) for name in names]
        for file in files:
            if not os.path.islink(file) or file == top:
                os.chmod(file, change(stat.S_IMODE(os.stat(file).st_mode)))
    except OSError as error:
        raise trouble(error, doing, path) from None
