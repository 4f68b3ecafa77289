"""The judgement of a whole rule at once, by columns.

Owns the comparison of recorded columns with those of today.  Knows nothing of single reasons: every task about which
the columns leave a doubt is handed back, to be judged by itself.
"""

from __future__ import annotations

from array import array

from hpcmake import model
from hpcmake.tasks.ledger import BETWEEN, NO_STAMP
from hpcmake.tasks.rows import UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpcmake.planner.graph import Graph, Table
    from hpcmake.planner.stale import Judge
    from hpcmake.tasks.history import History
    from hpcmake.tasks.ledger import Ledger
    from hpcmake.tasks.stamps import Stamps

_FEW = 16
"""Below so many tasks columns do not pay."""


def judge_columns(judge: Judge, table: Table) -> Iterable[int]:
    """Judge all rows of a rule as far as columns can; return the rows that are left to be judged by themselves."""
    choices = judge.choices
    everything = range(table.count)
    rule = table.rule
    if table.count < _FEW or choices.old or choices.omit or judge.optional.get(rule.number) is not None:
        return everything
    if (
        any(UNSET in column for column in table.inputs)
        or any(output.temp for output in rule.outputs)
        or not rule.outputs
        or table.named
    ):
        return everything
    if choices.always or rule.name in choices.rules:
        _all(judge, table, model.FORCED)
        return ()
    ledgers = judge.history.folded.get(rule.name, [])
    if not ledgers and judge.history.exists and not _is_known(judge, table):
        return _without_records(judge, table)
    if not judge.history.exists and not any(map(judge.stamps.present.__getitem__, table.outputs[0])):
        return _without_records(judge, table)
    if len(ledgers) != 1:
        return everything
    return _by_ledger(judge, table, ledgers[0])


def _is_known(judge: Judge, table: Table) -> bool:
    """Tell whether any of a rule's tasks may have succeeded, perhaps when the rule had another name."""
    if _recent_rows(judge, table):
        return True
    names = [judge.graph.files.paths[number] for number in table.outputs[0]]
    ledgers = [ledger for each in judge.history.folded.values() for ledger in each]
    return any(not ledger.index.keys().isdisjoint(names) for ledger in ledgers)


def _recent_rows(judge: Judge, table: Table) -> set[int]:
    """Return the rows of which a success was recorded since the fold."""
    files = judge.graph.files
    found: set[int] = set()
    for key in judge.history.recent:
        number = files.index.get(key)
        if number is not None and files.rule[number] == table.rule.number:
            found.add(files.row[number])
    return found


def _all(judge: Judge, table: Table, reason: str) -> None:
    state = model.REASONS.index(reason) + 1
    table.state[:] = bytes([state]) * table.count
    for column in table.outputs:
        _mark(judge, column)


def _mark(judge: Judge, numbers: array[int]) -> None:
    """Note that files will be made."""
    count = len(numbers)
    if count and numbers[-1] - numbers[0] == count - 1 and numbers == array("i", range(numbers[0], numbers[0] + count)):
        judge.will[numbers[0] : numbers[0] + count] = b"\1" * count
        return
    will = judge.will
    for number in numbers:
        will[number] = 1


def _without_records(judge: Judge, table: Table) -> Iterable[int]:
    """Judge tasks none of which has a record: what is missing, and what is there all the same."""
    present = judge.stamps.present
    missing = model.REASONS.index(model.MISSING_OUTPUT) + 1
    no_record = model.REASONS.index(model.NO_RECORD) + 1
    if judge.history.exists or table.rule.produces is not None:
        there = bytearray([1]) * table.count
        for column in table.outputs:
            flags = bytes(map(present.__getitem__, column))
            if flags.count(0):
                there = bytearray(map(min, there, flags)) if there.count(1) else there
        table.state[:] = there.translate(bytes([missing, no_record]) + bytes(254))
        for column in table.outputs:
            _mark(judge, column)
        return ()
    _all(judge, table, model.MISSING_OUTPUT)
    return ()


def _by_ledger(judge: Judge, table: Table, ledger: Ledger) -> Iterable[int]:
    """Compare a rule's tasks with one ledger; return those that are not plainly fresh."""
    rule, history, graph = table.rule, judge.history, judge.graph
    everything = range(table.count)
    width = ledger.arity()
    if width != len(rule.inputs) or rule.row_values or ledger.extras:
        return everything
    if judge.definition_of(table) != ledger.definition:
        return everything
    paths = graph.files.paths
    first = table.outputs[0]
    rows: array[int] | None = None
    keys = [paths[number] for number in first]
    if len(ledger) == table.count and BETWEEN.join(keys) == ledger.text:
        ledger.lend_keys(keys)
    else:
        index = ledger.index
        rows = array("i", [index.get(key, -1) for key in keys])
    doubt: set[int] = set()
    if rows is not None:
        doubt.update(row for row, at in enumerate(rows) if at < 0)
    present = judge.stamps.present
    for column in table.outputs:
        flags = bytes(map(present.__getitem__, column))
        if flags.count(1) != len(flags):
            doubt.update(row for row, flag in enumerate(flags) if flag != 1)
    doubt |= _noted(judge, table, history)
    table.state[:] = bytes(table.count)
    current = current_files(history, graph, judge.stamps, judge)
    for position, item in enumerate(rule.inputs):
        recorded = ledger.taken[position::width] if width > 1 else ledger.taken
        if rows is not None:
            recorded = array("i", [recorded[at] if at >= 0 else UNSET for at in rows])
        doubt |= _differing(judge, table, position, recorded, current)
        if not item.order:
            doubt |= _to_be_remade(judge, table, position)
    return sorted(doubt)


