"""What is known only later, in words: which task will tell, and which rules wait for it.

Owns that view of a plan.  Knows nothing of how it becomes known.
"""

from __future__ import annotations

from hpcmake.tasks.patterns import Pattern
from hpcmake.tasks.rows import UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.plan import Plan
    from hpcmake.planner.rules import Rule
    from hpcmake.planner.scope import Code


def unknown_rules(plan: Plan) -> list[tuple[str, str]]:
    """Return pairs of the task that will tell and a rule (or target) of which something is known only then."""
    found: dict[tuple[str, str], None] = {}
    for item in plan.open_items.values():
        for need in item.needs:
            found[plan.maker_of(need), item.target] = None
            for rule in _made_by(plan, item.code):
                found[plan.maker_of(need), rule.name] = None
    for path, _ in plan.campaign.generated:
        number = plan.graph.want(path)
        maker = plan.graph.tables[plan.graph.files.rule[number]].name(plan.graph.files.row[number])
        found[maker, "include " + path] = None
    for table in plan.graph.tables:
        for row, needs in table.waiting.items():
            for need in needs:
                after = plan.maker_of(need)
                for position, taken in enumerate(table.rule.inputs):
                    if table.inputs[position][row] == UNSET:
                        for rule in _made_by(plan, taken.code):
                            if rule.name != after.partition("[")[0]:
                                found[after, rule.name] = None
                found[after, table.rule.name] = None
    return list(found)


def _made_by(plan: Plan, code: Code) -> list[Rule]:
    """Return the rules that may make what an item will range over, and those that make what they take."""
    if code.pattern is None:
        return []
    todo = [code.pattern]
    rules: dict[str, Rule] = {}
    while todo:
        for rule in plan.graph.makers.rules_of(todo.pop()):
            if rule.name in rules or (rule.produces is not None and not rule.outputs):
                continue
            if plan.graph.tables[rule.number].count and not rule.wildcards:
                continue
            rules[rule.name] = rule
            todo += [
                Pattern(item.code.literals, item.code.places)
                for item in rule.inputs
                if item.code.literals is not None and item.code.places
            ]
    return list(reversed(rules.values()))
