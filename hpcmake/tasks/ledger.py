"""Recorded successes as columns: what tasks took and made, and what was measured.

Owns the columns of one rule's successes, and the versions of files.  Knows nothing of which of them count.

A stamp of a file that some task took or made is one *version*; a task's inputs are numbers of versions.  What ten
thousand tasks took is written once, and comparing them all with today's files is comparing arrays.
"""

from __future__ import annotations

from array import array

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from hpcmake.model import Stamp

NO_STAMP = -1
"""In place of mtime and size for an input whose stamp does not matter (`order`)."""


COLUMNS = {
    "taken": "i",
    "ends": "q",
    "made": "i",
    "made_ends": "q",
    "wall": "d",
    "cpu": "d",
    "rss": "q",
    "tries": "i",
    "node": "i",
    "log_file": "i",
    "log_at": "q",
    "log_length": "q",
}
"""The columns of a ledger, each with the kind of its array: versions taken and made (and where each row ends), seconds,
bytes, attempts, and where it ran and what it printed (names are in `History.names`)."""


NEEDED = tuple(COLUMNS)[:4]
"""The columns that a plan needs."""

REST = tuple(COLUMNS)[4:]
"""Those that it does not: what was measured."""

BETWEEN = "\0/"
"""What stands between keys in one text: a path holds no NUL, and the name of a task does not begin with a slash."""


class Past(Record):
    """A recorded success: where its row is."""

    ledger: Ledger
    row: int


class Ledger:
    """The successes of the tasks of one rule under one definition, as columns.

    `keys` name the tasks: the first output, or `NUL task-name` where there is none.  `taken` holds, one behind the
    other, what each took: the number of a version, or `-2 - s` for set s; it ends at `ends`.
    """

    __slots__ = (
        "_index",
        "_keys",
        "_load",
        "_text",
        "cpu",
        "definition",
        "ends",
        "extras",
        "log_at",
        "log_file",
        "log_length",
        "made",
        "made_ends",
        "node",
        "rss",
        "rule",
        "taken",
        "tries",
        "values",
        "wall",
    )

    def __init__(self, rule: str, definition: str, load: Callable[[str], array[Any]] | None = None) -> None:
        self.rule = rule
        self.definition = definition
        self._keys: list[str] | None = []
        self._text: str | None = None
        self._index: dict[str, int] | None = None
        self._load = load
        self.values: dict[int, list[Any]] = {}
        """What else was put into the command of a row: see `Rule.row_values`."""
        self.extras: dict[int, dict[str, Any]] = {}
        """`dep`, `prod` and `as` of the rows that have them."""
        if load is None:
            for name, kind in COLUMNS.items():
                setattr(self, name, array(kind))

    if TYPE_CHECKING:
        taken: array[int]
        ends: array[int]
        made: array[int]
        made_ends: array[int]
        wall: array[float]
        cpu: array[float]
        rss: array[int]
        tries: array[int]
        node: array[int]
        log_file: array[int]
        log_at: array[int]
        log_length: array[int]
    else:

        def __getattr__(self, name: str) -> array:
            # a folded column is read when it is asked for: a plan needs no cpu seconds
            if name not in COLUMNS or self._load is None:
                raise AttributeError(name)
            column = self._load(name)
            setattr(self, name, column)
            return column

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def keys(self) -> list[str]:
        """The key of each row."""
        if self._keys is None:
            assert self._text is not None  # noqa: S101  # one of the two is there
            self._keys = self._text.split(BETWEEN) if self._text else []
        return self._keys

    @property
    def text(self) -> str:
        """All keys, with `BETWEEN` between them."""
        if self._text is None:
            self._text = BETWEEN.join(self.keys)
        return self._text

    def set_keys(self, keys: list[str]) -> None:
        """Take the keys of rows whose columns are set as well."""
        self._keys, self._text, self._index = keys, None, None

    def lend_keys(self, keys: list[str]) -> None:
        """Take the keys from who has them too, to save splitting and keeping them."""
        if self._keys is None:
            self._keys = keys

    def set_text(self, text: str) -> None:
        """Take keys as they were folded; they are split only when asked for."""
        self._text, self._keys = text, None

    @property
    def index(self) -> dict[str, int]:
        """Rows by key."""
        if self._index is None:
            self._index = dict(zip(self.keys, range(len(self)), strict=True))
        return self._index

    def taken_by(self, row: int) -> array[int]:
        """Return what a task took: versions and sets."""
        return self.taken[self.ends[row - 1] if row else 0 : self.ends[row]]

    def made_by(self, row: int) -> array[int]:
        """Return the versions of what a task made, in the order of the rule's outputs."""
        return self.made[self.made_ends[row - 1] if row else 0 : self.made_ends[row]]

    def arity(self) -> int | None:
        """Return how many entries each row took, or None if that differs."""
        count = len(self)
        if not count:
            return None
        width, rest = divmod(len(self.taken), count)
        if rest or (width and self.ends != array("q", range(width, width * count + 1, width))):
            return None
        return width

    def append(self, key: str, taken: Sequence[int], made: Sequence[int], rest: Sequence[float]) -> int:
        """Add a row; `rest` holds the columns from `wall` on."""
        row = len(self)
        self.keys.append(key)
        self._text = None
        if self._index is not None:
            self._index[key] = row
        self.taken.extend(array("i", taken))
        self.ends.append(len(self.taken))
        self.made.extend(array("i", made))
        self.made_ends.append(len(self.made))
        wall, cpu, rss, tries, node, log_file, log_at, log_length = rest
        self.wall.append(wall)
        self.cpu.append(cpu)
        self.rss.append(rss)  # type: ignore[arg-type]  # the columns from here on are whole numbers
        self.tries.append(tries)  # type: ignore[arg-type]
        self.node.append(node)  # type: ignore[arg-type]
        self.log_file.append(log_file)  # type: ignore[arg-type]
        self.log_at.append(log_at)  # type: ignore[arg-type]
        self.log_length.append(log_length)  # type: ignore[arg-type]
        return row

    def rest_of(self, row: int) -> list[float]:
        """Return the columns of a row from `wall` on."""
        return [getattr(self, name)[row] for name in REST]


