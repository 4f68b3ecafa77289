"""The stamps of a campaign's files, as columns beside the table of files.

Owns what each file looked like when it was looked at.  Knows nothing of what that means for tasks.
"""

from __future__ import annotations

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hpcmake.model import Stamp, Tree
    from hpcmake.tasks.rows import Files

MISSING, THERE, ABSENT_TEMP = 0, 1, 2
"""Nothing is there; something is; a `temp` file whose last stamp is known, and that was removed since."""


class Stamps:
    """Presence, mtime and size of each file, by its number."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.present = bytearray()
        self.mtimes = array("q")
        self.sizes = array("q")
        self.absent_temps = 0
        self._digests: dict[int, str] = {}
        self._beside: dict[str, Stamp | None] = {}
        """Stamps of files that are not in the table: those that depfiles name."""

    def look(self, files: Files) -> None:
        """Look at the files that are new in the table."""
        start = len(self.present)
        paths = files.paths[start:] if start else files.paths
        if not paths:
            return
        mtimes, sizes, present = self.tree.stamp_columns(paths)
        self.mtimes.extend(mtimes)
        self.sizes.extend(sizes)
        self.present.extend(present)

    def look_beside(self, paths: Iterable[str]) -> None:
        """Look at files that are not in the table, all at once."""
        fresh = [path for path in dict.fromkeys(paths) if path not in self._beside]
        self._beside.update(zip(fresh, self.tree.stamps(fresh), strict=True))

    def stamp_of(self, path: str, index: Mapping[str, int]) -> Stamp | None:
        """Return the stamp of any file, None if it is missing; it is looked at once."""
        number = index.get(path)
        if number is not None and number < len(self.present):
            return self.stamp(number)
        if path not in self._beside:
            self.look_beside((path,))
        return self._beside[path]

    def stamp(self, number: int) -> Stamp | None:
        """Return the stamp of a file, None if it is missing."""
        return (self.mtimes[number], self.sizes[number]) if self.present[number] else None

    def put(self, number: int, stamp: Stamp | None, *, absent_temp: bool = False) -> None:
        """Set the stamp of a file that was made, removed, or whose earlier one counts."""
        if self.present[number] == ABSENT_TEMP:
            self.absent_temps -= 1
        if stamp is None:
            self.present[number] = MISSING
            self.mtimes[number] = self.sizes[number] = -1
        else:
            self.present[number] = ABSENT_TEMP if absent_temp else THERE
            self.absent_temps += absent_temp
            self.mtimes[number], self.sizes[number] = stamp
        self._digests.pop(number, None)

    def digest(self, number: int, path: str) -> str:
        """Return a hash of what a file holds; each is read once."""
        found = self._digests.get(number)
        if found is None:
            found = self._digests[number] = self.tree.digest(path)
        return found
