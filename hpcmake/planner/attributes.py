"""The attributes of one rule: from syntax to a resolved Rule.

Owns which attributes there are, what each may hold, and the mistakes that can be told from one rule alone.
Knows nothing of other rules, nor of files.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Diagnostic, Note, Trouble, did_you_mean
from hpcmake.planner.bindings import read_commands
from hpcmake.planner.constraints import read_constraints
from hpcmake.planner.expressions import compile_expression
from hpcmake.planner.outputs import read_outputs, read_produces
from hpcmake.planner.rules import COMMAND_NAMES, RESOURCES, Input, Rule
from hpcmake.planner.scope import Code, Scope
from hpcmake.planner.shapes import check_shape
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpcmake.planner.constants import Constant
    from hpcmake.planner.world import World

FILES = frozenset({"input", "output", "produces", "depfile", "log", "workdir"})
WORDS = frozenset({"site", "queue", "launch_options"})
BLOCKS = frozenset({"run", "post"})
ATTRIBUTES = FILES | WORDS | BLOCKS | frozenset(RESOURCES) | {"env"}
"""Every attribute of a rule."""

IN_DEFAULTS = (frozenset(RESOURCES) - {"at_once"}) | {"site", "queue", "env", "setup"}
"""Every attribute of a block of defaults."""

MODIFIERS = {"input": ("order", "maybe"), "output": ("temp", "protect", "touch")}


_WHOLE = ("nodes", "ranks")
_OF_RANKS = ("ranks_per_node", "cores_per_rank", "gpus_per_rank", "launch_options")
_SHARED = ("cores", "memory", "gpus")


class Setting:
    """What surrounds a rule: constants, constraints, defaults.  The same for all rules of a campaign."""

    def __init__(self, world: World, constants: dict[str, Constant], constraints: Mapping[str, str]) -> None:
        self.world = world
        self.constants = constants
        self.constraints = constraints
        self.constant_reads: dict[str, bool] = {}
        self.general: dict[str, syntax.Attribute] = {}
        self.site: dict[str, syntax.Attribute] = {}
        self.site_name: str | None = None
        self.troubles: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []

    def tell(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        notes: tuple[Note, ...] = (),
        help: str = "",  # noqa: A002
    ) -> None:
        """Add a mistake, or a warning if its code says so."""
        found = self.warnings if code[0] == "W" else self.troubles
        found.append(Diagnostic(code, message, span, label, notes, help))

    def scope(self, **more: object) -> Scope:
        """Return a scope that knows the constants."""
        return Scope(self.world, self.constants, constant_reads=self.constant_reads, **more)  # type: ignore[arg-type]


def resolve_rule(node: syntax.Rule, setting: Setting) -> Rule:
    """Return a rule; its mistakes are added to the setting."""
    rule = Rule(node.name.id, node.name.span)
    attributes = _attributes(node, setting)
    constraints = dict(setting.constraints)
    narrowed = [entry for entry in node.body if isinstance(entry, syntax.Wildcard)]
    read_constraints(narrowed, setting, constraints, f" in rule `{rule.name}`")
    if "output" not in attributes and "produces" not in attributes:
        help_ = 'add `output: "…"`, the file it makes, or `produces: "…"` for files whose number is not known before'
        setting.tell("E214", f"rule `{rule.name}` has neither `output` nor `produces`", node.name.span, help=help_)
    read_outputs(rule, attributes.get("output"), setting, constraints)
    read_produces(rule, attributes, setting, constraints)
    _lets(rule, node, setting, constraints)
    scope = setting.scope(wildcards=rule.wildcards, lets=rule.lets, constraints=constraints)
    _inputs(rule, attributes.get("input"), setting, scope)
    _check_names(rule, node, setting)
    _files(rule, attributes, setting, scope)
    _quantities(rule, node, attributes, setting)
    read_commands(rule, node, attributes, setting)
    setting.troubles += scope.troubles
    return rule


_ELSEWHERE = {
    "shell": "run", "command": "run", "cmd": "run", "script": "run", "recipe": "run", "threads": "cores",
    "cpus": "cores", "ntasks": "ranks", "mem": "memory", "mem_mb": "memory", "walltime": "time", "runtime": "time",
    "timelimit": "time", "partition": "queue", "depends": "input", "deps": "input", "directory": "workdir",
}  # fmt: skip
"""What other tools call an attribute."""


def _attributes(node: syntax.Rule, setting: Setting) -> dict[str, syntax.Attribute]:
    found: dict[str, syntax.Attribute] = {}
    for entry in node.body:
        if not isinstance(entry, syntax.Attribute):
            continue
        name = entry.name.id
        if name == "setup":
            setting.tell(
                "E206",
                "`setup` stands in `defaults` only",
                entry.name.span,
                help="move it there: `defaults:` + `setup:`",
            )
        elif name not in ATTRIBUTES:
            alike = _ELSEWHERE.get(name)
            hint = f"it is called `{alike}` here" if alike is not None else did_you_mean(name, ATTRIBUTES)
            hint = hint or f"there are: {', '.join(sorted(ATTRIBUTES))}"
            setting.tell(
                "E206", f"unknown attribute `{name}`", entry.name.span, "rules have no such attribute", help=hint
            )
        elif name in found:
            first = Note(found[name].name.span, "it stands here already")
            help_ = "join the two: items are separated by commas, or stand one a line"
            setting.tell(
                "E209",
                f"attribute `{name}` twice in rule `{node.name.id}`",
                entry.name.span,
                notes=(first,),
                help=help_,
            )
        elif (name in BLOCKS) != isinstance(entry.value, syntax.Block):
            what, mend = (
                ("shell text", f"write `{name}:` and the command") if name in BLOCKS else ("values", "write them")
            )
            setting.tell(
                "E228", f"`{name}` holds {what}", entry.name.span, help=f"{mend} behind the colon, or below it"
            )
        else:
            found[name] = entry
    return found


def _lets(rule: Rule, node: syntax.Rule, setting: Setting, constraints: Mapping[str, str]) -> None:
    seen: dict[str, syntax.Let] = {}
    for entry in node.body:
        if not isinstance(entry, syntax.Let):
            continue
        name = entry.name.id
        if name in seen:
            setting.tell(
                "E202",
                f"`let {name}` twice in rule `{rule.name}`",
                entry.name.span,
                notes=(Note(seen[name].name.span, "it stands here already"),),
                help="leave one of them, or give it another name",
            )
            continue
        seen[name] = entry
        scope = setting.scope(wildcards=rule.wildcards, lets=rule.lets, constraints=constraints)
        rule.lets[name] = code = compile_expression(entry.value, scope)
        if not code.names and not code.reads and not scope.troubles:
            try:
                code.run({})  # a constant: its mistakes are told with all others
            except Trouble as trouble:
                setting.troubles += trouble.diagnostics
        setting.troubles += scope.troubles


def _inputs(rule: Rule, attribute: syntax.Attribute | None, setting: Setting, scope: Scope) -> None:
    if attribute is None or not isinstance(attribute.value, syntax.Items):
        return
    for item in attribute.value.items:
        modifiers = read_modifiers(item, "input", setting)
        code = compile_expression(item.value, scope)
        name = item.name.id if item.name is not None else None
        rule.inputs.append(
            Input(code, name, order="order" in modifiers, maybe="maybe" in modifiers, plain=not code.is_list)
        )


def read_modifiers(item: syntax.Item, attribute: str, setting: Setting) -> set[str]:
    """Return the modifiers of an item, all known to its attribute."""
    known = MODIFIERS.get(attribute, ())
    found = set()
    for word in item.modifiers:
        if word.id in known:
            found.add(word.id)
            continue
        elsewhere = next((other for other, names in MODIFIERS.items() if word.id in names), None)
        if elsewhere is not None:
            help_ = f"it belongs to `{elsewhere}`"
        elif known:
            help_ = did_you_mean(word.id, known) or f"there are: {', '.join(known)}"
        else:
            help_ = f"`{attribute}` takes none"
        setting.tell("E210", f"unknown modifier `{word.id}` in `{attribute}`", word.span, help=help_)
    return found


def _check_names(rule: Rule, node: syntax.Rule, setting: Setting) -> None:
    """Names that commands see are taken; wildcards, items and local lets do not share names."""
    taken: dict[str, tuple[str, Span]] = {}

    def claim(name: str, what: str, span: Span) -> None:
        if name in COMMAND_NAMES:
            shown = f"{{{name}_}}" if what == "wildcard" else f"{name}_"
            message = f"`{name}` cannot name a {what}: commands see `{{{name}}}` already"
            setting.tell("E211", message, span, help=f"take another name, such as `{shown}`")
        elif name in taken:
            before, where = taken[name]
            message = f"`{name}` names a {what} and a {before} of rule `{rule.name}`"
            help_ = "give one of them another name"
            if what == before:
                message, before = f"two {what}s of rule `{rule.name}` are called `{name}`", "first"
            elif what == "let":
                help_ = (
                    "a local `let` may not stand in `output`: write it at top level, or give one of them another name"
                )
            setting.tell("E211", message, span, notes=(Note(where, f"the {before}"),), help=help_)
        else:
            taken[name] = (what, span)

    for output in rule.outputs[:1]:
        for name in output.pattern.names:
            claim(name, "wildcard", output.span)
    for name in rule.wildcards:
        if name not in taken and name not in COMMAND_NAMES:
            claim(name, "wildcard", rule.produces_span or rule.span)
    if rule.produces is not None and rule.produces_span is not None:
        for name in rule.produces.names:
            if name in COMMAND_NAMES and name not in rule.wildcards:
                claim(name, "wildcard", rule.produces_span)
    for entry in node.body:
        if isinstance(entry, syntax.Let):
            if taken.get(entry.name.id, ("", None))[0] != "let":
                claim(entry.name.id, "let", entry.name.span)
        elif (
            isinstance(entry, syntax.Attribute) and isinstance(entry.value, syntax.Items) and entry.name.id in MODIFIERS
        ):
            for item in entry.value.items:
                if item.name is not None:
                    claim(item.name.id, "named item", item.name.span)


def _one(attribute: syntax.Attribute, setting: Setting) -> syntax.Expr | None:
    """Return the one value of an attribute that holds one."""
    items = attribute.value
    if not isinstance(items, syntax.Items):
        return None
    if len(items.items) != 1 or items.items[0].name is not None or items.items[0].modifiers:
        setting.tell("E228", f"`{attribute.name.id}` holds one value", items.span, help="leave one of them")
        return None
    return items.items[0].value


def _files(rule: Rule, attributes: Mapping[str, syntax.Attribute], setting: Setting, scope: Scope) -> None:
    for name in ("log", "workdir", "depfile"):
        if name not in attributes:
            continue
        value = _one(attributes[name], setting)
        if value is None:
            continue
        code = compile_expression(value, scope)
        setattr(rule, name, code)
        missing = [wildcard for wildcard in rule.wildcards if wildcard not in code.names]
        if name != "depfile" and missing and not scope.troubles:
            message = f"`{name}` lacks the wildcard `{missing[0]}`: two tasks would share it"
            setting.tell("E212", message, value.span, help=f"put `{{{missing[0]}}}` into it")


def _quantities(rule: Rule, node: syntax.Rule, attributes: Mapping[str, syntax.Attribute], setting: Setting) -> None:
    constraints = setting.constraints
    names = [item.name for item in rule.inputs if item.name] + ["input", "attempt"]
    scope = setting.scope(wildcards=rule.wildcards, lets=rule.lets, constraints=constraints)
    scope.loops = dict.fromkeys(names, False)
    scope.is_of_resources = True
    own = {name for name in attributes if name in RESOURCES or name in WORDS}
    levels = (own, set(setting.site), set(setting.general))
    kind = next((level & {*_WHOLE, *_SHARED} for level in levels if level & {*_WHOLE, *_SHARED}), set())
    whole = bool(kind & set(_WHOLE))
    for name in [*RESOURCES, *sorted(WORDS)]:
        source = attributes.get(name) or setting.site.get(name) or setting.general.get(name)
        if source is None:
            continue
        if name not in own and name in (_SHARED if whole else (*_WHOLE, *_OF_RANKS)):
            continue  # a default that does not fit the rule does not apply
        if name in WORDS and name == "launch_options" and isinstance(source.value, syntax.Items):
            code = compile_expression(
                syntax.ListOf(source.value.span, tuple(i.value for i in source.value.items)), scope
            )
        else:
            value = _one(source, setting)
            if value is None:
                continue
            if name in WORDS and isinstance(value, syntax.Name) and not scope.knows(value.id):
                value = syntax.String(value.span, (syntax.Text(value.span, value.id),))
            code = compile_expression(value, scope)
        if name in WORDS:
            setattr(rule, name, code)
        else:
            rule.resources[name] = code
    setting.troubles += scope.troubles
    _env(rule, attributes, setting)
    check_shape(rule, node, attributes, setting)


def _env(rule: Rule, attributes: Mapping[str, syntax.Attribute], setting: Setting) -> None:
    scope = setting.scope(wildcards=rule.wildcards, lets=rule.lets, constraints=setting.constraints)
    levels: list[dict[str, Code]] = []
    for source in (setting.general.get("env"), setting.site.get("env"), attributes.get("env")):
        level: dict[str, Code] = {}
        levels.append(level)
        if source is None or not isinstance(source.value, syntax.Items):
            continue
        for item in source.value.items:
            if item.name is None or item.modifiers:
                help_ = 'write for example `LANG = "C"`'
                setting.tell("E228", "`env` holds pairs: NAME = VALUE", item.span, help=help_)
                continue
            level[item.name.id] = compile_expression(item.value, scope)
    general, of_site, own = levels
    # the site's must not change what is compared, so its names do not take others away
    rule.env = list({**general, **own}.items())
    rule.site_env = [(name, code) for name, code in of_site.items() if name not in own]
    setting.troubles += scope.troubles
    rule.setup = _block_text(setting.general.get("setup"))
    rule.site_setup = _block_text(setting.site.get("setup"))


def _block_text(attribute: syntax.Attribute | None) -> str:
    return attribute.value.text if attribute is not None and isinstance(attribute.value, syntax.Block) else ""
