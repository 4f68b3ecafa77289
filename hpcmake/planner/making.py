"""Wanted files and the tasks that make them, as rows of tables.

Owns how a wanted file finds its maker, and the rows of tasks.  Knows nothing of what tasks need.
"""

from __future__ import annotations

from array import array

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.conflicts import (
    check_folder,
    check_lengths,
    check_split,
    tell_made_twice,
    tell_split,
)
from hpcmake.planner.makers import Makers
from hpcmake.planner.rows import Table
from hpcmake.tasks.paths import LONGEST_NAME, is_normal, normalize
from hpcmake.tasks.rows import SOURCE, UNJUDGED, Files
from hpcmake.tasks.wait import Need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.rules import Campaign
    from hpcmake.planner.scope import Filled
    from hpcmake.text import Span


class Making:
    """What is wanted, and what makes it."""

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
