"""Orphans: what tasks made from files that are no longer produced.

Owns who is an orphan and its removal.  Knows nothing of how the set of produced files shrank.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from hpcmake.app.books import Books
    from hpcmake.app.opening import Opened
    from hpcmake.planner.plan import Plan
    from hpcmake.report import Voice
    from hpcmake.tasks.ledger import Past


def find_orphans(plan: Plan) -> list[tuple[str, Past]]:
    """Return the recorded successes whose inputs were produced once, and are so no more: key and where its row is.

    What was made from what an orphan made is one too.
    """
    producers = [rule for rule in plan.campaign.rules if rule.produces is not None]
    if not producers:
        return []
    history = plan.history
    found: dict[str, Past] = {}
    gone: set[str] = set()
    moved = True
    pasts = [(past.ledger.keys[past.row], past) for rule in history.rules() for past in history.all_of(rule)]
    planned = {table.name(row) for table in plan.graph.tables if not table.outputs for row in range(table.count)}
    pasts = [(key, past) for key, past in pasts if not _is_planned(plan, key, planned)]
    while moved:
        moved = False
        for key, past in pasts:
            if key in found:
                continue
            taken = _taken(plan, past)
            if any(path in gone or _is_shrunken(plan, path) for path in taken):
                found[key] = past
                gone.update(path for path, _ in history.made_paths(past))
                moved = True
    return list(found.items())


def _is_planned(plan: Plan, key: str, without_outputs: Collection[str]) -> bool:
    """Tell whether a recorded task is in the plan; those without outputs are known by name."""
    if key.startswith("\0"):
        return key[1:] in without_outputs
    number = plan.graph.files.index.get(key)
    return number is not None and plan.graph.files.rule[number] >= 0


def _taken(plan: Plan, past: Past) -> list[str]:
    versions = plan.history.versions
    found: list[str] = []
    for entry in past.ledger.taken_by(past.row):
        found += [versions.paths[v] for v in ((entry,) if entry >= 0 else plan.history.sets[-2 - entry])]
    return found


def _is_shrunken(plan: Plan, path: str) -> bool:
    """Tell whether a file would be produced by a task that is up to date, and is not."""
    found = plan.graph.makers.of(path)
    if found is None or found[1] >= 0:
        return False
    table = plan.graph.tables[found[0]]
    if table.rule.outputs:
        by_name = dict(zip(table.rule.wildcards, found[2], strict=True))
        number = plan.graph.files.index.get(table.rule.outputs[0].pattern.fill(by_name))
        row = plan.graph.files.row[number] if number is not None else None
    else:
        row = table.keys.get(found[2])
    if row is None:
        return False
    made = plan.known_produced(found[0], row)
    return made is not None and path not in made


def remove_orphans(plan: Plan, books: Books, opened: Opened, voice: Voice) -> None:
    """Remove what orphans made, forget them, and tell it."""
    orphans = find_orphans(plan)
    if not orphans:
        return
    for _, past in orphans:
        for path, _ in plan.history.made_paths(past):
            number = plan.graph.files.index.get(path)
            if number is not None and plan.graph.files.rule[number] >= 0:
                continue  # another task makes it now
            if opened.disk.remove(path):
                voice.tell({"kind": "removed", "file": path, "why": "orphan"})
    books.forget([key for key, _ in orphans])
