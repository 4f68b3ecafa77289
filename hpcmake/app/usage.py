"""Mistakes in the words behind a verb.

Owns their form.  Knows nothing of the verbs.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.text import Source, Span


def usage(message: str, text: str = "", *, help_: str = "") -> Trouble:
    """Return a mistake of usage, shown with the words of the command line."""
    source = Source("the command line", text)
    return Trouble(Diagnostic("E808", message, Span(source, 0, len(text)) if text else None, help=help_))
