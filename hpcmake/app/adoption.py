"""Adoption: without a journal, make's rule is used once, and what it finds up to date is written down.

Owns when that is complete.  Knows nothing of make's rule itself.
"""

from __future__ import annotations

from hpcmake.planner.stale import FRESH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.books import Books
    from hpcmake.planner.plan import Plan


def adopt(plan: Plan, books: Books) -> None:
    """Write down what make's rule found up to date.  Raises JournalError."""
    history = plan.history
    for table in plan.graph.tables:
        if not table.outputs:
            continue
        for row, state in enumerate(table.state):
            # one that was cut short has written some of them
            if state != FRESH or (history.recent and plan.judge.past(table, row) is not None):
                continue
            stamps = [plan.stamps.stamp(column[row]) or (-1, -1) for column in table.outputs]
            inputs = books.inputs(table, row)
            books.success(table, row, inputs=inputs, stamps=stamps, ended=None, attempt=0, extras={}, kind="adopted")


def complete(books: Books) -> None:
    """Write down that all was adopted: from now on there is a journal.  Raises JournalError.

    What is started from here on may be half written if the driver is killed, and must not be taken for something that
    was there before.
    """
    books.write({"k": "run", "n": books.host})
    books.writer.sync()
