"""The names that a command sees: what each is bound to, and what of it is compared.

Owns which names stand where, and their mistakes.  Knows nothing of how values are put into shell text.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import did_you_mean
from hpcmake.planner.command import Template, parse_template
from hpcmake.planner.expressions import compile_expression
from hpcmake.planner.rules import COMMAND_NAMES, ITEMS, UNCOMPARED, Rule, makes_of
from hpcmake.planner.texts import follow_path
from hpcmake.planner.values import FIELDS_OF_DURATION, FIELDS_OF_SIZE
from hpcmake.tasks.digests import MAKES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpcmake.planner.attributes import Setting
    from hpcmake.planner.scope import Code, Scope


def read_commands(rule: Rule, node: syntax.Rule, attributes: Mapping[str, syntax.Attribute], setting: Setting) -> None:
    """Read `run` and `post` into a rule; its inputs, outputs and resources are there already."""
    scope = setting.scope(wildcards=rule.wildcards, lets=rule.lets, constraints=setting.constraints)
    named = [name for name in _item_names(rule) if name]
    always = set(COMMAND_NAMES) - {"launch", "produced"} | ({"launch"} if rule.has_nodes else set())
    for name in ("log", "workdir", "depfile"):
        if getattr(rule, name) is None:
            always.discard(name)
    compared: list[syntax.Brace] = []
    for kind in ("run", "post"):
        attribute = attributes.get(kind)
        if attribute is None or not isinstance(attribute.value, syntax.Block):
            continue
        block = attribute.value
        seen = always | ({"produced"} if kind == "post" and rule.produces is not None else set())
        scope.loops = dict.fromkeys([*named, *seen], False)
        hidden = _hidden(rule, seen)
        template, mistakes = parse_template(block, scope.known() | set(hidden))
        setting.troubles += [mistake for mistake in mistakes if not mistake.is_warning]
        setting.warnings += [mistake for mistake in mistakes if mistake.is_warning]
        _bind(rule, template, scope, hidden, setting)
        compared += template.braces
        setattr(rule, kind, template)
    setting.troubles += scope.troubles
    if rule.run is None and not all(output.touch for output in rule.outputs):
        help_ = "add `run:` and the command below it; only a rule whose every output is `touch` needs none"
        setting.tell("E215", f"rule `{rule.name}` has no `run`", node.name.span, help=help_)
    if rule.run is None and rule.produces is not None and all(output.touch for output in rule.outputs):
        help_ = "add `run:` and the command that makes them"
        setting.tell("E215", f"rule `{rule.name}` produces files, and has no `run`", node.name.span, help=help_)
    _compare(rule, compared, attributes)


def _item_names(rule: Rule) -> list[str | None]:
    return [*(item.name for item in rule.inputs), *(item.name for item in rule.output_items)]


def _hidden(rule: Rule, seen: set[str]) -> dict[str, tuple[str, str, str]]:
    """Return names that exist and may not stand in a command: code, message, mend."""
    hidden = {}
    if rule.produces is not None:
        for name in rule.produces.names:
            if name not in rule.wildcards:
                message = (
                    f"`{name}` is an open wildcard of `produces`: no task of rule `{rule.name}` has one value for it"
                )
                hidden[name] = (
                    "E213",
                    message,
                    "in `post`, `{produced}` is all that was made" if "produced" not in seen else "take `{produced}`",
                )
    if not rule.has_nodes:
        hidden["launch"] = (
            "E221",
            f"`{{launch}}` in rule `{rule.name}`, which has neither `nodes` nor `ranks`",
            "add `nodes: 1`, or run the program without it",
        )
    if "produced" not in seen:
        help_ = (
            "name the files in `post`" if rule.produces is not None else "only a rule with `produces` has it, in `post`"
        )
        hidden["produced"] = ("E213", "`{produced}` is known only in `post`", help_)
    for name in ("log", "workdir", "depfile"):
        if name not in seen:
            hidden[name] = ("E203", f"rule `{rule.name}` has no `{name}`", f'add `{name}: "…"`')
    return hidden


def _bind(
    rule: Rule, template: Template, scope: Scope, hidden: Mapping[str, tuple[str, str, str]], setting: Setting
) -> None:
    """Give each brace group of a command the code of its value."""
    for brace in template.braces:
        name = brace.name.id
        if name in hidden:
            code, message, help_ = hidden[name]
            setting.tell(code, message, brace.span, help=help_)
            continue
        if not _has_fields(rule, brace, setting):
            continue
        expr = syntax.Name(brace.name.span, name)
        value = compile_expression(expr, scope)
        if brace.path:
            value.run = follow_path(brace, value.run, scope)
        rule.values[id(brace)] = value


_FIELDS = {"memory": tuple(FIELDS_OF_SIZE), "time": tuple(FIELDS_OF_DURATION)}


def _has_fields(rule: Rule, brace: syntax.Brace, setting: Setting) -> bool:
    """Tell whether what follows a name that commands see is there; the mistake is told."""
    name = brace.name.id
    if name not in COMMAND_NAMES:
        return True
    known = rule.wildcards if name == "wildcards" else _FIELDS.get(name, ())
    first = brace.path[0] if brace.path else None
    if isinstance(first, syntax.Field) and first.name.id not in known:
        hint = did_you_mean(first.name.id, known) or (f"there are: {', '.join(known)}" if known else "leave it out")
        what = f"rule `{rule.name}` has no wildcard" if name == "wildcards" else f"`{name}` has no field"
        setting.tell("E309", f"{what} `{first.name.id}`", first.name.span, help=hint)
        return False
    if name == "wildcards" and first is None:
        example = rule.wildcards[0] if rule.wildcards else "NAME"
        setting.tell(
            "E309", "`{wildcards}` has no text of its own", brace.span, help=f"write `{{wildcards.{example}}}`"
        )
        return False
    return True


def _texts_of(rule: Rule, used: set[str], attributes: Mapping[str, syntax.Attribute]) -> dict[str, object]:
    """Return what of a definition is the same text for all tasks; `used` are the names in the command."""
    texts: dict[str, object] = {}
    for kind in ("run", "post"):
        template = getattr(rule, kind)
        if template is not None:
            block = attributes[kind].value
            assert isinstance(block, syntax.Block)  # noqa: S101  # _attributes let nothing else pass
            texts[kind] = block.text
            texts[f"{kind} by"] = list(template.interpreter)
    texts["setup"] = rule.setup
    # what a wildcard is called changes nothing, nor does the name of an item that the command does not use
    texts["outputs"] = ["{}".join(output.pattern.literals) for output in rule.outputs]
    texts[ITEMS] = [
        *([at, item.name, item.plain] for at, item in enumerate(rule.inputs) if item.name in used),
        "input" in used and len(rule.inputs) == 1 and rule.inputs[0].plain,
    ]
    texts["output items"] = [
        [item.name if item.name in used else "", list(item.positions)] for item in rule.output_items
    ]
    texts["produces"] = "{}".join(rule.produces.literals) if rule.produces is not None else ""
    texts[MAKES] = makes_of(rule)
    if any(not output.pattern.separable for output in rule.outputs):
        texts["wildcards"] = [
            [list(pair) for pair in sorted(output.pattern.constraints.items())] for output in rule.outputs
        ]
    return texts


def _compare(rule: Rule, braces: list[syntax.Brace], attributes: Mapping[str, syntax.Attribute]) -> None:
    """Say what of a command is compared: once for the rule, and task by task."""
    items = set(_item_names(rule))
    implied = COMMAND_NAMES | items | set(rule.wildcards)
    shared: list[tuple[str, Code]] = []
    for brace in braces:
        code = rule.values.get(id(brace))
        name = brace.name.id
        if code is None or name in UNCOMPARED or (name in implied and name not in rule.lets):
            continue
        if code.names or (name in rule.lets and code.reads):
            rule.row_values.append(code)
        else:
            shared.append((brace.span.text, code))
    env = []
    for name, code in rule.env:
        if code.names:
            rule.row_values.append(code)
        else:
            env.append((name, code))
    used = {brace.name.id for brace in braces}
    texts = _texts_of(rule, used, attributes)
    for name in ("workdir", "depfile", "log"):
        code = getattr(rule, name)
        if code is None or (name != "workdir" and name not in used):
            continue
        if code.literals is None and code.names:
            rule.row_values.append(code)
        elif code.literals is None:
            shared.append((name, code))
        else:
            texts[name] = "{}".join(code.literals) + "".join(f" {rule.wildcards.index(place)}" for place in code.places)

    def definition() -> dict[str, object]:
        from hpcmake.planner.values import plain_of

        made = dict(texts)
        made["values"] = {text: plain_of(code.run({})) for text, code in shared}
        made["env"] = {name: plain_of(code.run({})) for name, code in env}
        return made

    rule.definition = definition
