"""Which names an expression takes from what surrounds it.

Owns that one question, asked of syntax before anything is made ready to run.  Knows nothing of what the names mean.
"""

from __future__ import annotations

from hpcmake import syntax


def free_names(node: syntax.Node, *, with_each: bool = False) -> set[str]:
    """Return the names that no loop of the expression itself binds.

    The names in the pattern of an `each` count only `with_each`: they are wildcards of its own, unless something
    around it has the same name.
    """
    found: set[str] = set()
    _visit(node, frozenset(), found, with_each=with_each)
    return found


def _visit(node: object, bound: frozenset[str], found: set[str], *, with_each: bool) -> None:
    if isinstance(node, syntax.Comprehension):
        for clause in node.clauses:
            _visit(clause, bound, found, with_each=with_each)
            if isinstance(clause, syntax.EachClause):
                bound |= {part.name.id for part in clause.pattern.parts if isinstance(part, syntax.Brace)}
            else:
                bound |= {word.id for word in clause.names}
        _visit(node.item, bound, found, with_each=with_each)
        _visit(node.condition, bound, found, with_each=with_each)
    elif isinstance(node, (syntax.Each, syntax.EachClause)):
        if with_each:
            _visit(node.pattern, bound, found, with_each=with_each)
    elif isinstance(node, syntax.InClause):
        _visit(node.values, bound, found, with_each=with_each)
    elif isinstance(node, syntax.Brace):
        found |= {node.name.id} - bound
        found |= {step.key.id for step in node.path if _is_name(step)} - bound  # type: ignore[union-attr]
    elif isinstance(node, syntax.Name):
        found |= {node.id} - bound
    elif isinstance(node, syntax.Node):
        for field in type(node)._fields:  # a record's fields are its own table of contents
            if field != "span":
                _visit(getattr(node, field), bound, found, with_each=with_each)
    elif isinstance(node, tuple):
        for each in node:
            _visit(each, bound, found, with_each=with_each)


def _is_name(step: syntax.Field | syntax.Position) -> bool:
    return isinstance(step, syntax.Position) and isinstance(step.key, syntax.Word)
