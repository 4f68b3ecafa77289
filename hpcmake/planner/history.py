"""What earlier runs recorded, kept as columns.

Owns the successes of tasks, what they took and made, and what became of the others.  Knows nothing of files on the disk,
nor of how records reach it: it is given them, and a folded text of itself.

A stamp of a file that some task took or made is one *version*; a task's inputs are numbers of versions.  What ten
thousand tasks took is written once, and comparing them all with today's files is comparing arrays.
"""

from __future__ import annotations

from array import array

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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


REST = tuple(COLUMNS)[4:]
"""The columns that a plan does not need."""


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
            self._keys = self._text.split("\1") if self._text else []
        return self._keys

    @property
    def text(self) -> str:
        """All keys, parted by U+0001."""
        if self._text is None:
            self._text = "\1".join(self.keys)
        return self._text

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
        for name, value in zip(REST, rest, strict=True):
            getattr(self, name).append(value)
        return row

    def rest_of(self, row: int) -> list[float]:
        """Return the columns of a row from `wall` on."""
        return [getattr(self, name)[row] for name in REST]


class Versions:
    """Every stamp of a file that some task took or made."""

    __slots__ = ("_index", "_paths", "_text", "hashes", "mtimes", "sizes", "uncertain")

    def __init__(self) -> None:
        self._paths: list[str] | None = []
        self._text: str | None = None
        self.mtimes = array("q")
        self.sizes = array("q")
        self.hashes: dict[int, str] = {}
        self.uncertain: set[int] = set()
        """Versions whose stamp was taken so soon after the file's own time that a later change may have left it the same."""
        self._index: dict[tuple[str, int, int], int] | None = None

    def __len__(self) -> int:
        return len(self.mtimes)

    @property
    def paths(self) -> list[str]:
        """The path of each version."""
        if self._paths is None:
            assert self._text is not None  # noqa: S101  # one of the two is there
            self._paths = self._text.split("\0") if self._text else []
        return self._paths

    @property
    def text(self) -> str:
        """All paths, parted by NULs."""
        if self._text is None:
            self._text = "\0".join(self.paths)
        return self._text

    def set_text(self, text: str) -> None:
        """Take paths as they were folded; they are split only when asked for."""
        self._text, self._paths = text, None

    def number(self, path: str, mtime: int, size: int, digest: str | None = None) -> int:
        """Return the number of a version; a new one is added."""
        if self._index is None:
            self._index = dict(
                zip(zip(self.paths, self.mtimes, self.sizes, strict=True), range(len(self)), strict=True)
            )
        key = (path, mtime, size)
        number = self._index.get(key)
        if number is None:
            number = self._index[key] = len(self)
            self.paths.append(path)
            self._text = None
            self.mtimes.append(mtime)
            self.sizes.append(size)
        if digest is not None:
            self.hashes[number] = digest
        return number

    def stamp(self, number: int) -> Stamp:
        """Return the stamp of a version."""
        return self.mtimes[number], self.sizes[number]


