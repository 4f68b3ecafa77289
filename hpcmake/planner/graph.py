"""Wanted files become tasks and edges, kept as flat integer arrays.

Owns the tables of files and of the tasks of each rule, and how they grow from what is wanted.  Knows nothing of what is
out of date: that is judged over these tables.

All instances of a rule are worked on at once: a pattern is filled for a whole column, an input is looked up once for
each distinct value that it depends on, and a set that many tasks share is one group.
"""

from __future__ import annotations

from array import array

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.conflicts import (
    for_task,
    without_end,
)
from hpcmake.planner.making import Making
from hpcmake.planner.rows import Table
from hpcmake.planner.values import is_text_digits, kind_of
from hpcmake.tasks.rows import SOURCE, UNJUDGED, UNSET, Files
from hpcmake.tasks.wait import Need, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.scope import Code, Env
    from hpcmake.planner.values import Value
    from hpcmake.text import Span

MOST_LEGS = 5_000_000
"""A rule that needs itself deeper than this needs itself without end."""

MOST_LEGS_BELOW_ZERO = 1000
"""The same where it counts down, and is below zero already."""


class Graph(Making):
    """What is wanted, what makes it, and what that needs."""

    # ------------------------------------------------------------ what tasks need

    def expand(self) -> None:
        """Give inputs to all tasks that have none yet, and to those that this adds, until nothing is new.

        Raises Trouble with all mistakes found.
        """
        while self._queue:
            table = self._queue.pop()
            start, end = table.done, table.count
            table.done = end
            table.depth += 1
            if table.depth > MOST_LEGS_BELOW_ZERO and self._has_no_end(table, start):
                raise without_end(self, table, start)
            if start < end:
                self._give_inputs(table, start, end)
        if self.troubles:
            raise Trouble(*dict.fromkeys(self.troubles))

    def _has_no_end(self, table: Table, row: int) -> bool:
        return table.depth > MOST_LEGS or any(
            is_text_digits(value) and int(value) < -MOST_LEGS_BELOW_ZERO for value in table.values(row)
        )

    def _give_inputs(self, table: Table, start: int, end: int) -> None:
        for position, item in enumerate(table.rule.inputs):
            code = item.code
            column = table.inputs[position]
            names = [name for name in table.rule.wildcards if name in code.names]
            if not names:
                made = self._once(table, position, (), {}, range(start, end))
                column.extend(array("i", [made]) * (end - start))
            elif len(names) < len(table.rule.wildcards) or len(table.rule.wildcards) == 1:
                self._by_values(table, position, names, start, end)
            elif code.literals is not None and code.places:
                self._by_columns(table, position, start, end)
            else:
                for row in range(start, end):
                    column.append(self._evaluate(table, position, table.env(row), (row,)))

    def _by_columns(self, table: Table, position: int, start: int, end: int) -> None:
        """Fill a plain string that names every wildcard, for all rows at once."""
        from hpcmake.planner.loops import fill_places
        from hpcmake.planner.scope import Filled

        code = table.rule.inputs[position].code
        by_name = {name: column[start:end] for name, column in zip(table.rule.wildcards, table.columns, strict=True)}
        columns: list[str | list[str]] = [by_name[place] for place in code.places]
        literals = code.literals
        assert literals is not None  # noqa: S101  # the caller asked
        paths = fill_places(literals, columns)
        numbers = self.intern(paths, code.span, Filled(paths, literals, columns))
        table.inputs[position].extend(numbers)
        self._note_needs(table, numbers)

    def _by_values(self, table: Table, position: int, names: list[str], start: int, end: int) -> None:
        """Evaluate an item once for each distinct value of the wildcards that it names."""
        places = [table.rule.wildcards.index(name) for name in names]
        cache = table.caches[position]
        code = table.rule.inputs[position].code
        if len(places) == 1:
            keys: Sequence[object] = table.columns[places[0]][start:end]
        else:
            keys = list(zip(*(table.columns[place][start:end] for place in places), strict=True))
        fresh = [key for key in dict.fromkeys(keys) if key not in cache]
        if code.literals is not None and len(places) == 1 and len(fresh) > 1:
            from hpcmake.planner.loops import fill_places
            from hpcmake.planner.scope import Filled

            columns: list[str | list[str]] = [fresh] * len(code.places)  # type: ignore[list-item]
            paths = fill_places(code.literals, columns)
            numbers = self.intern(paths, code.span, Filled(paths, code.literals, columns))
            self._note_needs(table, numbers)
            cache.update(zip(fresh, numbers, strict=True))
        else:
            unset: dict[object, tuple[Need, ...]] = {}
            for key in fresh:
                env: Env = dict(zip(names, (key,) if len(places) == 1 else key, strict=True))  # type: ignore[call-overload]
                made = self._evaluate(table, position, env, ())
                if made == UNSET and self._unset:
                    unset[key], self._unset = self._unset, ()
                cache[key] = made
            if unset:
                for row, key in enumerate(keys, start):
                    if key in unset:
                        self.wait(table, row, unset[key])
        table.inputs[position].extend(map(cache.__getitem__, keys))
        for key in [key for key in fresh if cache[key] == UNSET]:
            del cache[key]

    def _once(self, table: Table, position: int, key: object, env: Env, rows: Sequence[int]) -> int:
        cache = table.caches[position]
        made = cache.get(key)
        if made is None:
            made = self._evaluate(table, position, env, rows)
            if made != UNSET:
                cache[key] = made
        return made

    def wait(self, table: Table, row: int, needs: tuple[Need, ...]) -> None:
        """Note that a task must wait for something to be made."""
        if row not in table.waiting:
            self.began_to_wait.append((table.rule.number, row))
        table.waiting[row] = tuple(dict.fromkeys((*table.waiting.get(row, ()), *needs)))

    def _evaluate(self, table: Table, position: int, env: Env, rows: Sequence[int]) -> int:
        """Return the entry of an input column for one environment; what must be waited for is noted for `rows`."""
        code = table.rule.inputs[position].code
        try:
            if code.fill is not None:
                filled = code.fill(env)
                if filled is not None:
                    return self._group(table, self.intern(filled.paths, code.span, filled))
            value = code.run(env)
            return self._entry(table, value, code)
        except Wait as wait:
            if not rows:
                self._unset = wait.needs  # the caller knows for which rows
            for row in rows:
                self.wait(table, row, wait.needs)
        except Trouble as trouble:
            if table.depth > _MANY_LEGS and any(each.code == "E406" for each in trouble.diagnostics):
                raise without_end(self, table, table.count - 1) from None
            self.troubles += [for_task(each, table, env) for each in trouble.diagnostics]
        return UNSET

    def _entry(self, table: Table, value: Value, code: Code) -> int:
        if isinstance(value, str):
            number = self.want(value, code.span)
            self._note_needs(table, (number,))
            return number
        if not isinstance(value, list):
            message = f"an input is a path or a list of paths, and this is {kind_of(value)}"
            raise Trouble(Diagnostic("E306", message, code.span, help="`str(…)` makes a text of a number"))
        return self._group(table, self.intern(flat_paths(value, code.span), code.span))

    def _group(self, table: Table, numbers: array[int]) -> int:
        if len(set(numbers)) != len(numbers):
            numbers = array("i", dict.fromkeys(numbers))
        self.groups.append(numbers)
        rule = self.files.rule
        needs = frozenset(map(rule.__getitem__, numbers)) - {SOURCE}
        self.group_needs.append(needs)
        table.needs |= needs
        return -1 - len(self.groups)

    def _note_needs(self, table: Table, numbers: Sequence[int]) -> None:
        table.needs.update(map(self.files.rule.__getitem__, numbers))
        table.needs.discard(SOURCE)

    # ------------------------------------------------------------ what had to be waited for

    @property
    def is_growing(self) -> bool:
        """Whether there are tasks that have no inputs yet."""
        return bool(self._queue or self.troubles)

    def resume(self, table: Table, row: int) -> None:
        """Evaluate again what a task had to wait for."""
        table.waiting.pop(row, None)
        env = table.env(row)
        for position in range(len(table.rule.inputs)):
            if table.inputs[position][row] == UNSET:
                table.inputs[position][row] = self._evaluate(table, position, env, (row,))

    # ------------------------------------------------------------ views

    def inputs_of(self, table: Table, row: int) -> list[int]:
        """Return the numbers of all files that a task takes, in order, without repetitions."""
        found: dict[int, None] = {}
        for column in table.inputs:
            entry = column[row]
            if entry >= 0:
                found[entry] = None
            elif entry != UNSET:
                found.update(dict.fromkeys(self.groups[-2 - entry]))
        return list(found)

    def group(self, entry: int) -> array[int]:
        """Return the files of a group, by its entry in an input column."""
        return self.groups[-2 - entry]

    def consumers_of(self, number: int) -> list[tuple[Table, int]]:
        """Return the tasks that take a file.  Looks through all tables: for messages only."""
        found = []
        groups = {-2 - g for g, members in enumerate(self.groups) if number in members}
        for table in self.tables:
            for column in table.inputs:
                found += [(table, row) for row, entry in enumerate(column) if entry == number or entry in groups]
        return found


_MANY_LEGS = 50  # a path that is too long after so many legs has grown with each


def flat_paths(values: Sequence[Value], span: Span) -> list[str]:
    """Return a list of paths of which some may stand in lists of their own.  Raises Trouble for what is no path."""
    found: list[str] = []
    for value in values:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list):
            found += flat_paths(value, span)
        else:
            raise Trouble(
                Diagnostic(
                    "E306",
                    f"a path is a text, and this is {kind_of(value)}",
                    span,
                    help="`str(…)` makes a text of a number",
                )
            )
    return found


__all__ = ["SOURCE", "UNJUDGED", "UNSET", "Files", "Graph", "Table", "flat_paths"]
