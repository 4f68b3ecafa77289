"""What tasks take of nodes: reading resources, and telling absurd ones.

Owns the evaluation of `nodes`, `ranks`, `cores`, `memory`, `time` and their kin.  Knows nothing of sites.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Note, Trouble
from hpcmake.model import Resources
from hpcmake.planner.operators import is_number
from hpcmake.planner.rules import RESOURCES, Rule
from hpcmake.planner.values import DurationOf, SizeOf, kind_of, render_value
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from hpcmake import syntax
    from hpcmake.planner.attributes import Setting
    from hpcmake.planner.scope import Env
    from hpcmake.planner.values import Value
    from hpcmake.text import Span

MOST = {
    "count": 10**9,
    "amount": 10**9,
    "number": 10**9,
    "size": 2**60,
    "duration": 400 * 86400,
}
"""What is beyond these is a slip of the pen: a billion nodes, an exbibyte, more than a year."""

_WORDS = {
    "count": "a whole number from 1",
    "amount": "a whole number from 0",
    "number": "a whole number",
    "size": "a size such as `2GiB`",
    "duration": "a duration such as `20m`",
}


def check_shape(rule: Rule, node: syntax.Rule, attributes: Mapping[str, syntax.Attribute], setting: Setting) -> None:
    """Tell what does not go together, and constants that are out of bounds."""
    whole = [name for name in ("nodes", "ranks") if name in attributes]
    shared = [name for name in ("cores", "memory", "gpus") if name in attributes]
    for name in shared:
        if whole:
            first = Note(attributes[whole[0]].name.span, "it takes whole nodes")
            help_ = "leave one of them: whole nodes have all their cores and memory; `cores_per_rank` shapes the ranks"
            setting.tell(
                "E502",
                f"`{whole[0]}` with `{name}` in rule `{node.name.id}`",
                attributes[name].name.span,
                notes=(first,),
                help=help_,
            )
    for name in ("ranks_per_node", "cores_per_rank", "gpus_per_rank", "launch_options"):
        if name in attributes and not whole:
            help_ = "add `nodes:` or `ranks:`, or leave it out"
            setting.tell(
                "E505",
                f"`{name}` without `nodes` or `ranks` in rule `{node.name.id}`",
                attributes[name].name.span,
                help=help_,
            )
    if "nodes" in attributes and "run" in attributes and rule.has_nodes:
        text = getattr(attributes["run"].value, "text", "")
        if "{launch}" not in text.replace("{{launch}}", ""):
            help_ = "put `{launch}` before the program that is to run on its nodes"
            setting.tell(
                "W503",
                f"rule `{node.name.id}` has `nodes`, and its command no `{{launch}}`",
                attributes["nodes"].name.span,
                help=help_,
            )
    constants = [name for name, code in rule.resources.items() if not code.names and not code.reads]
    # each by itself, so that all mistakes are told; then together, since ranks must fit the nodes
    mistakes = sum(_told(rule, {name}, setting) for name in constants)
    if not mistakes:
        _told(rule, set(constants), setting)


def _told(rule: Rule, names: set[str], setting: Setting) -> bool:
    """Read some resources; tell their mistakes, and whether there were any."""
    try:
        read_resources(rule, {"attempt": 1, "input": []}, only=names)
    except Trouble as trouble:
        if all(each.code == "E302" for each in trouble.diagnostics) and _needs_inputs(rule, names):
            return False  # of no inputs there is no first one: told, or read, when a task is planned
        setting.troubles += trouble.diagnostics
        return True
    except (Wait, KeyError):
        return False  # told, or read, when a task is planned
    return False


def _needs_inputs(rule: Rule, names: set[str]) -> bool:
    try:
        read_resources(rule, {"attempt": 1}, only=names)
    except KeyError:
        return True
    except (Trouble, Wait):
        return False
    return False


def read_resources(rule: Rule, env: Env, *, only: Container[str] | None = None) -> tuple[Resources, dict[str, int]]:
    """Return what an attempt takes, and its `retries`, `priority` and `at_once` where given.

    `env` holds the task's wildcards, `attempt` and `input`.  Raises Trouble for a value out of bounds.
    """
    values: dict[str, int | float] = {}
    for name, code in rule.resources.items():
        if only is not None and name not in only:
            continue
        values[name] = _checked(name, code.run(env), rule, code.span)
    nodes, ranks, per_node = values.get("nodes"), values.get("ranks"), values.get("ranks_per_node", 1)
    if nodes is not None and ranks is None:
        ranks = nodes * per_node
    elif ranks is not None and nodes is None:
        nodes = -(-ranks // per_node)
    elif nodes is not None and ranks is not None and ranks > nodes * per_node:
        message = f"{ranks} ranks do not fit on {nodes} nodes with {per_node} ranks each"
        help_ = f"`nodes: {-(-int(ranks) // int(per_node))}`, or `ranks_per_node: {-(-int(ranks) // int(nodes))}`"
        raise Trouble(Diagnostic("E504", message, rule.resources["ranks"].span, help=help_))
    resources = Resources(
        cores=int(values.get("cores", 1)),
        memory=int(values.get("memory", 0)),
        gpus=int(values.get("gpus", 0)),
        nodes=None if nodes is None else int(nodes),
        ranks=None if ranks is None else int(ranks),
        ranks_per_node=int(per_node),
        cores_per_rank=int(values.get("cores_per_rank", 1)),
        gpus_per_rank=int(values.get("gpus_per_rank", 0)),
        time=values.get("time"),
    )
    return resources, {name: int(values[name]) for name in ("retries", "priority", "at_once") if name in values}


def _checked(name: str, value: Value, rule: Rule, span: Span) -> int | float:
    kind = RESOURCES[name]
    amount: Value
    if kind == "size":
        amount = value.count if isinstance(value, SizeOf) else 0 if _is_zero(value) else None
    elif kind == "duration":
        amount = value.seconds if isinstance(value, DurationOf) else None
    else:
        amount = value if isinstance(value, int) and not isinstance(value, bool) else None
    if amount is None:
        shown = (
            f"`{render_value(value)}`, {kind_of(value)}"
            if is_number(value) or isinstance(value, str)
            else kind_of(value)
        )
        help_ = {"size": "write a unit: `2GiB`", "duration": "write a unit: `20m`"}.get(
            kind, "write a whole number; `int(…)` makes one of a text"
        )
        raise Trouble(Diagnostic("E501", f"`{name}` is {_WORDS[kind]}, and this is {shown}", span, help=help_))
    number: float = amount  # type: ignore[assignment]
    least = {"count": 1, "amount": 0, "number": -MOST["number"], "size": 0, "duration": 1}[kind]
    if number < least or number > MOST[kind]:
        word = "absurd" if number > MOST[kind] else "negative" if number < 0 else "zero" if number == 0 else "too short"
        shown = span.text if len(span.text) < 40 else render_value(value)  # noqa: PLR2004  # what fits a line
        message = f"`{name}: {shown}` of rule `{rule.name}` is {word}"
        raise Trouble(Diagnostic("E501", message, span, help=f"`{name}` is {_WORDS[kind]}"))
    return int(number) if number == int(number) else float(number)


def _is_zero(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value == 0
