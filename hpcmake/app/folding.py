"""The folding of the journal at the end of a run: many live records become one file of columns.

Owns when that pays.  Knows nothing of what the folded file looks like, nor of what records say.
"""

from __future__ import annotations

import os

from hpcmake.planner.fold import render_fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.journal import JournalFolder, JournalWriter
    from hpcmake.planner.plan import Plan

FOLD_FROM = 1 << 18
"""Live records of fewer bytes are not folded: they are read as fast."""

MOST_FILES = 32
"""More live files than that are folded though they hold little (and one for each MB of a folded file, which takes long
to be written anew): each has to be opened."""


def fold(plan: Plan, folder: JournalFolder, writer: JournalWriter, *, damaged: bool = False) -> bool:
    """Fold the journal if that pays, or if something in it was damaged; tell whether it was.  Raises Trouble.

    Only what was read, and what `writer` has written, is covered: not what another may append that lost its lease.
    """
    history = plan.history
    damaged = damaged or bool(history.mended)
    lengths = dict(folder.seen)
    if writer.length:
        lengths[os.path.basename(writer.path)] = writer.length
    live = sum(length - history.covers.get(name, 0) for name, length in lengths.items())
    size = folder.fold_state()[2]
    if live == 0 and not damaged:
        return False
    if not damaged and live < max(FOLD_FROM, size // 10) and len(lengths) <= MOST_FILES + (size >> 20):
        return False
    paths = plan.graph.files.paths
    order = {
        table.rule.name: [paths[number] for number in table.outputs[0]] if table.outputs else []
        for table in plan.graph.tables
    }
    if damaged:
        folder.keep_damaged_fold()
    folder.replace_fold(render_fold(history, lengths, order, paths), lengths)
    history.covers = lengths
    return True