class History:
    """All that the journal says.

    `exists` is false if there is no journal at all.  `folded` holds the ledgers that were folded, by rule; `recent` finds
    the successes that came later, which hide older ones.  `others` holds, by task, the last record that is no success and
    that came after the last success.
    """

    def __init__(self) -> None:
        self.exists = False
        self.versions = Versions()
        self.sets: list[array[int]] = []
        self.set_names: dict[str, int] = {}
        self.definitions: dict[str, dict[str, Any]] = {}
        self.folded: dict[str, list[Ledger]] = {}
        self.recent: dict[str, Past] = {}
        self.others: dict[str, dict[str, Any]] = {}
        self.names: list[str] = []
        """Names of nodes and of files of output, by number."""
        self._name_numbers: dict[str, int] = {}
        self.kept: list[dict[str, Any]] = []
        """Records of unknown kinds, kept for whoever knows them."""
        self.gone: set[str] = set()
        """Keys of folded rows that count no more: their tasks are no longer known."""
        self._ledgers: dict[tuple[str, str], Ledger] = {}
        self.covers: dict[str, int] = {}
        """The live files, and how much of each, that the folded file holds."""

    # ------------------------------------------------------------ asking

    def find(self, key: str, rule: str) -> Past | None:
        """Return the recorded success of a task by its key, or None."""
        past = self.recent.get(key)
        if past is not None:
            return past
        if key in self.gone:
            return None
        for ledger in self.folded.get(rule, ()):
            row = ledger.index.get(key)
            if row is not None:
                return Past(ledger, row)
        return None

    def all_of(self, rule: str) -> Iterator[Past]:
        """Yield every success of a rule that counts."""
        for ledger in self.folded.get(rule, ()):
            for row, key in enumerate(ledger.keys):
                if key not in self.recent and key not in self.gone:
                    yield Past(ledger, row)
        for past in self.recent.values():
            if past.ledger.rule == rule:
                yield past

    def rules(self) -> list[str]:
        """Return the names of all rules with successes."""
        return list(dict.fromkeys([*self.folded, *(past.ledger.rule for past in self.recent.values())]))

    def walls(self, rule: str) -> list[float]:
        """Return the wall seconds of successes of a rule, as far as they were measured."""
        found: list[float] = []
        for ledger in [*self.folded.get(rule, ()), *(led for (name, _), led in self._ledgers.items() if name == rule)]:
            found += [wall for wall in ledger.wall if wall >= 0]
        return found

    def made_paths(self, past: Past) -> list[tuple[str, Stamp]]:
        """Return what a success made: outputs with the stamps they had."""
        return [(self.versions.paths[v], self.versions.stamp(v)) for v in past.ledger.made_by(past.row)]

    def produced(self, past: Past) -> list[tuple[str, Stamp]] | None:
        """Return what a success of a rule with `produces` produced, or None if that is not in its record."""
        found = past.ledger.extras.get(past.row, {}).get("prod")
        if found is None:
            return None
        return [(path, (mtime, size)) for path, mtime, size in found]

    # ------------------------------------------------------------ taking records

    def take(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Add records in the order in which they were written."""
        for record in records:
            self.exists = True
            kind = record.get("k")
            try:
                if kind in {"ok", "adopted"}:
                    self._success(record)
                elif kind in {"fail", "cut", "gave up"}:
                    self.others[record["t"]] = dict(record)
                elif kind == "launch":
                    for task in record["ts"]:
                        self.others[task] = {"k": "launch", "t": task, "n": record.get("n", "")}
                elif kind == "unlaunch":
                    for task in record["ts"]:
                        if self.others.get(task, {}).get("k") == "launch":
                            del self.others[task]
                elif kind == "def":
                    self.definitions[record["id"]] = record["of"]
                elif kind == "set":
                    self._set(record)
                elif kind == "forget":
                    for key in record["keys"]:
                        self.recent.pop(key, None)
                        self.gone.add(key)
                elif kind != "run":
                    self.kept.append(dict(record))
            except (KeyError, TypeError, ValueError, IndexError):
                self.kept.append(dict(record))  # not as we know it: kept for whoever does

    def _set(self, record: Mapping[str, Any]) -> None:
        if record["id"] not in self.set_names:
            self.set_names[record["id"]] = len(self.sets)
            self.sets.append(array("i", [self._version(entry) for entry in record["files"]]))

    def _version(self, entry: Sequence[Any]) -> int:
        if len(entry) == 1:
            return self.versions.number(entry[0], NO_STAMP, NO_STAMP)
        number = self.versions.number(entry[0], entry[1], entry[2], entry[3] if len(entry) > 3 else None)  # noqa: PLR2004
        if len(entry) > 4:  # noqa: PLR2004  # path, mtime, size, hash, and that the stamp alone does not tell
            self.versions.uncertain.add(number)
        return number

    def _success(self, record: Mapping[str, Any]) -> None:
        name = record["t"]
        rule = name.partition("[")[0]
        taken = [-2 - self.set_names[e["set"]] if isinstance(e, dict) else self._version(e) for e in record["in"]]
        made = [self._version(entry) for entry in record["out"]]
        key = record["out"][0][0] if made else "\0" + name
        ledger = self._ledger(rule, record["c"])
        log = record.get("log") or ("", 0, 0)
        rest = (
            record.get("w", -1.0),
            record.get("cpu", -1.0),
            record.get("rss", -1),
            record.get("a", 1),
            self._name_number(record.get("n", "")),
            self._name_number(log[0]),
            log[1],
            log[2],
        )
        row = ledger.append(key, taken, made, rest)
        if record.get("v"):
            ledger.values[row] = list(record["v"])
        extras = {name: record[name] for name in ("dep", "prod", "as") if name in record}
        if extras:
            ledger.extras[row] = extras
        self.others.pop(name, None)
        self.gone.discard(key)
        self.recent[key] = Past(ledger, row)

    def _name_number(self, name: str) -> int:
        if not name:
            return -1
        if len(self._name_numbers) != len(self.names):
            self._name_numbers = {each: at for at, each in enumerate(self.names)}
        number = self._name_numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    def _ledger(self, rule: str, definition: str) -> Ledger:
        ledger = self._ledgers.get((rule, definition))
        if ledger is None:
            ledger = self._ledgers[rule, definition] = Ledger(rule, definition)
        return ledger

    def hash_of(self, path: str, stamp: Stamp) -> str | None:
        """Return the hash that a version of a file is known to have, or None."""
        versions = self.versions
        if not versions.hashes:
            return None
        number = versions.number(path, *stamp)
        return versions.hashes.get(number)
