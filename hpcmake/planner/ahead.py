"""A first look at the rules: which files they make, before anything that a rule makes may be read.

Owns that look.  Knows nothing of the rest of a rule: its mistakes are told when it is resolved.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Trouble
from hpcmake.planner.attributes import Setting
from hpcmake.planner.constants import compile_constants
from hpcmake.planner.constraints import read_constraints
from hpcmake.planner.outputs import read_outputs, read_produces
from hpcmake.planner.rules import Campaign, Rule, add_to_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpcmake.planner.world import World


def look_ahead(statements: Iterable[syntax.Node], world: World) -> Campaign:
    """Return rules that have nothing but their outputs, and an index of these.

    Outputs that must be read from a file are left out: the world is to answer Wait while this looks.
    """
    campaign = Campaign()
    quiet = Setting(world, {}, campaign.constraints)
    statements = list(statements)
    read_constraints([node for node in statements if isinstance(node, syntax.Wildcard)], quiet, campaign.constraints)
    quiet.constants = compile_constants(
        [node for node in statements if isinstance(node, (syntax.Let, syntax.Param))], quiet, {}
    )
    for node in statements:
        if not isinstance(node, syntax.Rule) or node.name.id in campaign.by_name:
            continue
        rule = Rule(node.name.id, node.name.span)
        attributes = {entry.name.id: entry for entry in node.body if isinstance(entry, syntax.Attribute)}
        constraints = dict(campaign.constraints)
        read_constraints([entry for entry in node.body if isinstance(entry, syntax.Wildcard)], quiet, constraints)
        try:
            read_outputs(rule, attributes.get("output"), quiet, constraints)
            read_produces(rule, attributes, quiet, constraints)
        except Trouble:
            continue
        rule.number = len(campaign.rules)
        campaign.rules.append(rule)
        campaign.by_name[rule.name] = rule
        add_to_index(campaign, rule)
    return campaign
