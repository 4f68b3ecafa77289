"""The files and tasks of a batch, and which task makes a file as far as a batch tells.

Owns how they grow by the pieces of a batch.  Knows nothing of what is to be run.
"""

from __future__ import annotations

from hpcmake.tasks.rows import SOURCE, UNSET, Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator, Sequence

    from hpcmake.jobs.batch_tables import BatchTable
    from hpcmake.tasks.patterns import Pattern


class BatchMakers:
    """Which task makes a file, as far as a batch tells."""

    def __init__(self, graph: BatchGraph) -> None:
        self._graph = graph

    def of(self, path: str) -> tuple[int, int, tuple[str, ...]] | None:
        """Return the rule, the place of the output (-1: `produces`) and the wildcards of the task that makes a file."""
        files = self._graph.files
        number = files.index.get(path)
        if number is not None and files.rule[number] != SOURCE:
            table = self._graph.tables[files.rule[number]]
            row = files.row[number]
            place = next((at for at, column in enumerate(table.outputs) if column[row] == number), -1)
            return table.rule.number, place, table.values(row)
        for table in self._graph.tables:
            pattern = table.rule.produces
            found = pattern.match(path) if pattern is not None else None
            if pattern is not None and found is not None:
                if any(rival.match(path) is not None for rival in table.rule.rivals):
                    return None
                by_name = dict(zip(pattern.names, found, strict=True))
                return table.rule.number, -1, tuple([by_name[name] for name in table.rule.wildcards])
        return None

    def makes(self, path: str) -> bool:
        """Tell whether a rule makes a file, be it one of which the batch holds no task."""
        return self.of(path) is not None or any(pattern.match(path) is not None for pattern in self._graph.patterns)


class BatchGraph:
    """The files and tasks of a batch.  `root` is the campaign's folder, as an absolute path."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.files = Files()
        self.tables: list[BatchTable] = []
        self.groups: list[array[int]] = []
        self.makers = BatchMakers(self)
        self.patterns: list[Pattern] = []
        """What rules make, where the batch tells that."""

    def add_files(self, paths: Sequence[str]) -> list[int]:
        """Return the numbers of files; those that are new are added, and no maker of them is known yet."""
        files = self.files
        found = []
        for path in paths:
            number = files.index.setdefault(path, len(files.paths))
            if number == len(files.paths):
                files.paths.append(path)
                files.rule.append(SOURCE)
                files.row.append(-1)
            found.append(number)
        return found

    def group(self, entry: int) -> array[int]:
        """Return the files of a group, by its entry in an input column."""
        return self.groups[-2 - entry]

    def inputs_of(self, table: BatchTable, row: int) -> Iterator[int]:
        """Yield the files that a task takes."""
        for column in table.inputs:
            entry = column[row]
            if entry >= 0:
                yield entry
            elif entry != UNSET:
                yield from self.group(entry)
