"""The disk: the one door through which the campaign's files are listed, stamped, read and changed.

Owns what is known of folders during one plan, and counts what it cost.  Knows nothing of rules, tasks or records.
"""

from __future__ import annotations

import os

from hpcmake.changes import Changes
from hpcmake.refusals import trouble
from hpcmake.stamps import ABSENT, blank_columns, look_at_all, side_by_side

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterable, Mapping, Sequence

    from hpcmake.model import Stamp
    from hpcmake.stamps import Columns

_FEW = 16  # so many looks at files cost no more than a listing of their folder
_MANY = 4096  # of so many files a few are looked at first …
_SAMPLE = 256  # … which tell whether listings would spare anything


class Disk(Changes):
    """The files below the working folder, as a `model.Tree`, and the changes that are made to them.

    A folder is listed once, until `refresh`; `counts` tells how often the file system was asked for `listings` and
    `stats`.  A refusal of the operating system comes as Trouble, but for `read` and `digest`, which let OSError pass.
    """

    def __init__(self) -> None:
        self.counts = {"listings": 0, "stats": 0}
        self._listed: dict[str, dict[str, bool] | None] = {}

    def refresh(self, folders: Iterable[str] | None = None) -> None:
        """Forget what was in these folders, or in all: something was run that may have changed them."""
        if folders is None:
            self._listed.clear()
            return
        for folder in folders:
            self._listed.pop(_plain(folder), None)

    def names(self, folder: str) -> Mapping[str, bool] | None:
        """Return the names in a folder, each with whether it is a folder; None if there is no such folder.

        The root is the empty text.  Links are followed.  Raises Trouble.
        """
        folder = _plain(folder)
        if folder not in self._listed:
            self._list([folder])
        return self._listed[folder]

    def _list(self, folders: Sequence[str]) -> None:
        self.counts["listings"] += len(folders)
        listed = self._listed

        def work(start: int, stop: int) -> None:
            for at in range(start, stop):
                listed[folders[at]] = find_names(folders[at])

        side_by_side(work, len(folders))

    def stamps(self, paths: Sequence[str]) -> list[Stamp | None]:
        """Return the stamp of each path, None where nothing is; of a folder (`name/`) one of all it holds.

        What a listing of this plan does not name counts as absent: call `refresh` after something was run.
        Raises Trouble.
        """
        mtimes, sizes, present = self.stamp_columns(paths)
        return [(mtime, size) if here else None for mtime, size, here in zip(mtimes, sizes, present, strict=True)]

    def stamp_now(self, path: str) -> Stamp | None:
        """Return the stamp that a path has now, whatever was listed before.  Raises Trouble."""
        mtimes, sizes, present = self._look([path])
        return (mtimes[0], sizes[0]) if present[0] else None

    def stamp_columns(self, paths: Sequence[str]) -> Columns:
        """Return mtimes in ns (-1 where nothing is), sizes, and whether something is there, of millions of files.

        As `stamps`, but no object is made for a file.  No file is looked at twice.  Raises Trouble.
        """
        count = len(paths)
        if count <= _MANY:
            return self._look_at_some(paths, self._find_worthwhile(paths), blank_columns(count))
        step = -(-count // _SAMPLE)
        sample = self._look(paths[::step])
        columns = blank_columns(count)
        for column, some in zip(columns, sample, strict=True):
            column[::step] = some
        if not all(sample[2]):
            return self._look_at_some(paths, [at for at in self._find_worthwhile(paths) if at % step], columns)
        # All there, as after a finished run: nothing is grouped or listed, and the sample is woven into the rest.
        others = list(paths)
        del others[::step]
        for column, some in zip(columns, self._look(others), strict=True):
            for at in range(1, step):
                column[at::step] = some[at - 1 :: step - 1]
        return columns

    def _look(self, paths: Sequence[str]) -> Columns:
        self.counts["stats"] += len(paths)
        return look_at_all(paths)

    def _look_at_some(self, paths: Sequence[str], where: Sequence[int], columns: Columns) -> Columns:
        if len(where) == len(paths):
            return self._look(paths)
        mtimes, sizes, present = columns
        for at, mtime, size, here in zip(where, *self._look([paths[at] for at in where]), strict=True):
            mtimes[at] = mtime
            sizes[at] = size
            present[at] = here
        return columns

    def _find_worthwhile(self, paths: Sequence[str]) -> list[int]:
        """Return which paths may be there, by the listings that there are, and those that spare many looks."""
        groups: dict[str, list[int]] = {}
        for at, path in enumerate(paths):
            cut = path.rfind("/", 0, -1)
            folder = path[:cut] if cut > 0 else path[: cut + 1]
            if folder in groups:
                groups[folder].append(at)
            else:
                groups[folder] = [at]
        folders = list(groups)
        if len(folders) > _FEW:  # whole folders may be missing, which their own folder tells
            folders = [folders[at] for at in self._find_worthwhile(folders)]
        listed = self._listed
        self._list([folder for folder in folders if len(groups[folder]) > _FEW and folder not in listed])
        found: list[int] = []
        for folder in folders:
            members = groups[folder]
            names = listed.get(folder, _UNKNOWN)
            if names is _UNKNOWN:
                found += members
            elif names is not None:
                cut = len(folder) + (folder not in _ROOTS)
                found += [at for at in members if (name := paths[at][cut:].rstrip("/")) in names or name in _NAMELESS]
        return found

    # ------------------------------------------------------------ reading

    def read(self, path: str) -> bytes:
        """Return the content of a file.  Raises OSError."""
        with open(path, "rb", buffering=0) as file:
            return file.readall()

    def digest(self, path: str) -> str:
        """Return a hash of what a file holds, or of all names and contents in a folder (`name/`).  Raises OSError."""
        from hashlib import sha256  # few plans compare contents

        digest = sha256()
        if not path.endswith("/"):
            _digest_file(path, digest)
            return digest.hexdigest()[:_DIGITS]
        for file in find_files(path):
            one = sha256()
            if not file.endswith("/"):
                _digest_file(path + file, one)
            digest.update(os.fsencode(file) + b"\0" + one.digest())
        return digest.hexdigest()[:_DIGITS]


_ROOTS = frozenset({"", "/"})
_NAMELESS = frozenset({"", ".", ".."})  # a listing does not name the folder itself, or the one above
_UNKNOWN: dict[str, bool] = {}  # stands for a folder that was not listed
_DIGITS = 32  # of the hash, that is 128 bits
_CHUNK = 1 << 20


def _plain(folder: str) -> str:
    return folder.rstrip("/") or folder[:1]


def find_names(folder: str) -> dict[str, bool] | None:
    """Return the names in a folder, each with whether it is a folder; None if there is no folder.  Raises Trouble."""
    try:
        with os.scandir(folder or ".") as entries:
            return {entry.name: _is_folder(entry) for entry in entries}
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise trouble(error, "list", folder or ".") from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link into what may not be seen
        return False


def find_files(folder: str) -> list[str]:
    """Return all that is below a folder, relative to it, folders with a trailing slash, sorted.  Raises OSError.

    A link to a folder is not followed, since it may lead round in a circle: it counts as a file.
    """
    found: list[str] = []
    todo = [""]
    while todo:
        inner = todo.pop()
        with os.scandir(folder + inner) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found.append(f"{inner}{entry.name}/")
                    todo.append(found[-1])
                else:
                    found.append(inner + entry.name)
    return sorted(found)


def _digest_file(path: str, digest: hashlib._Hash) -> None:
    if os.path.islink(path) and not os.path.isfile(path):
        digest.update(os.fsencode(os.readlink(path)))
        return
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
