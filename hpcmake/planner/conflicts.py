"""What is wrong with files that two tasks make, that lie inside others, or that have no end.

Owns these mistakes and warnings.  Knows nothing of how the graph grows: it is asked about one file at a time.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Note, Trouble
from hpcmake.planner.values import is_text_digits
from hpcmake.tasks.paths import LONGEST_NAME, LONGEST_PATH
from hpcmake.tasks.rows import SOURCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.makers import Maker
    from hpcmake.planner.making import Making
    from hpcmake.planner.rows import Table
    from hpcmake.planner.scope import Env, Filled
    from hpcmake.text import Span

_WIDEST = 60  # characters of a name in a message


def _shortened(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[:40]}…{text[-15:]}"


def check_lengths(graph: Making, paths: list[str], span: Span | None) -> None:
    """Raise Trouble for a path that no file system takes."""
    for path in paths:
        if len(path) <= LONGEST_NAME // 4:
            continue
        size = len(path.encode("utf-8", "surrogateescape"))
        if size > LONGEST_PATH or any(
            len(part.encode("utf-8", "surrogateescape")) > LONGEST_NAME for part in path.split("/")
        ):
            message = f"the path {_shortened(path)} is too long: {size:,} bytes"
            help_ = f"file systems take {LONGEST_NAME} bytes a name, and {LONGEST_PATH:,} in all"
            raise Trouble(*graph.troubles, Diagnostic("E406", message, span, help=help_))


def check_split(graph: Making, first: int, count: int, filled: Filled) -> None:
    """Warn of a path that the pattern by which it was filled in would split otherwise."""
    owner = graph.makers.of_literals(filled.literals)
    if owner is None:
        return
    table = graph.tables[owner[0]]
    pattern = table.rule.outputs[owner[1]].pattern
    files = graph.files
    if pattern.separable or len(pattern.places) != len(pattern.names):
        return
    order = [table.rule.wildcards.index(name) for name in pattern.places]
    for at in range(count):
        if files.rule[first + at] != owner[0]:
            continue
        values = table.values(files.row[first + at])
        given = [column if isinstance(column, str) else column[at] for column in filled.columns]
        if [values[place] for place in order] != given:
            written = ", ".join(f"{name}={value}" for name, value in zip(pattern.places, given, strict=True))
            message = f"{files.paths[first + at]}, filled in with {written}, is split as {table.rule.task_name(values)}"
            warn_of_split(graph, f"split {table.rule.name} {owner[1]}", message, graph.place, owner)
            return


def warn_of_split(graph: Making, key: str, message: str, place: Span | None, owner: tuple[int, int]) -> None:
    """Warn once of paths that are split otherwise than they were filled in."""
    output = graph.campaign.rules[owner[0]].outputs[owner[1]]
    help_ = f'narrow the wildcards, such as `wildcard {output.pattern.names[-1]}: "[0-9]+"`, or part them by a slash'
    notes = (Note(output.span, "each wildcard takes as much as it can"),) if place is not output.span else ()
    graph.warnings.setdefault(key, Diagnostic("W402", message, place, notes=notes, help=help_))


def check_folder(graph: Making, path: str, found: Maker | None) -> None:
    """Tell that a file lies inside a folder that another task makes."""
    folder = graph.makers.folder_around(path)
    if folder is None or (found is not None and folder[0] == found[0] and folder[2] == found[2]):
        return
    rule = graph.campaign.rules[folder[0]]
    output = rule.outputs[folder[1]]
    name = output.pattern.fill(dict(zip(rule.wildcards, folder[2], strict=True)))
    if found is None:
        message = f"{path} lies inside {name}, a folder that {rule.task_name(folder[2])} makes as a whole"
        place, notes = graph.place or output.span, (Note(output.span, "the folder"),)
    else:
        maker = graph.campaign.rules[found[0]]
        inner, outer = maker.task_name(found[2]), rule.task_name(folder[2])
        message = f"{path}, which {inner} makes, lies inside {name}, which {outer} makes"
        place, notes = maker.span, (Note(output.span, "the folder"),)
    help_ = f'take the folder as a whole, "{name}", or name the file among the outputs of rule `{rule.name}`'
    graph.troubles.append(Diagnostic("E404", message, place, notes=notes, help=help_))


def tell_split(graph: Making, table: Table, row: int, position: int, path: str, found: Maker) -> None:
    """Warn of an output that is split otherwise than its task is."""
    rule = graph.campaign.rules[found[0]]
    message = f"{path}, an output of {table.name(row)}, is split as {rule.task_name(found[2])}"
    place = table.rule.outputs[position].span
    warn_of_split(graph, f"split {table.rule.name} {position}", message, place, (table.rule.number, position))


def tell_made_twice(graph: Making, table: Table, row: int, path: str, number: int) -> None:
    """Tell that two tasks make one file."""
    other = graph.files.rule[number]
    if other == SOURCE:
        return
    name = graph.tables[other].name(graph.files.row[number])
    message = f"{path} is made by {name} and by {table.name(row)}"
    notes = (
        (Note(graph.campaign.rules[other].span, f"rule `{graph.campaign.rules[other].name}`"),)
        if other != table.rule.number
        else ()
    )
    graph.troubles.append(
        Diagnostic("E401", message, table.rule.span, notes=notes, help="let each file have one maker")
    )


def without_end(graph: Making, table: Table, row: int) -> Trouble:
    """Return the mistake of a rule that needs itself without end."""
    rows = [at for at in (0, 1, 2) if at < row]
    names = [*map(table.name, rows), "…", table.name(row)]
    message = f"rule `{table.rule.name}` needs itself without end: {', '.join(map(_shortened, names))}"
    place = next((item.code.span for item in table.rule.inputs), table.rule.span)
    notes = (Note(table.rule.span, f"{table.depth:,} times so far"),)
    names = list(table.rule.wildcards)
    wildcard = next((n for n in names if is_text_digits(table.values(row)[names.index(n)])), "n")
    help_ = f'end it with `if`: `input: … if {wildcard} != "0" else …`, or narrow it: `wildcard {wildcard}: "[0-9]+"`'
    return Trouble(*graph.troubles, Diagnostic("E408", message, place, notes=notes, help=help_))


def for_task(diagnostic: Diagnostic, table: Table, env: Env) -> Diagnostic:
    """Add the task to a mistake that depends on its wildcards."""
    values = ", ".join(f"{name}={env[name]}" for name in table.rule.wildcards if name in env)
    if not values or "(for " in diagnostic.message:
        return diagnostic
    about = f"(for {table.rule.name} with {_shortened(values)})"
    return diagnostic.replace(message=f"{diagnostic.message} {about}")
