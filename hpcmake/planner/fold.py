"""The folded history: one compact text of all that counts, written in the order of the plan.

Owns the form of that text.  Knows nothing of where it lies.

A line of magic, a line with the CRC-32 and length of the head, the head (JSON), then the columns as they are in memory.
The head says of each column its kind, length and CRC-32.  Columns are not lines of JSON, since a million tasks must be
read in a second; `zlib`'s CRC-32 guards them, since it is the checksum that Python computes at the speed of the disk.
"""

from __future__ import annotations

from array import array
from sys import byteorder
from zlib import crc32

from hpcmake.planner.parity import find_mended, with_parity
from hpcmake.tasks.history import History
from hpcmake.tasks.ledger import BETWEEN, COLUMNS, NEEDED, NO_STAMP, REST, Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from mmap import mmap
    from typing import Any

VERSION = 1
_NAME = b"hpcmake journal "
MAGIC = _NAME + b"%d\n" % VERSION


class FoldError(ValueError):
    """A folded text that cannot be read: cut, damaged, or of a later version."""


class LaterFoldError(FoldError):
    """A folded text that a later version of hpcmake has written."""


def _ordered(history: History, order: Mapping[str, Sequence[str]]) -> list[Ledger]:
    """Return all that counts in ledgers of its own, the rows of each in the order of the plan."""
    counting: dict[tuple[str, str], list[tuple[Ledger, Sequence[int]]]] = {}
    hidden = history.recent.keys() | history.gone
    for ledgers in history.folded.values():
        for ledger in ledgers:
            rows: Sequence[int] = range(len(ledger))
            if not hidden.isdisjoint(ledger.keys):
                rows = [row for row, key in enumerate(ledger.keys) if key not in hidden]
            counting.setdefault((ledger.rule, ledger.definition), []).append((ledger, rows))
    recent: dict[int, tuple[Ledger, list[int]]] = {}
    for past in history.recent.values():
        recent.setdefault(id(past.ledger), (past.ledger, []))[1].append(past.row)
    for ledger, rows in recent.values():
        counting.setdefault((ledger.rule, ledger.definition), []).append((ledger, rows))
    made = []
    for (rule, definition), sources in sorted(counting.items(), key=lambda each: each[0]):
        if any(rows for _, rows in sources):
            made.append(_gather(Ledger(rule, definition), sources, order.get(rule, ())))
    return made


def _gather(made: Ledger, sources: list[tuple[Ledger, Sequence[int]]], order: Sequence[str]) -> Ledger:
    """Fill a ledger with rows of others, in an order of keys; those that it does not name come last."""
    keys = [ledger.keys[row] for ledger, rows in sources for row in rows]
    where = {key: at for at, key in enumerate(order)}
    places = [where.get(key, len(where)) for key in keys]
    turn = sorted(range(len(keys)), key=places.__getitem__)
    is_turned = turn != list(range(len(keys)))
    made.set_keys([keys[at] for at in turn] if is_turned else keys)
    for name in REST:
        column: array[Any] = array(COLUMNS[name])
        for ledger, rows in sources:
            old = getattr(ledger, name)
            column.extend(old if len(rows) == len(old) else array(COLUMNS[name], map(old.__getitem__, rows)))
        setattr(made, name, array(COLUMNS[name], map(column.__getitem__, turn)) if is_turned else column)
    for name, ends in (("taken", "ends"), ("made", "made_ends")):
        lists = [
            each for ledger, rows in sources for each in _pieces(getattr(ledger, name), getattr(ledger, ends), rows)
        ]
        column = array("i")
        stops = array("q")
        for at in turn:
            column.extend(lists[at])
            stops.append(len(column))
        setattr(made, name, column)
        setattr(made, ends, stops)
    for name in ("values", "extras"):
        sparse = [getattr(ledger, name).get(row) for ledger, rows in sources for row in rows]
        setattr(made, name, {at: sparse[old] for at, old in enumerate(turn) if sparse[old] is not None})
    return made


def _pieces(column: array[int], ends: array[int], rows: Sequence[int]) -> Iterator[array[int]]:
    """Yield the part of a column that belongs to each row."""
    for row in rows:
        yield column[ends[row - 1] if row else 0 : ends[row]]


