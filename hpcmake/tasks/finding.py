"""Files on the disk that match a pattern, and the nearest name to one that does not.

Owns the walk through folders.  Knows nothing of rules: whatever lies there is found.
"""

from __future__ import annotations

from hpcmake.diagnostics import nearest
from hpcmake.tasks.patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.model import Tree


def find_matching(tree: Tree, pattern: Pattern) -> list[str]:
    """Return the files (or folders, for a pattern that ends in a slash) on the disk that match a pattern."""
    if pattern.may_cross:
        return _find_deep(tree, pattern)
    wants_folder = pattern.literals[-1].endswith("/")
    components = _components(pattern)
    found = [""]
    for at, component in enumerate(components):
        last = at == len(components) - 1
        following: list[str] = []
        for folder in found:
            following += _step(tree, folder, component, need_folder=wants_folder or not last, last=last)
        found = following
        if not found:
            break
    paths = [path + "/" for path in found] if wants_folder else found
    return (
        [path for path in paths if pattern.match(path) is not None]
        if len(set(pattern.places)) < len(pattern.places)
        else paths
    )


def _step(tree: Tree, folder: str, component: Pattern, *, need_folder: bool, last: bool) -> list[str]:
    lead = folder + "/" if folder else ""
    if not component.places:
        name = component.literals[0]
        if not last:
            return [lead + name]  # whether it is there shows when it is listed
        names = tree.names(folder or ".")
        return [lead + name] if names is not None and name in names and (not need_folder or names[name]) else []
    names = tree.names(folder or ".")
    if not names:
        return []
    dotted = component.literals[0].startswith(".")
    match = component.regex.fullmatch
    return [
        lead + name
        for name, is_folder in names.items()
        if is_folder is need_folder and (dotted or not name.startswith(".")) and match(name)
    ]


def _components(pattern: Pattern) -> list[Pattern]:
    """Split a pattern at the slashes of its literals."""
    parts: list[tuple[list[str], list[str]]] = [([""], [])]
    for at, literal in enumerate(pattern.literals):
        if at:
            parts[-1][1].append(pattern.places[at - 1])
            parts[-1][0].append("")
        pieces = literal.split("/")
        parts[-1][0][-1] += pieces[0]
        parts += [([piece], []) for piece in pieces[1:]]
    return [Pattern(literals, places, pattern.constraints) for literals, places in parts if places or literals != [""]]


def _find_deep(tree: Tree, pattern: Pattern) -> list[str]:
    """Walk all folders below the pattern's first literal: a wildcard may match slashes."""
    start = pattern.literals[0].rpartition("/")[0]
    wants_folder = pattern.literals[-1].endswith("/")
    dotted = "/." in "/" + pattern.literals[0]
    found = []
    todo = [start]
    while todo:
        folder = todo.pop()
        for name, is_folder in (tree.names(folder or ".") or {}).items():
            if name.startswith(".") and not dotted:
                continue
            path = f"{folder}/{name}" if folder else name
            if is_folder:
                todo.append(path)
                if wants_folder and pattern.match(path + "/") is not None:
                    found.append(path + "/")
            elif not wants_folder and pattern.match(path) is not None:
                found.append(path)
    return found


def nearest_path(tree: Tree, path: str) -> str:
    """Return, in words, what there is instead of a path: the nearest name, or the part of it that is missing."""
    folder = ""
    parts = path.rstrip("/").split("/")
    for at, part in enumerate(parts):
        names = tree.names(folder or ".")
        here = f"{folder}/" if folder else "the root"
        if names is None:
            return f"there is no folder {folder}/"
        if "{" in part:
            shown = sorted(name for name in names if not name.startswith("."))[:5]
            return f"{here} holds {', '.join(shown)}{', …' if len(names) > 5 else ''}" if shown else f"{here} is empty"  # noqa: PLR2004
        lead = f"{folder}/" if folder else ""
        if part not in names:
            is_last = at == len(parts) - 1
            close = nearest(part, [name for name, is_folder in names.items() if is_last or is_folder])
            if close is None:
                return f"there is no {'`' if is_last else 'folder `'}{part}` in {here}"
            rest = "/".join(parts[at + 1 :])
            sure = not rest or "{" in rest or _is_there(tree, f"{lead}{close}/{rest}")
            return f"did you mean `{lead}{close}{'/' + rest if rest and sure else '/' if rest else ''}`?"
        folder = lead + part
    return f"{path} is there, but is not what was asked for"


def _is_there(tree: Tree, path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return name in (tree.names(folder) or ())
