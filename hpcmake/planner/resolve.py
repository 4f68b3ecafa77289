"""From syntax to a campaign: names, defaults, includes, duplicates; all mistakes at once.

Owns what statements mean together.  Knows nothing of tasks, nor of what is on the disk.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Diagnostic, Note, Trouble, did_you_mean
from hpcmake.planner.ahead import look_ahead
from hpcmake.planner.attributes import IN_DEFAULTS, Setting, resolve_rule
from hpcmake.planner.constants import Constant, compile_constants, evaluate_constants, unknown_param
from hpcmake.planner.constraints import read_constraints
from hpcmake.planner.expressions import compile_expression
from hpcmake.planner.includes import gather
from hpcmake.planner.rules import Campaign, Target, TargetItem, add_to_index
from hpcmake.planner.scope import Scope
from hpcmake.tasks.wait import Wait
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hpcmake.planner.includes import Loader
    from hpcmake.planner.world import World


def resolve(
    main: syntax.Wfile,
    world: World,
    load: Loader,
    *,
    overrides: Mapping[str, str] | None = None,
    site: str = "local",
    ready: Iterable[str] = (),
) -> Campaign:
    """Return what a Wfile and its includes say.

    `load` finds and parses includes, `overrides` are the params of the command line, `ready` the includes that rules
    make and that are up to date.  Raises Trouble with every mistake that can be told before planning.
    """
    campaign = Campaign()
    setting = Setting(world, {}, campaign.constraints)
    setting.site_name = site
    world.await_rules(None)
    statements = gather(main, setting, load, campaign, ready=frozenset(ready))
    world.await_rules(lambda: look_ahead(statements, world))
    read_constraints([node for node in statements if isinstance(node, syntax.Wildcard)], setting, campaign.constraints)
    _constants(statements, setting, overrides or {}, campaign)
    _defaults(statements, setting, site)
    _rules(statements, setting, campaign)
    _targets(statements, setting, campaign)
    _prefer(statements, setting, campaign)
    _check_shared_names(statements, setting, campaign)
    if not setting.troubles:
        setting.troubles += evaluate_constants(campaign, reading=False)
    campaign.warnings += list(dict.fromkeys(setting.warnings))
    if setting.troubles:
        raise Trouble(*dict.fromkeys(setting.troubles), *campaign.warnings)
    return campaign


def _first(span: Span) -> tuple[Note, ...]:
    return (Note(span, "it stands here already"),)


def _constants(
    statements: list[syntax.Node], setting: Setting, overrides: Mapping[str, str], campaign: Campaign
) -> None:
    """Define lets and params, and tell which stand twice."""
    seen: dict[str, syntax.Let | syntax.Param] = {}
    narrowed = {node.name.id: node for node in statements if isinstance(node, syntax.Wildcard)}
    for node in statements:
        if not isinstance(node, (syntax.Let, syntax.Param)):
            continue
        name = node.name.id
        if name in seen:
            help_ = "leave one of them, or give it another name"
            setting.tell(
                "E202", f"`{name}` is defined twice", node.name.span, notes=_first(seen[name].name.span), help=help_
            )
            continue
        seen[name] = node
        if isinstance(node, syntax.Param):
            campaign.params[name] = node.name.span
        if name in narrowed:
            notes = (Note(narrowed[name].name.span, "declared a wildcard here"),)
            message = f"`{name}` is a {type(node).__name__.lower()} and a wildcard"
            setting.tell("E225", message, node.name.span, notes=notes, help="give one of them another name")
    for name in overrides:
        if name not in campaign.params:
            setting.troubles.append(unknown_param(name, campaign.params))
    setting.constants.update(compile_constants(list(seen.values()), setting, overrides))
    campaign.constants = dict(setting.constants)


def _defaults(statements: list[syntax.Node], setting: Setting, site: str) -> None:
    seen: dict[str | None, syntax.Defaults] = {}
    for node in statements:
        if not isinstance(node, syntax.Defaults):
            continue
        name = node.site.id if node.site is not None else None
        if name in seen:
            what = f"`defaults on {name}`" if name else "`defaults`"
            setting.tell(
                "E224", f"{what} twice", node.span, notes=_first(seen[name].span), help="one block holds them all"
            )
            continue
        seen[name] = node
        found: dict[str, syntax.Attribute] = {}
        for attribute in node.body:
            known = attribute.name.id
            if known not in IN_DEFAULTS:
                hint = did_you_mean(known, IN_DEFAULTS) or f"there are: {', '.join(sorted(IN_DEFAULTS))}"
                setting.tell("E206", f"`{known}` is no attribute of `defaults`", attribute.name.span, help=hint)
            elif known in found:
                notes = _first(found[known].name.span)
                message = f"attribute `{known}` twice in `defaults`"
                setting.tell("E209", message, attribute.name.span, notes=notes, help="leave one of them")
            else:
                found[known] = attribute
                _check_default(attribute, setting)
        if name is None:
            setting.general = found
        elif name == site:
            setting.site = found


def _check_default(attribute: syntax.Attribute, setting: Setting) -> None:
    """A default must not wait for a file that a rule makes."""
    if not isinstance(attribute.value, syntax.Items):
        return
    for item in attribute.value.items:
        scope = setting.scope(constraints=setting.constraints)
        scope.loops = {"attempt": False, "input": False}
        scope.is_of_resources = True
        if isinstance(item.value, syntax.Name) and not scope.knows(item.value.id):
            continue
        code = compile_expression(item.value, scope)
        if scope.troubles:
            continue  # told where a rule takes the default, with what is known there
        if code.reads:
            try:
                code.run({"attempt": 1, "input": []})
            except Wait as wait:
                message = f"`defaults` cannot wait for {wait.needs[0].path}, which a rule makes"
                setting.tell("E227", message, item.value.span, help="set it in the rules that need it")
            except Trouble:
                continue  # told by the rules that take it


def _rules(statements: list[syntax.Node], setting: Setting, campaign: Campaign) -> None:
    nodes: dict[str, syntax.Rule] = {}
    for node in statements:
        if not isinstance(node, syntax.Rule):
            continue
        name = node.name.id
        if name in nodes:
            setting.tell(
                "E201",
                f"rule `{name}` twice",
                node.name.span,
                notes=_first(nodes[name].name.span),
                help="give one of them another name",
            )
            continue
        nodes[name] = node
        rule = resolve_rule(node, setting)
        rule.number = len(campaign.rules)
        campaign.rules.append(rule)
        campaign.by_name[name] = rule
        add_to_index(campaign, rule)


def _targets(statements: list[syntax.Node], setting: Setting, campaign: Campaign) -> None:
    nodes: dict[str, syntax.Target] = {}
    for node in statements:
        if not isinstance(node, syntax.Target):
            continue
        if node.name.id in nodes:
            notes = _first(nodes[node.name.id].name.span)
            help_ = "join the two: `target NAME:` takes any number of items"
            setting.tell("E202", f"target `{node.name.id}` twice", node.name.span, notes=notes, help=help_)
        else:
            nodes[node.name.id] = node
    for name, node in nodes.items():
        items = []
        scope = setting.scope(constraints=setting.constraints)
        for item in node.items.items:
            if item.name is not None or item.modifiers:
                span = (item.name or item.modifiers[0]).span
                setting.tell("E210", "a target's items have neither names nor modifiers", span, help="leave it out")
            if isinstance(item.value, syntax.Name) and item.value.id in nodes:
                items.append(TargetItem(None, item.value.id, item.value.span))
            else:
                items.append(_target_item(item.value, scope, nodes, campaign))
        setting.troubles += scope.troubles
        campaign.targets[name] = Target(name, tuple(items), node.name.span)
    _target_circles(nodes, setting, campaign)


def _target_item(value: syntax.Expr, scope: Scope, nodes: Mapping[str, object], campaign: Campaign) -> TargetItem:
    before = len(scope.troubles)
    code = compile_expression(value, scope)
    if isinstance(value, syntax.Name) and len(scope.troubles) > before:
        del scope.troubles[before:]
        name = value.id
        if name in campaign.by_name:
            help_ = "a target is made of files and of other targets: name the files that the rule makes, in quotes"
            scope.troubles.append(Diagnostic("E229", f"`{name}` is a rule, not a target", value.span, help=help_))
        else:
            hint = did_you_mean(name, nodes) or "a file stands in quotes"
            scope.troubles.append(Diagnostic("E203", f"unknown target `{name}`", value.span, help=hint))
    return TargetItem(code, None, value.span)


def _target_circles(nodes: Mapping[str, syntax.Target], setting: Setting, campaign: Campaign) -> None:
    done: set[str] = set()
    for start in nodes:
        trail: list[str] = []

        def visit(name: str, trail: list[str] = trail) -> None:
            if name in trail:
                circle = " -> ".join([*trail[trail.index(name) :], name])
                setting.tell(
                    "E220",
                    f"targets name each other in a circle: {circle}",
                    nodes[name].name.span,
                    help="leave one out",
                )
            elif name not in done:
                trail.append(name)
                for item in campaign.targets[name].items:
                    if item.target is not None:
                        visit(item.target)
                trail.pop()
                done.add(name)

        visit(start)


def _prefer(statements: list[syntax.Node], setting: Setting, campaign: Campaign) -> None:
    for node in statements:
        if not isinstance(node, syntax.Prefer):
            continue
        for word in (node.winner, node.loser):
            if word.id not in campaign.by_name:
                hint = did_you_mean(word.id, campaign.by_name) or "name two rules"
                setting.tell("E219", f"unknown rule `{word.id}`", word.span, help=hint)
        if node.winner.id == node.loser.id:
            setting.tell("E219", f"rule `{node.winner.id}` preferred over itself", node.span, help="name two rules")
        elif campaign.preferred(node.loser.id, node.winner.id) == node.loser.id:
            message = f"`prefer` both ways between `{node.winner.id}` and `{node.loser.id}`"
            setting.tell("E219", message, node.span, help="leave one of them")
        campaign.prefer.add((node.winner.id, node.loser.id))


def _check_shared_names(statements: list[syntax.Node], setting: Setting, campaign: Campaign) -> None:
    """Targets, lets and params share one name space."""
    for node in statements:
        if isinstance(node, syntax.Target) and node.name.id in campaign.constants:
            constant = campaign.constants[node.name.id]
            assert isinstance(constant, Constant)  # noqa: S101  # nothing else is put there
            what = "param" if node.name.id in campaign.params else "let"
            notes = (Note(constant.span, f"the {what}"),)
            setting.tell(
                "E202",
                f"`{node.name.id}` is a target and a {what}",
                node.name.span,
                notes=notes,
                help="give one of them another name",
            )
