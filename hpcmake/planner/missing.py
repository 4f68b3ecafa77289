"""Sources that are not there: the message.

Owns the chain of who wants a file.  Knows nothing of anything else.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.tasks.paths import normalize
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.plan import Plan

_SHOWN = 10


def missing_sources(plan: Plan, numbers: list[int]) -> Trouble:
    """Return the mistakes of sources that are not there and that no rule makes."""
    paths = plan.graph.files.paths
    mistakes = []
    for number in numbers[:_SHOWN]:
        if number in plan.asked:
            mistakes.append(_unknown_target(plan, plan.asked[number]))
            continue
        span, chain = _chain(plan, number)
        message = f"there is no {paths[number]}, and no rule makes it"
        if len(numbers) > _SHOWN and number == numbers[_SHOWN - 1]:
            message += f" (nor {len(numbers) - _SHOWN} others)"
        hint = plan.outside.hint(paths[number])
        mistakes.append(Diagnostic("E405", message, span, help="\n".join([*chain, hint])))
    return Trouble(*mistakes)


def _unknown_target(plan: Plan, word: str) -> Diagnostic:
    """Return the mistake of a word on the command line that is neither a file nor a target."""
    campaign = plan.campaign
    span = Span(Source("the command line", word), 0, len(word))
    targets = f"\ntargets are: {', '.join(list(campaign.targets)[:8])}" if campaign.targets else ""
    if word in campaign.by_name:
        rule = campaign.by_name[word]
        pattern = rule.outputs[0].pattern if rule.outputs else rule.produces
        example = f"`{pattern.text}`, " if pattern is not None else ""
        message = f"`{word}` is a rule, and a target is a file or a name"
        return Diagnostic("E412", message, span, help=f"name a file that it makes, {example}or a target{targets}")
    known = [*campaign.targets, *(output.pattern.text for rule in campaign.rules for output in rule.outputs)]
    help_ = did_you_mean(word, known)
    if not help_:
        hint = plan.outside.hint(normalize(word, plan.graph.root)) if "/" in word else ""
        help_ = (hint + targets).removeprefix("\n")
    message = f"no rule makes `{word}`, there is no such file, and no target has this name"
    return Diagnostic("E412", message, span, help=help_)


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
        if span is None:
            span = next((place for numbers, place in plan.places if number in numbers), None)
    return span, words[:6]


def _takes(plan: Plan, entry: int, number: int) -> bool:
    return entry == number or (entry < -1 and number in plan.graph.group(entry))
