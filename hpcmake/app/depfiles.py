"""Depfiles: the make-syntax files in which commands name what they have read.

Owns their syntax and what a name in them means.  Knows nothing of who writes them.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.tasks.paths import normalize
from hpcmake.tasks.rows import SOURCE, UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpcmake.disk import Disk
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

_WORD = re.compile(r"(?:\\.|\$\$|[^\s\\])+")


def parse_depfile(text: str) -> list[str]:
    r"""Return the prerequisites that a make-syntax file names, in order, without repetitions.

    Backslash-newline joins lines; `\ ` is a blank, `\#` a hash, `$$` a dollar, as compilers write them.
    """
    found: dict[str, None] = {}
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        words = _WORD.findall(line)
        if not words or words[0].startswith("#"):
            continue
        targets = True
        for word in words:
            if targets:
                if word == ":" or word.endswith(":"):
                    targets = False
                elif ":" in word and not word.startswith(":"):
                    targets = False
                    rest = word.partition(":")[2]
                    if rest:
                        found[_plain(rest)] = None
                continue
            found[_plain(word)] = None
    return list(found)


def _plain(word: str) -> str:
    return re.sub(r"\\([\s#\\:\[\]*])", r"\1", word).replace("$$", "$")


def _listed(plan: Plan, table: Table, row: int) -> dict[str, str]:
    """Return what a task lists in its `input`: files that count, and files that must only be there first (`order`)."""
    found: dict[str, str] = {}
    for item, column in zip(table.rule.inputs, table.inputs, strict=True):
        entry = column[row]
        for number in (entry,) if entry >= 0 else () if entry == UNSET else plan.graph.group(entry):
            path = plan.graph.files.paths[number]
            if not item.order or path not in found:
                found[path] = "order" if item.order else "input"
    return found


def read_depfile(plan: Plan, disk: Disk, table: Table, row: int) -> list[list[Any]]:
    """Return path, mtime and size of each file that a task's depfile names.

    Raises Trouble if it is not there, or names a file that a rule makes and that the task does not list.
    """
    rule = table.rule
    assert rule.depfile is not None  # noqa: S101  # the caller asked
    path, workdir = plan.depfile_of(table, row)
    try:
        text = disk.read(path).decode("utf-8", "surrogateescape")
    except OSError:
        message = f"the command succeeded, but wrote no depfile {path}"
        raise Trouble(
            Diagnostic("E413", message, rule.depfile.span, help="see what option makes it write one")
        ) from None
    listed = _listed(plan, table, row)
    own = {plan.graph.files.paths[column[row]] for column in table.outputs}
    names = []
    for name in parse_depfile(text):
        where = normalize(
            f"{workdir.rstrip('/')}/{name}" if workdir and not name.startswith("/") else name, plan.graph.root
        )
        if where in own or listed.get(where) == "input":
            continue
        number = plan.graph.files.index.get(where)
        made = plan.graph.makers.makes(where) if number is None else plan.graph.files.rule[number] != SOURCE
        if made and where not in listed:
            message = f"the depfile of {table.name(row)} names {where}, which a rule makes and the task does not list"
            help_ = f'add `order "{where}"` to its `input`, so that it is made first'
            raise Trouble(Diagnostic("E413", message, rule.depfile.span, help=help_))
        names.append(where)
    # as they are now, since what was listed for the plan does not name what was made since
    return [[name, *stamp] for name in names if (stamp := disk.stamp_now(name)) is not None]
