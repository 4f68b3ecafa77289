"""Which tasks must run, each with its reason.

Owns the judgement of tasks by their records.  Knows nothing of how tasks run, nor of how the graph came about.
"""

from __future__ import annotations

from hpcmake import model
from hpcmake.planner.absent import settle_temps
from hpcmake.planner.bulk import judge_columns
from hpcmake.planner.order import components, tasks_in_order
from hpcmake.planner.reasons import difference, failure_words, first_difference, is_for_good
from hpcmake.planner.rules import ITEMS
from hpcmake.tasks.ledger import NO_STAMP
from hpcmake.tasks.rows import SOURCE, UNSET
from hpcmake.tasks.states import (
    FRESH,
    GIVEN_UP,
    IS_FORCED,
    IS_MISSING,
    IS_REMADE,
    LOST,
    MAYBE_REMADE,
    OMITTED,
    REMADE,
    STATES,
    STAYS,
    UNKNOWN,
    Choices,
    is_stale,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Sequence

    from hpcmake.planner.graph import Graph, Table
    from hpcmake.tasks.history import History
    from hpcmake.tasks.ledger import Past
    from hpcmake.tasks.stamps import Stamps


class Judge:
    """Judges tasks, makers first, and keeps what will become of each file."""

    def __init__(self, graph: Graph, history: History, stamps: Stamps, choices: Choices) -> None:
        self.graph = graph
        self.history = history
        self.stamps = stamps
        self.choices = choices
        self.will = bytearray()
        """What will become of each file."""
        self.optional: dict[int, bytearray] = {}
        """For each rule, the rows that are wanted as `maybe` only; empty if no rule has such items."""
        self.doubts: dict[int, list[tuple[int, int]]] = {}
        """Tasks of which it is not known whether they must run, each under an input that decides."""
        self.definition_of: Callable[[Table], str] = lambda _table: ""
        self.row_values: Callable[[Table, int], list[object]] = lambda _table, _row: []
        self.current: tuple[int, int, array[int]] | None = None
        """Files, versions, and for each version the file that still has its stamp: see `bulk`."""
        self._group_will: dict[int, int] = {}

    # ------------------------------------------------------------ many

    def judge(self, rows: dict[int, Sequence[int]]) -> None:
        """Judge rows of rules: the makers of what they take are among them, or were judged before.

        Raises Trouble for a cycle.
        """
        self.will.extend(bytes(len(self.graph.files) - len(self.will)))
        self._note_named(rows)
        for component in components(self.graph, rows):
            table = self.graph.tables[component[0]]
            if len(component) == 1 and component[0] not in table.needs:
                self._judge_table(table, rows[component[0]])
            else:
                for rule, row in tasks_in_order(self.graph, {rule: rows[rule] for rule in component}):
                    self._settle(self.graph.tables[rule], row)

    def _note_named(self, rows: dict[int, Sequence[int]]) -> None:
        """Let files of `produces` that are new have the fate of their task, if that was judged before."""
        named, self.graph.newly_named = self.graph.newly_named, []
        files = self.graph.files
        for number in named:
            table, row = self.graph.tables[files.rule[number]], files.row[number]
            those = rows.get(files.rule[number], ())
            if row not in those:
                self.note(table, row, table.state[row])

    def _judge_table(self, table: Table, rows: Sequence[int]) -> None:
        left: Iterable[int] = rows
        if len(rows) == table.count and not table.waiting:
            left = judge_columns(self, table)
        for row in left:
            self._settle(table, row)

    def _settle(self, table: Table, row: int) -> None:
        if any(output.temp for output in table.rule.outputs):
            settle_temps(self, table, row)
        state = self.state_of(table, row)[0]
        table.state[row] = state
        self.note(table, row, state)
        if state == UNKNOWN and row not in table.waiting:
            self.doubts.setdefault(self._doubtful(table, row), []).append((table.rule.number, row))

    def _doubtful(self, table: Table, row: int) -> int:
        """Return an input of a task of which it is not known whether it will be made."""
        for item, column in zip(table.rule.inputs, table.inputs, strict=True):
            if not item.order and self.fate(column[row]) == MAYBE_REMADE:
                return next(n for n in self.members(column[row]) if self.will[n] == MAYBE_REMADE)
        return -1

    def take_doubts(self, rows: dict[int, Sequence[int]]) -> list[tuple[int, int]]:
        """Return the tasks whose doubt has ended, now that these rows were judged."""
        if not self.doubts:
            return []
        if sum(map(len, rows.values())) < len(self.doubts):
            tables = self.graph.tables
            files: Iterable[int] = [
                number
                for rule, those in rows.items()
                for row in those
                for number in (*(column[row] for column in tables[rule].outputs), *tables[rule].named.get(row, ()))
            ]
        else:
            files = list(self.doubts)
        ended = [number for number in files if number in self.doubts and self.will[number] != MAYBE_REMADE]
        return [task for number in ended for task in self.doubts.pop(number)]

    def note(self, table: Table, row: int, state: int) -> None:
        """Note what a task's state means for its outputs."""
        fate = STAYS if state == FRESH else LOST if state == GIVEN_UP else MAYBE_REMADE if state == UNKNOWN else REMADE
        for column in table.outputs:
            self.will[column[row]] = fate
        for number in table.named.get(row, ()):
            self.will[number] = fate

    # ------------------------------------------------------------ one

    def key(self, table: Table, row: int) -> str:
        """Return the key of a task in the history."""
        if table.outputs:
            return self.graph.files.paths[table.outputs[0][row]]
        return "\0" + table.name(row)

    def past(self, table: Table, row: int) -> Past | None:
        """Return the recorded success of a task."""
        return self.history.find(self.key(table, row), table.rule.name, row)

    def state_of(self, table: Table, row: int) -> tuple[int, str | None, str]:
        """Return the state of a task, and for a stale one the file that its reason is about and more in words."""
        choices = self.choices
        rule = table.rule
        if rule.name in choices.omit or any(self._is_omitted(entry) for entry in self._entries(table, row)):
            return OMITTED, None, ""
        if row in table.waiting or any(column[row] == UNSET for column in table.inputs):
            return UNKNOWN, None, ""
        files = self.graph.files
        if choices.old and any(files.paths[column[row]] in choices.old for column in table.outputs):
            return FRESH, None, ""
        if self._is_lost(table, row):
            return GIVEN_UP, None, ""
        if choices.always or rule.name in choices.rules:
            return IS_FORCED, None, "-B" if choices.always else f"-R {rule.name}"
        state, file, detail = self._own_reason(table, row)
        if self._gives_up(table, row, state):
            return GIVEN_UP, None, ""
        if state:
            return state, file, detail
        return self._remade(table, row)

    def _own_reason(self, table: Table, row: int) -> tuple[int, str | None, str]:
        """Return the first reason that does not come from other tasks; state 0 if there is none."""
        files = self.graph.files
        for column in table.outputs:
            if not self.stamps.present[column[row]]:
                return IS_MISSING, files.paths[column[row]], ""
        past = self.past(table, row)
        if past is None:
            return self._without_record(table, row)
        for number in table.named.get(row, ()):
            if not self.stamps.present[number] and self._is_produced(past, files.paths[number]):
                return IS_MISSING, files.paths[number], ""
        other = self.history.others.get(table.name(row))
        if other is not None and other["k"] in {"fail", "gave up"}:
            return STATES[model.FAILED_BEFORE], None, failure_words(other)
        if other is not None:
            return STATES[model.INTERRUPTED], None, str(other.get("why", ""))
        changed = self._command_changed(table, row, past.ledger.definition, past.ledger.values.get(past.row, []))
        if changed is not None and changed != ITEMS:
            return STATES[model.COMMAND_CHANGED], None, changed
        found = self._inputs_changed(table, row, past.ledger.taken_by(past.row), past.ledger.extras.get(past.row, {}))
        if changed is not None and found[0] != STATES[model.INPUTS_DIFFER]:
            # the same inputs in the same order, but the command calls them otherwise
            return STATES[model.COMMAND_CHANGED], None, changed
        return found

    def _is_produced(self, past: Past, path: str) -> bool:
        return any(path == each for each, _ in self.history.produced(past) or ())

    def _without_record(self, table: Table, row: int) -> tuple[int, str | None, str]:
        if self.history.exists or not table.outputs or table.rule.produces is not None:
            return STATES[model.NO_RECORD], None, ""
        # no journal at all: make's rule, once
        stamps = self.stamps
        oldest = min(stamps.mtimes[column[row]] for column in table.outputs)
        for position, item in enumerate(table.rule.inputs):
            if item.order:
                continue
            for number in self.members(table.inputs[position][row]):
                path = self.graph.files.paths[number]
                if path in self.choices.new:
                    return STATES[model.INPUT_CHANGED], path, "-W"
                if stamps.present[number] and stamps.mtimes[number] > oldest and path not in self.choices.old:
                    return STATES[model.INPUT_CHANGED], path, "it is newer, and there is no journal"
        return FRESH, None, ""

    def _command_changed(self, table: Table, row: int, definition: str, values: list[object]) -> str | None:
        """Return how a command differs from the recorded one, None if it does not."""
        now = self.definition_of(table)
        if definition != now:
            return difference(
                self.history.definitions.get(definition), self.history.definitions.get(now) or table.rule.definition()
            )
        if table.rule.row_values and self.row_values(table, row) != values:
            return "a value in it"
        return None

    def _inputs_changed(
        self, table: Table, row: int, taken: Sequence[int], extras: dict[str, object]
    ) -> tuple[int, str | None, str]:
        versions = self.history.versions
        recorded: list[int] = []
        for entry in taken:
            recorded += [entry] if entry >= 0 else self.history.sets[-2 - entry]
        now = self.effective_inputs(table, row)
        paths = self.graph.files.paths
        then_paths = [versions.paths[version] for version in recorded]
        now_paths = [paths[number] for number in now]
        if then_paths != now_paths:
            file, detail = first_difference(then_paths, now_paths)
            return STATES[model.INPUTS_DIFFER], file, detail
        for version, number in zip(recorded, now, strict=True):
            if versions.mtimes[version] == NO_STAMP:
                continue  # `order`: its change makes nothing stale
            if self._differs(number, version):
                detail = (
                    "missing" if not self.stamps.present[number] else "-W" if paths[number] in self.choices.new else ""
                )
                return STATES[model.INPUT_CHANGED], paths[number], detail
        found = extras.get("dep")
        for path, mtime, size in found if isinstance(found, list) else ():
            if path in self.choices.old:
                continue
            stamp = self.stamps.stamp_of(path, self.graph.files.index)
            if stamp is None:
                return STATES[model.INPUT_CHANGED], path, "missing, and named by the depfile"
            if stamp != (mtime, size) or path in self.choices.new:
                return STATES[model.INPUT_CHANGED], path, "named by the depfile"
        return FRESH, None, ""

    def _differs(self, number: int, version: int) -> bool:
        path = self.graph.files.paths[number]
        if path in self.choices.old:
            return False
        if path in self.choices.new:
            return True
        if self.stamps.stamp(number) == self.history.versions.stamp(version):
            if version not in self.history.versions.uncertain:
                return False
            return self.history.versions.hashes.get(version) != self.stamps.digest(number, path)
        if self.choices.content and self.stamps.present[number] == 1:
            known = self.history.versions.hashes.get(version)
            return known is None or known != self.stamps.digest(number, path)
        return True

    def effective_inputs(self, table: Table, row: int) -> list[int]:
        """Return the files that a task takes, in order, less those that are left out since they failed for good."""
        found: list[int] = []
        for position, item in enumerate(table.rule.inputs):
            members = self.members(table.inputs[position][row])
            found += [number for number in members if self.will[number] != LOST] if item.maybe else members
        return found

    def members(self, entry: int) -> Sequence[int]:
        """Return the files of an entry of an input column."""
        return (entry,) if entry >= 0 else () if entry == UNSET else self.graph.group(entry)

    def _entries(self, table: Table, row: int) -> list[int]:
        if not self.choices.omit:
            return []
        return [number for column in table.inputs for number in self.members(column[row])]

    def _is_omitted(self, number: int) -> bool:
        rule = self.graph.files.rule[number]
        return rule != SOURCE and self.graph.tables[rule].state[self.graph.files.row[number]] == OMITTED

    # ------------------------------------------------------------ what comes from other tasks

    def fate(self, entry: int) -> int:
        """Return what will become of the files of an entry of an input column: the worst of them."""
        if entry >= 0:
            return self.will[entry]
        if entry == UNSET:
            return MAYBE_REMADE
        known = self._group_will.get(entry)
        if known is None:
            fates = set(map(self.will.__getitem__, self.graph.group(entry)))
            known = REMADE if REMADE in fates else MAYBE_REMADE if MAYBE_REMADE in fates else max(fates, default=STAYS)
            self._group_will[entry] = known
        return known

    def forget_fate(self, entry: int) -> None:
        """Forget what was known of one group, since a file of it was made."""
        self._group_will.pop(entry, None)

    def forget_fates(self) -> None:
        """Forget what was known of groups and versions, since files were made."""
        self._group_will.clear()
        self.current = None

    def _remade(self, table: Table, row: int) -> tuple[int, str | None, str]:
        unsure = False
        for position, item in enumerate(table.rule.inputs):
            if item.order:
                continue
            entry = table.inputs[position][row]
            fate = self.fate(entry)
            if fate == REMADE:
                for number in self.members(entry):
                    if self.will[number] == REMADE and self.graph.files.paths[number] not in self.choices.old:
                        return IS_REMADE, self.graph.files.paths[number], ""
            unsure = unsure or fate == MAYBE_REMADE
        for number in self._named_by_depfile(table, row):
            if self.will[number] == REMADE:
                return IS_REMADE, self.graph.files.paths[number], "named by the depfile"
            unsure = unsure or self.will[number] == MAYBE_REMADE
        return (UNKNOWN if unsure else FRESH), None, ""

    def _named_by_depfile(self, table: Table, row: int) -> list[int]:
        """Return the files of the plan that the depfile of a task's last success names."""
        past = self.past(table, row) if table.rule.depfile is not None else None
        if past is None:
            return []
        index = self.graph.files.index
        return [index[path] for path, *_ in past.ledger.extras.get(past.row, {}).get("dep", ()) if path in index]

    def _is_lost(self, table: Table, row: int) -> bool:
        """Tell whether a task that is wanted as `maybe` only needs what has failed for good."""
        rows = self.optional.get(table.rule.number)
        if rows is None or not rows[row]:
            return False
        return any(
            self.will[number] == LOST
            for item, column in zip(table.rule.inputs, table.inputs, strict=True)
            if not item.maybe
            for number in self.members(column[row])
        )

    def _gives_up(self, table: Table, row: int, state: int) -> bool:
        """Tell whether a task that is wanted as `maybe` only has failed for good, or needs what has."""
        rows = self.optional.get(table.rule.number)
        if rows is None or not rows[row]:
            return False
        other = self.history.others.get(table.name(row))
        if state == FRESH or other is None or not is_for_good(other):
            return False
        if any(self.fate(column[row]) in {REMADE, MAYBE_REMADE} for column in table.inputs):
            return False
        if "in" not in other:
            return True  # what it needs had failed, and is there now: it is tried
        if self._command_changed(table, row, other.get("c", ""), other.get("v", [])) is not None:
            return False
        then = [tuple(entry) for entry in other["in"]]
        return then == [tuple(entry) for entry in self.plain_inputs(table, row)]

    def plain_inputs(self, table: Table, row: int) -> list[list[object]]:
        """Return the inputs of a task as a record of failure holds them: path, mtime, size."""
        paths = self.graph.files.paths
        return [[paths[n], *(self.stamps.stamp(n) or (NO_STAMP, NO_STAMP))] for n in self.effective_inputs(table, row)]

    def explain(self, table: Table, row: int) -> model.Reason | None:
        """Return the reason why a task must run, None for one that need not."""
        state = table.state[row]
        if not is_stale(state):
            return None
        kind = model.REASONS[state - 1]
        now, file, detail = self.state_of(table, row)
        if now == state:
            return model.Reason(kind, file, detail)
        if state == IS_MISSING:
            absent = next((c[row] for c in table.outputs if self.stamps.present[c[row]] != 1), None)
            path = None if absent is None else self.graph.files.paths[absent]
            return model.Reason(kind, path, "a temp file that is wanted again")
        return model.Reason(kind)


__all__ = ["FRESH", "GIVEN_UP", "LOST", "OMITTED", "STATES", "UNKNOWN", "Choices", "Judge", "failure_words", "is_stale"]
