"""Syntax trees of Wfiles that have been read before, kept in the user's cache.

Owns when a kept tree is right.  Knows nothing of parsing: that is imported only when there is no such tree.
"""

from __future__ import annotations

import pickle
import sys

from hpcmake import __version__
from hpcmake.parser.store import digest, find_stored, store
from hpcmake.syntax import Wfile
from hpcmake.text import Source

_FORM = "1"  # of the trees: to be raised when a node changes between two versions


def parse_cached(source: Source) -> Wfile:
    """Return the syntax tree of a Wfile, from the cache if it has been read before.

    Raises Trouble with every mistake in it, as `parse` does; mistakes are not kept.
    """
    name = "wfile-" + digest(_FORM, __version__, sys.version, source.name, source.text)
    stored = find_stored(name)
    if stored is not None:
        tree = _tree(stored)
        if tree is not None:
            return tree
    from hpcmake.parser.parse import parse  # lexer and tables are needed only here

    tree = parse(source)
    try:
        store(name, pickle.dumps(tree, pickle.HIGHEST_PROTOCOL))
    except RecursionError:  # pickle goes deeper than a tree may be
        return tree
    return tree


def _tree(stored: bytes) -> Wfile | None:
    """Return the tree, or None if it is that of another hpcmake."""
    try:
        tree = pickle.loads(stored)  # noqa: S301  # our own, and its digest is right
    except (pickle.UnpicklingError, AttributeError, ImportError, EOFError, IndexError, TypeError, ValueError, KeyError):
        return None
    return tree if isinstance(tree, Wfile) else None
