"""What the operating system refused to do, as something that a user can act on.

Owns the words for a full disk, a missing permission and the like.  Knows nothing of who asked for what, and why.
"""

from __future__ import annotations

import errno
import os

from hpcmake.diagnostics import Diagnostic, Trouble

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})


def shown(path: str) -> str:
    """Return a path for people, quoted; what cannot be printed stands as an escape."""
    return f"`{path if path.isprintable() else ascii(path)[1:-1]}`"


def refusal(error: OSError, doing: str, path: str, *, consequence: str = "") -> Diagnostic:
    """Return what was refused: `doing` are the words that stand before the path, as in `cannot WRITE TO path`.

    `consequence` says what is lost by it, or that nothing is, as a whole sentence.
    """
    code, mend = _code_and_mend(error, path)
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    lines = (consequence, mend) if consequence else (mend,)
    return Diagnostic(code, f"cannot {doing} {shown(path)}: {reason}", help="\n".join(lines))


def trouble(error: OSError, doing: str, path: str, *, consequence: str = "") -> Trouble:
    """Return `refusal` as an exception to be raised."""
    return Trouble(refusal(error, doing, path, consequence=consequence))


def _code_and_mend(error: OSError, path: str) -> tuple[str, str]:
    if error.errno in _FULL:
        return "E700", f"free some space (`df -h {_quoted(_folder(path))}`, or ask `quota`) and run hpcmake again"
    if error.errno in _FORBIDDEN:
        return "E701", f"see who may (`ls -ld {_quoted(_folder(path))} {_quoted(path)}`) and mend it with `chmod`"
    if error.errno == errno.EROFS:
        return "E702", "copy the campaign to a folder that can be written, and run hpcmake there"
    return "E703", f"see what is there with `ls -ld {_quoted(path)}`, and run hpcmake again"


def _folder(path: str) -> str:
    return os.path.dirname(path.rstrip("/")) or "."


def _quoted(path: str) -> str:
    from shlex import quote  # only mistakes need it

    return quote(path) if path.isprintable() else quote(ascii(path)[1:-1])