class Versions:
    """Every stamp of a file that some task took or made.

    Those that were folded stay one text until somebody asks for a path: `head` is their number.  What came later is not
    looked up among them, so that a few records on top of a million cost no more than they are.
    """

    __slots__ = ("_index", "_paths", "_tail", "hashes", "head", "head_text", "mtimes", "sizes", "uncertain")

    def __init__(self) -> None:
        self.head = 0
        self.head_text = ""
        self._tail: list[str] = []
        self._paths: list[str] | None = []
        self.mtimes = array("q")
        self.sizes = array("q")
        self.hashes: dict[int, str] = {}
        self.uncertain: set[int] = set()
        """Versions whose stamp was taken so soon after the file's own time that a later change may not show in it."""
        self._index: dict[tuple[object, ...], int] = {}

    def __len__(self) -> int:
        return len(self.mtimes)

    @property
    def paths(self) -> list[str]:
        """The path of each version."""
        if self._paths is None:
            self._paths = (self.head_text.split("\0") if self.head else []) + self._tail
        return self._paths

    @property
    def tail(self) -> list[str]:
        """The paths of those that came after the fold."""
        return self._tail

    def set_text(self, text: str, count: int) -> None:
        """Take paths as they were folded; they are split only when asked for."""
        self.head_text, self.head = text, count
        self._paths = None

    def lend_paths(self, paths: list[str]) -> None:
        """Take the paths of those that were folded from who has them too, to save splitting and keeping them."""
        if self._paths is None:
            self._paths = paths + self._tail

    def number(self, path: str, mtime: int, size: int, digest: str | None = None, *, is_uncertain: bool = False) -> int:
        """Return the number of a version; a new one is added."""
        key = (path, mtime, size, digest, is_uncertain)
        number = self._index.get(key)
        if number is None:
            number = self._index[key] = len(self)
            self._tail.append(path)
            if self._paths is not None:
                self._paths.append(path)
            self.mtimes.append(mtime)
            self.sizes.append(size)
            if digest is not None:
                self.hashes[number] = digest
            if is_uncertain:
                self.uncertain.add(number)
        return number

    def stamp(self, number: int) -> Stamp:
        """Return the stamp of a version."""
        return self.mtimes[number], self.sizes[number]

    def find_same(self) -> dict[int, int]:
        """Return for versions that came after the fold and are one of the folded which one that is."""
        if not self.head or not self._tail:
            return {}
        names = set(self._tail)
        paths = self.paths
        return {
            self._index[key]: number
            for number in range(self.head)
            if paths[number] in names and (key := self._key(number)) in self._index
        }

    def _key(self, number: int) -> tuple[object, ...]:
        return (
            *(self.paths[number], self.mtimes[number], self.sizes[number]),
            *(self.hashes.get(number), number in self.uncertain),
        )
