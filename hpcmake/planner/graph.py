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
    check_folder,
    check_lengths,
    check_split,
    for_task,
    tell_made_twice,
    tell_split,
    without_end,
)
from hpcmake.planner.makers import Makers
from hpcmake.planner.paths import LONGEST_NAME, is_normal, normalize
from hpcmake.planner.rows import SOURCE, UNJUDGED, UNSET, Files, Table
from hpcmake.planner.values import is_text_digits, kind_of
from hpcmake.planner.world import Need, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.rules import Campaign
    from hpcmake.planner.scope import Code, Env, Filled
    from hpcmake.planner.values import Value
    from hpcmake.text import Span

MOST_LEGS = 5_000_000
"""A rule that needs itself deeper than this needs itself without end."""

MOST_LEGS_BELOW_ZERO = 1000
"""The same where it counts down, and is below zero already."""


class Graph:
    """What is wanted, what makes it, and what that needs."""

    def __init__(self, campaign: Campaign, root: str = "") -> None:
        self.campaign = campaign
        self.root = root
        self.files = Files()
        self.tables = [Table(rule) for rule in campaign.rules]
        self.groups: list[array[int]] = []
        self.group_needs: list[frozenset[int]] = []
        self.makers = Makers(campaign)
        self.troubles: list[Diagnostic] = []
        self._unset: tuple[Need, ...] = ()
        self.warnings: dict[str, Diagnostic] = {}
        self._queue: list[Table] = []
        self.began_to_wait: list[tuple[int, int]] = []
        """Tasks that must wait for values, since whoever plans has last taken note."""
        self.newly_named: list[int] = []
        """Files of `produces`, likewise."""
        self.place: Span | None = None
        """What wants the files at hand, for messages."""

    # ------------------------------------------------------------ files

    def want(self, path: str, span: Span | None = None) -> int:
        """Return the number of a wanted file; who makes it is added."""
        return self.intern([path], span)[0]

    def intern(self, paths: list[str], span: Span | None = None, filled: Filled | None = None) -> array[int]:
        """Return the numbers of files; new ones get their makers, whose tasks are added and expanded later.

        `filled` says how a pattern was filled to make the paths: then a whole column finds its rule at once.
        """
        if not paths:
            return array("i")
        self.place = span
        joined = "\0".join(paths)
        if not is_normal(joined) or "" in paths:
            paths = [self._normal(path, span) for path in paths]
            filled = None
        if len(joined) > LONGEST_NAME:
            check_lengths(self, paths, span)
        index = self.files.index
        if index.keys().isdisjoint(paths):
            first = len(self.files.paths)
            index.update(zip(paths, range(first, first + len(paths)), strict=True))
            if len(index) == first + len(paths):
                self.files.paths += paths
                self._find_makers(first, paths, joined, filled)
                return array("i", range(first, first + len(paths))) if not self.makers.folders else self._settled(paths)
            for path in paths:  # some came twice: number them one by one
                index.pop(path, None)
        return self._intern_each(paths)

    def _intern_each(self, paths: list[str]) -> array[int]:
        found = array("i")
        index = self.files.index
        for path in paths:
            number = index.get(path)
            if number is None:
                number = self._add_file(path)
                self._find_maker(number, path)
                number = index[path]
            found.append(number)
        return found

    def _settled(self, paths: list[str]) -> array[int]:
        """Return the numbers of files once more: one may have turned out to be a folder that a rule makes."""
        index = self.files.index
        return array("i", [index[path] for path in paths])

    def _normal(self, path: str, span: Span | None) -> str:
        if path == "":
            self.troubles.append(
                Diagnostic("E403", "an empty text is no path", span, help="what gives the path gives nothing here")
            )
            return "."
        return normalize(path, self.root)

    def _add_file(self, path: str) -> int:
        number = len(self.files.paths)
        self.files.index[path] = number
        self.files.paths.append(path)
        return number

    # ------------------------------------------------------------ who makes a file

    def _find_makers(self, first: int, paths: list[str], joined: str, filled: Filled | None) -> None:
        """Find the makers of new files, which are numbered from `first` on."""
        files = self.files
        if filled is not None and len(paths) >= 8:  # noqa: PLR2004  # below, asking one by one is cheaper
            owner = self.makers.of_shape(filled, joined, len(paths))
            if owner is not None and not self.makers.may_lie_in_folder(owner):
                rule, position = owner
                table = self.tables[rule]
                pattern = table.rule.outputs[position].pattern
                row = table.count
                by_name = dict(zip(pattern.places, filled.columns, strict=True))
                for name, column in zip(table.rule.wildcards, table.columns, strict=True):
                    values = by_name[name]
                    column.extend([values] * len(paths) if isinstance(values, str) else values)
                files.rule.extend(array("i", [rule]) * len(paths))
                files.row.extend(range(row, row + len(paths)))
                self._add_rows(table, len(paths))
                table.outputs[position].extend(range(first, first + len(paths)))
                self._other_outputs(table, row, position)
                return
            if not self.makers.any_makes(filled):
                files.rule.extend(array("i", [SOURCE]) * len(paths))
                files.row.extend(array("i", [0]) * len(paths))
                return
        blank = array("i", [SOURCE]) * len(paths)
        files.rule.extend(blank)
        files.row.extend(blank)
        for number, path in enumerate(paths, first):
            if files.rule[number] == SOURCE:
                self._find_maker(number, path)
        if filled is not None:
            check_split(self, first, len(paths), filled)

    def _find_maker(self, number: int, path: str) -> None:
        """Find the maker of one new file: add its task, or leave it a source."""
        files = self.files
        while len(files.rule) <= number:
            files.rule.append(SOURCE)
            files.row.append(0)
        try:
            found = self.makers.of(path)
        except Trouble as trouble:
            self.troubles += trouble.diagnostics
            return
        if self.makers.folders:
            check_folder(self, path, found)
        if found is None:
            if not path.endswith("/") and self.makers.folders and self.makers.of(path + "/") is not None:
                # a folder wanted without its slash: both names are one file
                self.files.index[path] = self.want(path + "/")
            return
        rule, position, values = found
        table = self.tables[rule]
        if position < 0:
            row = self.task_by_values(table, values)
            files.rule[number] = rule
            files.row[number] = row
            table.named.setdefault(row, []).append(number)
            self.newly_named.append(number)
            return
        self._add_task(table, values, number, position)

    def task_by_values(self, table: Table, values: tuple[str, ...]) -> int:
        """Return the row of a task by its wildcards; it is added if there is none yet."""
        if table.rule.outputs:
            by_name = dict(zip(table.rule.wildcards, values, strict=True))
            number = self.want(table.rule.outputs[0].pattern.fill(by_name))
            return self.files.row[number]
        row = table.keys.get(values)
        if row is None:
            row = self._add_row(table, values)
            table.keys[values] = row
        return row

    def _add_row(self, table: Table, values: tuple[str, ...]) -> int:
        row = table.count
        for column, value in zip(table.columns, values, strict=True):
            column.append(value)
        self._add_rows(table, 1)
        return row

    def _add_rows(self, table: Table, count: int) -> None:
        if table.done == table.count:
            self._queue.append(table)
        table.count += count
        table.state.extend(UNJUDGED * count)

    def _add_task(self, table: Table, values: tuple[str, ...], number: int, position: int) -> None:
        """Add a task that was found by one of its outputs."""
        row = self._add_row(table, values)
        files = self.files
        files.rule[number] = table.rule.number
        files.row[number] = row
        table.outputs[position].append(number)
        self._other_outputs(table, row, position)

    def _other_outputs(self, table: Table, row: int, position: int) -> None:
        """Number the outputs of rows from `row` on, beside the one by which they were found."""
        for other, output in enumerate(table.rule.outputs):
            if other == position:
                continue
            pattern = output.pattern
            names = table.rule.wildcards
            if pattern.places:
                paths = pattern.fill_columns(
                    {name: column[row : table.count] for name, column in zip(names, table.columns, strict=True)}
                )
            else:
                paths = [pattern.literals[0]] * (table.count - row)
            for at, path in enumerate(paths, row):
                self._claim(table, at, other, path)

    def _claim(self, table: Table, row: int, position: int, path: str) -> None:
        files = self.files
        number = files.index.get(path)
        if number is None:
            number = self._add_file(path)
            files.rule.append(table.rule.number)
            files.row.append(row)
            try:
                found = self.makers.of(path)
            except Trouble as trouble:
                self.troubles += trouble.diagnostics
                found = None
            if self.makers.folders:
                check_folder(self, path, (table.rule.number, position, table.values(row)))
            if found is not None and (found[0] != table.rule.number or found[2] != table.values(row)):
                tell_split(self, table, row, position, path, found)
        elif files.rule[number] != table.rule.number or files.row[number] != row:
            tell_made_twice(self, table, row, path, number)
        table.outputs[position].append(number)

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
