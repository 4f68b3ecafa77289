"""`wildcard NAME: "REGEX"`: what narrows the wildcards of a file or of one rule.

Owns the reading of these statements and their mistakes.  Knows nothing of patterns.
"""

from __future__ import annotations

from hpcmake.diagnostics import Note
from hpcmake.planner.regexes import RegexError, parse_regex
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpcmake import syntax
    from hpcmake.planner.attributes import Setting


def read_constraints(nodes: Iterable[syntax.Wildcard], setting: Setting, into: dict[str, str], where: str = "") -> None:
    """Put what `wildcard` statements say into `into`; their mistakes are told.  `where` says where they stand."""
    seen: dict[str, Span] = {}
    for node in nodes:
        name = node.name.id
        if name in seen:
            notes = (Note(seen[name], "it is narrowed here already"),)
            help_ = 'leave one of them; for either of two write `"(one|other)"`'
            setting.tell("E209", f"`wildcard {name}` twice{where}", node.name.span, notes=notes, help=help_)
            continue
        seen[name] = node.name.span
        try:
            into[name] = parse_regex(node.regex)
        except RegexError as mistake:
            setting.tell("E216", str(mistake), _place(node, mistake), help=mistake.mend)


def _place(node: syntax.Wildcard, mistake: RegexError) -> Span:
    span = node.regex_span
    if span.text[1:-1] != node.regex:
        return span  # escapes have moved the places
    inner = span.start + 1  # behind the quote
    return Span(span.source, inner + mistake.start, inner + max(mistake.end, mistake.start + 1))
