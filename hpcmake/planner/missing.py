"""Sources that are not there: the message.

Owns the chain of who wants a file.  Knows nothing of anything else.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.plan import Plan
    from hpcmake.text import Span

_SHOWN = 10


def missing_sources(plan: Plan, numbers: list[int]) -> Trouble:
    """Return the mistakes of sources that are not there and that no rule makes."""
    paths = plan.graph.files.paths
    mistakes = []
    for number in numbers[:_SHOWN]:
        span, chain = _chain(plan, number)
        message = f"there is no {paths[number]}, and no rule makes it"
        if len(numbers) > _SHOWN and number == numbers[_SHOWN - 1]:
            message += f" (nor {len(numbers) - _SHOWN} others)"
        hint = plan.outside.hint(paths[number])
        mistakes.append(Diagnostic("E405", message, span, help="\n".join([*chain, hint])))
    return Trouble(*mistakes)


def _chain(plan: Plan, number: int) -> tuple[Span | None, list[str]]:
    """Return the place that wants a file, and who wants that, up to a target."""
    words = []
    span = None
    seen = set()
    while number not in seen:
        seen.add(number)
        takers = plan.graph.consumers_of(number)
        if not takers:
            break
        table, row = takers[0]
        more = f" and {len(takers) - 1} more" if len(takers) > 1 else ""
        words.append(f"{table.name(row)}{more} needs {plan.graph.files.paths[number]}")
        if span is None:
            span = next(
                (
                    item.code.span
                    for item, column in zip(table.rule.inputs, table.inputs, strict=True)
                    if _takes(plan, column[row], number)
                ),
                table.rule.span,
            )
        if not table.outputs:
            break
        number = table.outputs[0][row]
    if number in plan.roots:
        words.append(f"{plan.graph.files.paths[number]} is a target")
    return span, words[:6]


def _takes(plan: Plan, entry: int, number: int) -> bool:
    return entry == number or (entry < -1 and number in plan.graph.group(entry))