def _noted(judge: Judge, table: Table, history: History) -> set[int]:
    """Return the rows of which something was recorded since the fold."""
    found = _recent_rows(judge, table)
    files = judge.graph.files
    for key in history.gone:
        number = files.index.get(key)
        if number is not None and files.rule[number] == table.rule.number:
            found.add(files.row[number])
    names = {name for name in history.others if name.partition("[")[0] == table.rule.name}
    if names:
        found.update(row for row in range(table.count) if table.name(row) in names)
    return found


def current_files(history: History, graph: Graph, stamps: Stamps, judge: Judge) -> array[int]:
    """Return for each recorded version the file that still has that stamp, -1 for one that changed."""
    if judge.current is not None and judge.current[:2] == (len(graph.files), len(history.versions)):
        return judge.current[2]
    versions = history.versions
    count = len(graph.files)
    joined = "\0".join(graph.files.paths)
    if versions.head == count and versions.head_text == joined:
        versions.lend_paths(graph.files.paths)
        numbers = array("i", range(count))
        folded = [column[:count] if len(column) > count else column for column in (versions.mtimes, versions.sizes)]
        if folded != [stamps.mtimes, stamps.sizes]:
            _cross_out(numbers, folded[0], stamps.mtimes)
            _cross_out(numbers, folded[1], stamps.sizes)
        start = count
    else:
        numbers = array("i")
        start = 0
    index = graph.files.index
    mtimes, sizes = stamps.mtimes, stamps.sizes
    paths = versions.paths if not start else versions.tail
    for path, mtime, size in zip(paths, versions.mtimes[start:], versions.sizes[start:], strict=True):
        number = index.get(path, -1)
        if number >= 0 and mtime != NO_STAMP and (mtimes[number] != mtime or sizes[number] != size):
            number = -1
        numbers.append(number)
    for version in versions.uncertain:
        numbers[version] = -1
    for path in judge.choices.new:
        number = graph.files.index.get(path, -1)
        for at, each in enumerate(numbers):
            if each == number:
                numbers[at] = -1
    judge.current = (count, len(versions), numbers)
    return numbers


def _cross_out(numbers: array[int], one: array[int], two: array[int]) -> None:
    """Put -1 where two columns differ: halves that are equal are not looked into."""
    todo = [(0, len(numbers))]
    while todo:
        start, end = todo.pop()
        if one[start:end] == two[start:end]:
            continue
        if end - start <= 256:  # noqa: PLR2004  # small enough to look at each
            for at in range(start, end):
                if one[at] != two[at]:
                    numbers[at] = -1
        else:
            middle = (start + end) // 2
            todo += [(start, middle), (middle, end)]


def _differing(judge: Judge, table: Table, position: int, recorded: array[int], current: array[int]) -> set[int]:
    """Return the rows whose item differs from the recorded one, or whose files have changed."""
    column = table.inputs[position]
    single = not column or min(column) >= 0
    if single and (not recorded or min(recorded) >= 0):
        mapped = array("i", map(current.__getitem__, recorded))
        if mapped == column:
            return set()
        return {row for row, (a, b) in enumerate(zip(mapped, column, strict=True)) if a != b}
    alike: dict[tuple[int, int], bool] = {}
    found = set()
    for row, pair in enumerate(zip(recorded, column, strict=True)):
        same = alike.get(pair)
        if same is None:
            same = alike[pair] = _same(judge, pair[0], pair[1], current)
        if not same:
            found.add(row)
    return found


def _same(judge: Judge, recorded: int, entry: int, current: array[int]) -> bool:
    if entry >= 0:
        return recorded >= 0 and current[recorded] == entry
    if recorded >= UNSET:
        return False
    members = judge.history.sets[-2 - recorded]
    return array("i", map(current.__getitem__, members)) == judge.graph.group(entry)


def _to_be_remade(judge: Judge, table: Table, position: int) -> set[int]:
    """Return the rows of which some input will be made, or may be."""
    column = table.inputs[position]
    if not column:
        return set()
    if min(column) >= 0:
        flags = bytes(map(judge.will.__getitem__, column))
        if flags.count(0) == len(flags):
            return set()
        return {row for row, flag in enumerate(flags) if flag}
    fates = {entry: judge.fate(entry) for entry in set(column)}
    return {row for row, entry in enumerate(column) if fates[entry]}