def _versions(history: History, ledgers: list[Ledger], paths: Sequence[str]) -> tuple[list[int], array[int], list[int]]:
    """Return the versions in use in the order of `paths`, their new numbers by the old, and the sets in use."""
    versions = history.versions
    same = versions.find_same()
    used = bytearray(len(versions))
    entries: set[int] = set()
    for ledger in ledgers:
        entries.update(ledger.taken, ledger.made)
    sets_used = sorted(-2 - entry for entry in entries if entry < 0)
    entries.update(*(history.sets[number] for number in sets_used))
    for entry in entries:
        if entry >= 0:
            used[same.get(entry, entry)] = 1
    rank = {path: at for at, path in enumerate(paths)}
    last = len(rank)
    # of several versions of a path the newest comes first, so that the current ones stand in the plan's order
    newest: dict[str, int] = {}
    all_paths, mtimes = versions.paths, versions.mtimes
    for number in range(len(versions)):
        if used[number] and mtimes[number] != NO_STAMP:
            other = newest.setdefault(all_paths[number], number)
            if other != number and mtimes[number] > mtimes[other]:
                newest[all_paths[number]] = number
    keep = [number for number in range(len(versions)) if used[number]]
    keep.sort(key=lambda n: (newest.get(all_paths[n]) != n, rank.get(all_paths[n], last)))
    renumber = array("i", [-1]) * len(versions)
    for at, number in enumerate(keep):
        renumber[number] = at
    for number, other in same.items():
        renumber[number] = renumber[other]
    return keep, renumber, sets_used


def render_fold(
    history: History, covers: Mapping[str, int], order: Mapping[str, Sequence[str]], paths: Sequence[str]
) -> Iterator[bytes]:
    """Return the folded text of a history, in pieces.

    `covers` names the live files, and how much of each, that are in it; `order` gives the keys of each rule's tasks in
    the order of the plan, `paths` its files: the more of them agree next time, the less is looked up.
    """
    ledgers = _ordered(history, order)
    keep, renumber, sets_used = _versions(history, ledgers, paths)
    versions = history.versions
    set_numbers = {old: new for new, old in enumerate(sets_used)}
    columns: list[tuple[str, bytes]] = []
    all_paths = versions.paths
    columns.append(("paths", "\0".join([all_paths[n] for n in keep]).encode("utf-8", "surrogateescape")))
    columns.append(("mtimes", array("q", [versions.mtimes[n] for n in keep]).tobytes()))
    columns.append(("sizes", array("q", [versions.sizes[n] for n in keep]).tobytes()))
    columns += [
        (f"set {at}", array("i", [renumber[v] for v in history.sets[old]]).tobytes()) for old, at in set_numbers.items()
    ]
    heads = []
    for at, ledger in enumerate(ledgers):
        taken = array("i", [renumber[e] if e >= 0 else -2 - set_numbers[-2 - e] for e in ledger.taken])
        made = array("i", [renumber[e] for e in ledger.made])
        columns.append((f"{at} keys", ledger.text.encode("utf-8", "surrogateescape")))
        columns += [(f"{at} taken", taken.tobytes()), (f"{at} made", made.tobytes())]
        columns += [
            (f"{at} {name}", getattr(ledger, name).tobytes()) for name in COLUMNS if name not in {"taken", "made"}
        ]
        sparse = {name: list(getattr(ledger, name).items()) for name in ("values", "extras")}
        columns.append((f"{at} sparse", _json(sparse)))
        heads.append({"rule": ledger.rule, "definition": ledger.definition, "rows": len(ledger)})
    used = {ledger.definition for ledger in ledgers} | {str(record.get("c")) for record in history.others.values()}
    rest = {
        "covers": dict(covers),
        "definitions": {name: of for name, of in history.definitions.items() if name in used},
        "others": list(history.others.values()),
        "kept": history.kept,
        "names": history.names,
        "set names": {name: set_numbers[n] for name, n in history.set_names.items() if n in set_numbers},
        "uncertain": sorted({renumber[n] for n in versions.uncertain if renumber[n] >= 0}),
        "hashes": sorted({(renumber[n], digest) for n, digest in versions.hashes.items() if renumber[n] >= 0}),
    }
    columns.append(("rest", _json(rest)))
    head = _json(
        {
            "order": byteorder,
            "ledgers": heads,
            "columns": [(name, len(raw), crc32(raw)) for name, raw in columns],
        }
    )
    chunks = [MAGIC, b"%08x %d\n" % (crc32(head), len(head)), head, *(raw for _, raw in columns)]
    return with_parity(chunks, sum(map(len, chunks)))


def _json(value: object) -> bytes:
    from json import dumps  # the journal has it already

    return dumps(value, separators=(",", ":")).encode("ascii")


class _Columns:
    """The columns of a folded text, checked when they are asked for."""

    def __init__(self, raw: memoryview, start: int, head: dict[str, Any]) -> None:
        self.raw = raw
        self.is_swapped = head["order"] != byteorder
        self.where: dict[str, tuple[int, int, int]] = {}
        for name, length, checksum in head["columns"]:
            self.where[name] = (start, length, checksum)
            start += length
        if start > len(raw):
            message = f"it has {len(raw)} bytes, and should have more than {start}"
            raise FoldError(message)

    def bytes(self, name: str) -> memoryview:
        start, length, checksum = self.where[name]
        piece = self.raw[start : start + length]
        if crc32(piece) != checksum:
            message = f"its column `{name}` is damaged"
            raise FoldError(message)
        return piece

    def text(self, name: str) -> str:
        return str(self.bytes(name), "utf-8", "surrogateescape")

    def array(self, name: str, kind: str) -> array[Any]:
        made: array[Any] = array(kind)
        made.frombytes(self.bytes(name))
        if self.is_swapped:
            made.byteswap()
        return made

    def json(self, name: str) -> Any:
        from json import loads

        return loads(bytes(self.bytes(name)))


