"""What earlier runs recorded.

Owns the successes of tasks that count, and what became of the others.  Knows nothing of files on the disk, nor of how
records reach it: it is given them, and a folded text of itself.
"""

from __future__ import annotations

from array import array

from hpcmake.tasks.ledger import NO_STAMP, Ledger, Past, Versions
from hpcmake.tasks.records import find_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from hpcmake.model import Stamp

PASSIVE = frozenset({"adopted", "def", "set"})
"""Records that an adoption writes: until another one follows them it was cut short, and is gone on with."""


class History:
    """All that the journal says.

    `exists` is false if there is no journal at all, or nothing in it but an adoption that was cut short.  `folded`
    holds the ledgers that were folded, by rule; `recent` finds the successes that came later, which hide older ones.
    `others` holds, by task, the last record that is no success and that came after the last success.
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
        self.mended = ""
        """What was damaged in the folded text and could be mended, or cost no more than what was measured."""
        self.faults: list[str] = []
        """What is wrong with records of known kinds that do not say what they must."""
        self.gone: set[str] = set()
        """Keys of folded rows that count no more: their tasks are no longer known."""
        self._ledgers: dict[tuple[str, str], Ledger] = {}
        self.covers: dict[str, int] = {}
        """The live files, and how much of each, that the folded file holds."""

    # ------------------------------------------------------------ asking

    def find(self, key: str, rule: str, row: int = -1) -> Past | None:
        """Return the recorded success of a task by its key, or None; `row` is where it is likely to be."""
        past = self.recent.get(key)
        if past is not None:
            return past
        if key in self.gone:
            return None
        own = self.folded.get(rule, ())
        for ledger in own:
            if 0 <= row < len(ledger) and ledger.keys[row] == key:
                return Past(ledger, row)
        for ledger in own:
            at = ledger.index.get(key)
            if at is not None:
                return Past(ledger, at)
        # what counts is what was made and how, not what the rule was called then
        for name, ledgers in self.folded.items():
            for ledger in ledgers if name != rule else ():
                at = ledger.index.get(key)
                if at is not None:
                    return Past(ledger, at)
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

    def ledgers_of(self, rule: str) -> list[Ledger]:
        """Return the ledgers of a rule: those that were folded, and those that came later."""
        return [*self.folded.get(rule, ()), *(ledger for (name, _), ledger in self._ledgers.items() if name == rule)]

    def walls(self, rule: str) -> list[float]:
        """Return the wall seconds of successes of a rule, as far as they were measured."""
        found: list[float] = []
        for ledger in self.ledgers_of(rule):
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
        """Add records in the order in which they were written.

        One that is not as its kind must be counts for nothing, and is noted in `faults`.
        """
        for record in records:
            kind = record.get("k")
            fault = find_fault(record)
            if fault is not None:
                self.faults.append(fault)
                self.exists = True
                continue
            if kind not in PASSIVE:
                self.exists = True
            if kind in {"ok", "adopted"}:
                if not self._success(record):
                    self.faults.append(f"it names a set of files that is not there, for {record['t']}")
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

    def _set(self, record: Mapping[str, Any]) -> None:
        if record["id"] not in self.set_names:
            self.set_names[record["id"]] = len(self.sets)
            self.sets.append(array("i", [self._version(entry) for entry in record["files"]]))

    def _version(self, entry: Sequence[Any]) -> int:
        if len(entry) == 1:
            return self.versions.number(entry[0], NO_STAMP, NO_STAMP)
        # path, mtime, size, hash, and that the stamp alone does not tell
        path, mtime, size, *more = entry
        return self.versions.number(path, mtime, size, more[0] if more else None, is_uncertain=len(more) > 1)

    def _success(self, record: Mapping[str, Any]) -> bool:
        """Take a success; return whether all sets of files that it names are known."""
        name = record["t"]
        rule = name.partition("[")[0]
        if any(isinstance(each, dict) and each["set"] not in self.set_names for each in record["in"]):
            return False
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
        return True

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
