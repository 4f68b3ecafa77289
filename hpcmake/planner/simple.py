"""Commands that need no shell: one simple command, all of whose words are known without one.

Owns what counts as such, and which words bash does not look for on the PATH.  Knows nothing of what values stand for.
"""

from __future__ import annotations

import re

from hpcmake.record import Record
from hpcmake.syntax import Brace
from hpcmake.tasks.quoting import RESERVED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

BUILTINS = frozenset((
    ".", ":", "[", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "command", "compgen", "complete",
    "compopt", "continue", "declare", "dirs", "disown", "echo", "enable", "eval", "exec", "exit", "export", "false",
    "fc", "fg", "getopts", "hash", "help", "history", "jobs", "kill", "let", "local", "logout", "mapfile", "popd",
    "printf", "pushd", "pwd", "read", "readarray", "readonly", "return", "set", "shift", "shopt", "source",
    "suspend", "test", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
))  # fmt: skip
"""What bash runs itself."""


class Quoted(Record):
    """A word made of several parts, each with whether it stands in quotes, where a list is one text."""

    parts: tuple[tuple[str | Brace, bool], ...]


_TOKEN = re.compile(
    r"""(?P<blank>(?:[ \t]|\\\n)+)|\\(?P<escaped>[^\n\0])|'(?P<single>[^']*)'|"(?P<double>[^"\\$`]*)"
    |(?P<newline>\n)|(?P<value>\0)|(?P<plain>[^ \t\n\\'"$`;&|<>(){}*?\[~\#\0]+|\{\})|\#(?P<hash>)""",
    re.VERBOSE,
)
_REST_OF_LINE = re.compile(r"[^\n]*")


def simple_words(text: str, braces: Sequence[Brace]) -> tuple[str | Brace | Quoted, ...] | None:
    r"""Return the words of a command that needs no shell, or None if it needs one.

    A NUL in the text stands for the next of `braces`.  A command needs no shell if it is one simple command without
    expansions, redirections, assignments, globs and operators, whose first word is written out and names a program.
    """
    words: list[list[tuple[str | Brace, bool]]] = []
    values = iter(braces)
    is_open = ended = False  # a word, a command that nothing may follow
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return None
        at = token.end()
        kind = token.lastgroup
        if kind == "blank":
            # a continued line alone neither begins nor ends a word
            is_open = is_open and not token[0].strip("\\\n")
            continue
        if kind == "newline" or (kind == "hash" and not is_open):
            is_open = False
            ended = ended or bool(words)
            if kind == "hash":
                end = _REST_OF_LINE.match(text, at).end()  # type: ignore[union-attr]  # matches nothing too
                for _ in range(text.count("\0", at, end)):
                    next(values)
                at = end
            continue
        if ended:
            return None
        if not is_open:
            words.append([])
            is_open = True
        if kind == "value":
            words[-1].append((next(values), False))
        elif kind in ("single", "double"):
            parts = token[kind].split("\0")
            words[-1].append((parts[0], True))
            for part in parts[1:]:
                words[-1] += ((next(values), True), (part, True))
        else:
            words[-1].append((token["escaped"] or token["plain"] or "#", False))
    return _judge([_join(word) for word in words])


def _join(parts: list[tuple[str | Brace, bool]]) -> str | Brace | Quoted:
    """Return a word in its simplest form."""
    if len(parts) == 1 and isinstance(parts[0][0], Brace) and not parts[0][1]:
        return parts[0][0]
    literals = [part for part, _ in parts if isinstance(part, str)]
    return "".join(literals) if len(literals) == len(parts) else Quoted(tuple(part for part in parts if part[0] != ""))


def _judge(words: list[str | Brace | Quoted]) -> tuple[str | Brace | Quoted, ...] | None:
    """Return the words if they need no shell."""
    if not words or not isinstance(words[0], str) or any(_is_raw(word) for word in words):
        return None
    program = words[0]
    needs = not program or program in BUILTINS or program in RESERVED or "=" in program or program.startswith("%")
    return None if needs else tuple(words)


def _is_raw(word: str | Brace | Quoted) -> bool:
    if isinstance(word, Brace):
        return word.modifier == "r"
    return isinstance(word, Quoted) and any(isinstance(part, Brace) and part.modifier == "r" for part, _ in word.parts)