def parse_fold(raw: bytes | mmap) -> History:
    """Return the history of a folded text; what was damaged in it and could be mended is in `History.mended`.

    Raises FoldError if it is damaged beyond that, or cut.
    """
    view = memoryview(raw)
    try:
        return _parse(view)
    except FoldError as problem:
        mended = find_mended(view)
        if mended is None:
            raise
        history = _parse(memoryview(mended))
        history.mended = str(problem)
        return history


def _parse(view: memoryview) -> History:
    columns, head = _parse_head(view)
    try:
        return _rebuild(head, columns)
    except FoldError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        message = "what it holds is not what it must be"
        raise FoldError(message) from None


def _parse_head(view: memoryview) -> tuple[_Columns, dict[str, Any]]:
    from json import loads

    first = bytes(view[: len(MAGIC)])
    if first != MAGIC:
        if first[: len(_NAME)] == _NAME and first[len(_NAME) : -1].isdigit():
            message = f"it has version {int(first[len(_NAME) : -1])} of its form, and this one knows {VERSION}"
            raise LaterFoldError(message)
        message = "it does not begin as a folded journal does"
        raise FoldError(message)
    line = bytes(view[len(MAGIC) : len(MAGIC) + 40]).split(b"\n", 1)[0]
    try:
        checksum, length = line.split(b" ")
        start = len(MAGIC) + len(line) + 1
        head_raw = bytes(view[start : start + int(length)])
        if crc32(head_raw) != int(checksum, 16):
            raise ValueError  # noqa: TRY301  # told below, with all else that is no head
        head = loads(head_raw)
        return _Columns(view, start + int(length), head), head
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        if isinstance(problem, FoldError):
            raise
        message = "its head is damaged"
        raise FoldError(message) from None


def _rebuild(head: dict[str, Any], columns: _Columns) -> History:
    history = History()
    history.exists = True
    versions = history.versions
    versions.mtimes = columns.array("mtimes", "q")
    versions.set_text(columns.text("paths"), len(versions.mtimes))
    versions.sizes = columns.array("sizes", "q")
    rest = columns.json("rest")
    history.covers = dict(rest["covers"])
    history.definitions = dict(rest["definitions"])
    history.others = {record["t"]: dict(record) for record in rest["others"]}
    history.kept = list(rest["kept"])
    history.names = list(rest["names"])
    history.set_names = dict(rest["set names"])
    count = sum(1 for name in columns.where if name.startswith("set "))
    history.sets = [columns.array(f"set {at}", "i") for at in range(count)]
    versions.hashes = {int(number): digest for number, digest in rest["hashes"]}
    versions.uncertain = set(rest["uncertain"])
    for at, each in enumerate(head["ledgers"]):
        ledger = Ledger(each["rule"], each["definition"], _loader(history, columns, at, each["rows"]))
        ledger.set_text(columns.text(f"{at} keys"))
        sparse = columns.json(f"{at} sparse")
        ledger.values = dict(sparse["values"])
        ledger.extras = dict(sparse["extras"])
        for name in NEEDED:
            setattr(ledger, name, columns.array(f"{at} {name}", COLUMNS[name]))
        _check_lengths(ledger, each["rows"])
        history.folded.setdefault(ledger.rule, []).append(ledger)
    return history


def _check_lengths(ledger: Ledger, rows: int) -> None:
    """Raise ValueError if columns do not fit each other."""
    keys = ledger.text.count(BETWEEN) + 1 if ledger.text else 0
    ends = [ledger.ends[-1], ledger.made_ends[-1]] if rows else [0, 0]
    if [keys, len(ledger.ends), len(ledger.made_ends)] != [rows] * 3 or ends != [len(ledger.taken), len(ledger.made)]:
        raise ValueError


def _loader(history: History, columns: _Columns, at: int, rows: int) -> Callable[[str], array[Any]]:
    """Return what reads a measured column when it is asked for: where it is damaged, nothing was measured."""

    def load(name: str) -> array[Any]:
        try:
            return columns.array(f"{at} {name}", COLUMNS[name])
        except FoldError as problem:
            history.mended = str(problem)
            mended = find_mended(columns.raw)
            if mended is None:
                return array(COLUMNS[name], [-1]) * rows
            columns.raw = memoryview(mended)
            return columns.array(f"{at} {name}", COLUMNS[name])

    return load
