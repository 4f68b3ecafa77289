"""What lies where an attempt will make its outputs: moved out of its way, or kept.

Owns that choice.  Knows nothing of what an attempt has come to.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.drive import Drive
    from hpcmake.app.handed import Handed
    from hpcmake.model import Stamp


def clear_away(drive: Drive, handed: Handed) -> None:
    """Move away what an attempt must not find; what an earlier success made stays, unprotected.

    What a failed or interrupted attempt may have left does not stay, nor what was there before any attempt.
    """
    table, row = handed.table, handed.row
    stamps = drive.plan.stamps
    handed.before = []
    made: dict[str, Stamp] | None = None
    for output, column in zip(table.rule.outputs, table.outputs, strict=True):
        number = column[row]
        stamp = None
        if stamps.present[number] == 1:
            path = drive.plan.graph.files.paths[number]
            if made is None:
                past = drive.plan.judge.past(table, row)
                made = dict(drive.plan.history.made_paths(past)) if past is not None else {}
            now = drive.disk.stamp_now(path)
            if now is not None and (made.get(path) == now or (handed.is_trusted and path in made)):
                stamp = now  # an earlier success made it, and if it is another now, then by hand
                if output.protect:
                    drive.disk.unprotect(path)
            elif now is not None:
                drive.outcome.put_aside(path)
                stamps.put(number, None)
        handed.before.append(stamp)
    if table.rule.produces is not None:
        leftovers = drive.products.now(table, row) if handed.tried else drive.products.at_first(table, row)
        for path in leftovers:
            drive.outcome.put_aside(path)
        if leftovers:
            drive.products.forget()
    handed.tried = True
