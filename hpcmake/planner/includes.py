"""Includes: which files a Wfile draws in, and which of them a rule makes.

Owns the order of reading and what a generated include may hold.  Knows nothing of what the statements mean.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Note, Trouble
from hpcmake.planner.ahead import look_ahead
from hpcmake.tasks.paths import normalize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from hpcmake.planner.attributes import Setting
    from hpcmake.planner.rules import Campaign

    class Loader(Protocol):
        """Finds and parses included files."""

        def find(self, pattern: str) -> list[str]:
            """Return the files that a plain path or a glob names, sorted."""

        def parse(self, path: str) -> syntax.Wfile:
            """Return a parsed file.  Raises Trouble."""

        def nearest(self, path: str) -> str:
            """Return a hint for a path that is not there."""


_ALLOWED = (syntax.Rule, syntax.Target, syntax.Prefer)


def gather(
    main: syntax.Wfile, setting: Setting, load: Loader, campaign: Campaign, *, ready: frozenset[str]
) -> list[syntax.Node]:
    """Return the statements of a Wfile and all that it includes, in order of reading.

    Includes that a rule makes are noted in `campaign.generated`, unless they are `ready`.
    """
    statements: list[syntax.Node] = []
    pending: list[tuple[syntax.Include, str, tuple[str, ...]]] = []
    read: dict[str, syntax.Wfile] = {normalize(main.source.name): main}

    def take(tree: syntax.Wfile, trail: tuple[str, ...]) -> None:
        for node in tree.statements:
            if not isinstance(node, syntax.Include):
                statements.append(node)
                continue
            path = _plain(node, setting)
            if path is None:
                continue
            if any(c in path for c in "*?["):
                found = load.find(path)
                if not found:
                    setting.tell("E217", f"no file matches `{path}`", node.path.span, help=load.nearest(path))
                for each in found:
                    enter(node, normalize(each), trail)
            else:
                pending.append((node, normalize(path), trail))

    def enter(node: syntax.Include, path: str, trail: tuple[str, ...]) -> None:
        if path in trail:
            circle = " -> ".join([*trail[trail.index(path) :], path])
            setting.tell("E218", f"`{path}` includes itself: {circle}", node.path.span, help="leave this include out")
        elif path not in read:
            try:
                read[path] = load.parse(path)
            except Trouble as trouble:
                setting.troubles += trouble.diagnostics
                return
            take(read[path], (*trail, path))

    start = normalize(main.source.name)
    take(main, (start,))
    while pending:
        # an include that a rule makes is not looked for on the disk: a leftover must not change the plan
        makers = look_ahead(statements, setting.world).index
        todo, pending[:] = pending[:], []
        for node, path, trail in todo:
            if makers.exact(path) or makers.matching(path):
                _generated(node, path, setting, load, campaign, statements, ready=ready)
            elif not load.find(path) and path not in read:
                setting.tell(
                    "E217",
                    f"there is no file `{path}` to include, and no rule makes it",
                    node.path.span,
                    help=load.nearest(path),
                )
            else:
                enter(node, path, trail)
    return statements


def _plain(node: syntax.Include, setting: Setting) -> str | None:
    for part in node.path.parts:
        if isinstance(part, syntax.Brace):
            setting.tell(
                "E217", "an include names a file by a plain text or a glob", part.span, help="write the path out"
            )
            return None
    return "".join(part.value for part in node.path.parts if isinstance(part, syntax.Text))


def _generated(
    node: syntax.Include,
    path: str,
    setting: Setting,
    load: Loader,
    campaign: Campaign,
    statements: list[syntax.Node],
    *,
    ready: frozenset[str],
) -> None:
    if path not in ready:
        campaign.generated.append((path, node.path.span))
        return
    try:
        tree = load.parse(path)
    except Trouble as trouble:
        setting.troubles += trouble.diagnostics
        return
    for inner in tree.statements:
        if isinstance(inner, _ALLOWED):
            statements.append(inner)
        else:
            word = type(inner).__name__.lower()
            notes = (Note(node.path.span, "it is included here"),)
            message = f"`{word}` in a file that a rule makes: it may hold `rule`, `target` and `prefer` only"
            setting.tell("E222", message, inner.span, notes=notes, help="move it into the Wfile")
