"""Syntax trees of Wfiles that have been read before, kept in the user's cache.

Owns when a kept tree is right.  Knows nothing of parsing: that is imported only when there is no such tree.
"""

from __future__ import annotations

import pickle
import sys

from hpcmake import __version__
from hpcmake.parser.store import digest, find_stored, store
from hpcmake.parser.swift import without_collector
from hpcmake.syntax import Expr, Node, Wfile
from hpcmake.text import Source

_NODES = repr([(kind.__name__, kind._fields) for parent in (Node, Expr) for kind in parent.__subclasses__()])
"""The shapes of nodes: a tree of other shapes is another tree."""


def parse_cached(source: Source) -> Wfile:
    """Return the syntax tree of a Wfile, from the cache if it has been read before.

    Raises Trouble with every mistake in it, as `parse` does; mistakes are not kept.
    """
    name = "wfile-" + digest(_NODES, __version__, sys.version, source.name, source.text)
    stored = find_stored(name)
    if stored is not None:
        tree = _tree(stored)
        if tree is not None:
            return tree
    from hpcmake.parser.parse import parse  # lexer and tables are needed only here

    tree = parse(source)
    try:
        with without_collector():
            store(name, pickle.dumps(tree, pickle.HIGHEST_PROTOCOL))
    except RecursionError:  # pickle goes deeper than a tree may be
        return tree
    return tree


def _tree(stored: bytes) -> Wfile | None:
    """Return the tree, or None if it is that of another hpcmake."""
    try:
        with without_collector():
            tree = pickle.loads(stored)  # noqa: S301  # our own, and its digest is right
    except (pickle.UnpicklingError, AttributeError, ImportError, EOFError, IndexError, TypeError, ValueError, KeyError):
        return None
    return tree if isinstance(tree, Wfile) else None
