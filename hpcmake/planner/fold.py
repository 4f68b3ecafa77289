"""The folded history: one compact text of all that counts, written in the order of the plan.

Owns the form of that text.  Knows nothing of where it lies.

A line of magic, a line with the CRC-32 and length of the head, the head (JSON), then the columns as they are in memory.
The head says of each column its kind, length and CRC-32.  Columns are not lines of JSON, since a million tasks must be
read in a second; `zlib`'s CRC-32 guards them, since it is the checksum that Python computes at the speed of the disk.
"""

from __future__ import annotations

from array import array
from zlib import crc32

from hpcmake.planner.history import History
from hpcmake.planner.ledger import COLUMNS, NO_STAMP, Ledger

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
    merged: dict[tuple[str, str], list[tuple[int, Ledger, int]]] = {}
    rank: dict[str, int] = {}
    for rule in history.rules():
        rank.update((key, at) for at, key in enumerate(order.get(rule, ())))
        for past in history.all_of(rule):
            key = past.ledger.keys[past.row]
            place = rank.get(key, len(rank))
            merged.setdefault((rule, past.ledger.definition), []).append((place, past.ledger, past.row))
    ledgers = []
    for (rule, definition), rows in merged.items():
        fresh = Ledger(rule, definition)
        rows.sort(key=lambda each: each[0])
        for _, old, row in rows:
            at = fresh.append(old.keys[row], old.taken_by(row), old.made_by(row), old.rest_of(row))
            for name in ("values", "extras"):
                found = getattr(old, name).get(row)
                if found is not None:
                    getattr(fresh, name)[at] = found
        ledgers.append(fresh)
    return ledgers


def _versions(history: History, ledgers: list[Ledger], paths: Sequence[str]) -> tuple[list[int], array[int], list[int]]:
    """Return the versions in use in the order of `paths`, their new numbers by the old, and the sets in use."""
    versions = history.versions
    used = bytearray(len(versions))
    sets_used = sorted({-2 - entry for ledger in ledgers for entry in set(ledger.taken) if entry < 0})
    for ledger in ledgers:
        for column in (ledger.taken, ledger.made):
            for entry in column:
                if entry >= 0:
                    used[entry] = 1
    for number in sets_used:
        for entry in history.sets[number]:
            used[entry] = 1
    rank = {path: at for at, path in enumerate(paths)}
    last = len(rank)
    # of several versions of a path the newest number comes first, so that the current ones stand in the plan's order
    newest: dict[str, int] = {}
    all_paths = versions.paths
    for number in range(len(versions)):
        if used[number] and versions.mtimes[number] != NO_STAMP:
            newest[all_paths[number]] = number
    keep = [number for number in range(len(versions)) if used[number]]
    keep.sort(key=lambda n: (newest.get(all_paths[n]) != n, rank.get(all_paths[n], last)))
    renumber = array("i", [-1]) * len(versions)
    for at, number in enumerate(keep):
        renumber[number] = at
    return keep, renumber, sets_used


def render_fold(
    history: History, covers: Mapping[str, int], order: Mapping[str, Sequence[str]], paths: Sequence[str]
) -> Iterator[bytes]:
    """Yield the folded text of a history.

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
    used = {ledger.definition for ledger in ledgers}
    rest = {
        "covers": dict(covers),
        "definitions": {
            name: of for name, of in history.definitions.items() if name in used or _is_named(history, name)
        },
        "others": list(history.others.values()),
        "kept": history.kept,
        "names": history.names,
        "set names": {name: set_numbers[n] for name, n in history.set_names.items() if n in set_numbers},
        "uncertain": [int(renumber[n]) for n in sorted(versions.uncertain) if renumber[n] >= 0],
        "hashes": [(int(renumber[n]), digest) for n, digest in versions.hashes.items() if renumber[n] >= 0],
    }
    columns.append(("rest", _json(rest)))
    head = _json({"ledgers": heads, "columns": [(name, len(raw), crc32(raw)) for name, raw in columns]})
    yield MAGIC
    yield b"%08x %d\n" % (crc32(head), len(head))
    yield head
    for _, raw in columns:
        yield raw


def _is_named(history: History, definition: str) -> bool:
    return any(record.get("c") == definition for record in history.others.values())


def _json(value: object) -> bytes:
    from json import dumps  # the journal has it already

    return dumps(value, separators=(",", ":")).encode("ascii")


class _Columns:
    """The columns of a folded text, checked when they are asked for."""

    def __init__(self, raw: memoryview, start: int, table: list[tuple[str, int, int]]) -> None:
        self.raw = memoryview(raw)
        self.where: dict[str, tuple[int, int, int]] = {}
        for name, length, checksum in table:
            self.where[name] = (start, length, checksum)
            start += length
        if start != len(self.raw):
            message = f"it has {len(self.raw)} bytes, and should have {start}"
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
        return made

    def json(self, name: str) -> Any:
        from json import loads

        return loads(bytes(self.bytes(name)))


def parse_fold(raw: bytes | mmap) -> History:
    """Return the history of a folded text.  Raises FoldError if it is damaged or cut."""
    from json import loads

    view = memoryview(raw)
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
        columns = _Columns(view, start + int(length), head["columns"])
    except (ValueError, KeyError) as problem:
        if isinstance(problem, FoldError):
            raise
        message = "its head is damaged"
        raise FoldError(message) from None
    return _rebuild(head, columns)


def _rebuild(head: dict[str, Any], columns: _Columns) -> History:
    history = History()
    history.exists = True
    versions = history.versions
    versions.set_text(columns.text("paths"))
    versions.mtimes = columns.array("mtimes", "q")
    versions.sizes = columns.array("sizes", "q")
    rest = columns.json("rest")
    history.covers = rest["covers"]
    history.definitions = rest["definitions"]
    history.others = {record["t"]: record for record in rest["others"]}
    history.kept = rest["kept"]
    history.names = rest["names"]
    history.set_names = rest["set names"]
    count = sum(1 for name in columns.where if name.startswith("set "))
    history.sets = [columns.array(f"set {at}", "i") for at in range(count)]
    versions.uncertain = set(rest.get("uncertain", ()))
    versions.hashes = {int(number): digest for number, digest in rest["hashes"]}
    for at, each in enumerate(head["ledgers"]):
        ledger = Ledger(each["rule"], each["definition"], _loader(columns, at))
        ledger.set_text(columns.text(f"{at} keys"))
        sparse = columns.json(f"{at} sparse")
        ledger.values = dict(sparse["values"])
        ledger.extras = dict(sparse["extras"])
        history.folded.setdefault(ledger.rule, []).append(ledger)
    return history


def _loader(columns: _Columns, at: int) -> Callable[[str], array[Any]]:
    return lambda name: columns.array(f"{at} {name}", COLUMNS[name])
