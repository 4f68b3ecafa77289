"""Resolved rules and campaigns: what a Wfile and its includes mean, names bound and defaults applied.

Owns Rule, Campaign and what they are made of.  Knows nothing of how they come from syntax, nor of tasks.
"""

from __future__ import annotations

from hpcmake.record import Record
from hpcmake.tasks.patterns import Pattern, PatternIndex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hpcmake.diagnostics import Diagnostic
    from hpcmake.planner.command import Template
    from hpcmake.planner.scope import Code
    from hpcmake.planner.values import Value
    from hpcmake.text import Span

COMMAND_NAMES = frozenset(
    "input output log workdir depfile wildcards nodes ranks cores memory gpus time attempt rule site launch"
    " produced".split()
)
"""Names that every command sees."""

UNCOMPARED = frozenset("launch site attempt nodes ranks cores memory gpus time".split())
"""Values whose change makes nothing stale: another try, another machine, another shape."""

RESOURCES = {
    "nodes": "count",
    "ranks": "count",
    "ranks_per_node": "count",
    "cores_per_rank": "count",
    "gpus_per_rank": "amount",
    "cores": "count",
    "memory": "size",
    "gpus": "amount",
    "time": "duration",
    "retries": "amount",
    "priority": "number",
    "at_once": "count",
}
"""Attributes that are one quantity, with its kind: `count` from 1, `amount` from 0."""


class Input(Record):
    """An item of `input`.  `plain`: written as one text, and so one text in a command."""

    code: Code
    name: str | None = None
    order: bool = False
    maybe: bool = False
    plain: bool = True


class Output(Record):
    """One file that each task of a rule makes."""

    pattern: Pattern
    span: Span
    temp: bool = False
    protect: bool = False
    touch: bool = False


class OutputItem(Record):
    """An item of `output` as it was written: which of the rule's outputs it stands for."""

    name: str | None
    positions: tuple[int, ...]
    plain: bool


class Rule:
    """How files of a pattern are made.  `number` is its place among the rules of the campaign."""

    __slots__ = (
        "all_touch",
        "at_once",
        "closed",
        "compared",
        "definition",
        "depfile",
        "env",
        "inputs",
        "interpreter",
        "launch_options",
        "lets",
        "log",
        "name",
        "number",
        "output_items",
        "outputs",
        "post",
        "produces",
        "produces_span",
        "queue",
        "resources",
        "row_values",
        "run",
        "setup",
        "site",
        "site_env",
        "site_setup",
        "span",
        "values",
        "wildcards",
        "workdir",
    )

    def __init__(self, name: str, span: Span) -> None:
        self.name = name
        self.span = span
        self.number = -1
        self.wildcards: tuple[str, ...] = ()
        """What identifies a task of this rule, in the order in which it is shown."""
        self.inputs: list[Input] = []
        self.outputs: list[Output] = []
        self.output_items: list[OutputItem] = []
        self.produces: Pattern | None = None
        self.produces_span: Span | None = None
        self.closed: tuple[str, ...] = ()
        """The wildcards of `produces` that identify the task."""
        self.lets: dict[str, Code] = {}
        self.run: Template | None = None
        self.post: Template | None = None
        self.values: dict[int, Code] = {}
        """For each brace group of run and post, by its identity, the code of its value."""
        self.row_values: list[Code] = []
        """Values in the command that may differ between tasks beyond what identifies them: compared task by task."""
        self.definition: Callable[[], dict[str, object]] = dict
        """What all commands of the rule share, as it is compared; a function: a param may have to be waited for."""
        self.env: list[tuple[str, Code]] = []
        self.site_env: list[tuple[str, Code]] = []
        self.setup = ""
        self.site_setup = ""
        self.resources: dict[str, Code] = {}
        self.site: Code | None = None
        self.queue: Code | None = None
        self.launch_options: Code | None = None
        self.log: Code | None = None
        self.workdir: Code | None = None
        self.depfile: Code | None = None

    def __repr__(self) -> str:
        return f"Rule({self.name})"

    @property
    def has_nodes(self) -> bool:
        """Whether its tasks take whole nodes, or ranks."""
        return "nodes" in self.resources or "ranks" in self.resources

    def task_name(self, values: tuple[str, ...]) -> str:
        """Return the name of a task: `rule[wildcard=value,…]`."""
        if not values:
            return self.name
        return f"{self.name}[{','.join(f'{a}={b}' for a, b in zip(self.wildcards, values, strict=True))}]"


class TargetItem(Record):
    """An item of a target: an expression, or the name of another target."""

    code: Code | None
    target: str | None
    span: Span


class Target(Record):
    """A name for a set of files and of other targets."""

    name: str
    items: tuple[TargetItem, ...]
    span: Span


class Campaign:
    """All that the Wfile and its includes say."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.by_name: dict[str, Rule] = {}
        self.targets: dict[str, Target] = {}
        self.constants: dict[str, Callable[[], Value]] = {}
        self.params: dict[str, Span] = {}
        self.prefer: set[tuple[str, str]] = set()
        self.constraints: dict[str, str] = {}
        self.index: PatternIndex[tuple[int, int]] = PatternIndex()
        """Rule and position of the output; -1 for `produces`."""
        self.warnings: list[Diagnostic] = []
        self.generated: list[tuple[str, Span]] = []
        """Includes that a rule makes and that are not read yet, each with the place that includes it."""
        self.sources: Mapping[str, str] = {}

    def preferred(self, one: str, two: str) -> str | None:
        """Return which of two rules `prefer` names, directly or through others."""
        if self._over(one, two):
            return one
        return two if self._over(two, one) else None

    def _over(self, winner: str, loser: str) -> bool:
        todo, seen = [winner], set()
        while todo:
            name = todo.pop()
            if name == loser:
                return True
            if name not in seen:
                seen.add(name)
                todo += [low for high, low in self.prefer if high == name]
        return False


def add_to_index(campaign: Campaign, rule: Rule) -> None:
    """Let files find a rule."""
    for position, output in enumerate(rule.outputs):
        campaign.index.add(output.pattern, (rule.number, position))
    if rule.produces is not None:
        campaign.index.add(rule.produces, (rule.number, -1))


ITEMS = "items"
"""The part of a definition that says which of its inputs a command calls by name."""


def makes_of(rule: Rule) -> list[list[object]]:
    """Return which files a rule makes, as its definition says it."""
    patterns = [output.pattern for output in rule.outputs] + ([rule.produces] if rule.produces is not None else [])
    return [[pattern.text, [list(each) for each in sorted(pattern.constraints.items())]] for pattern in patterns]
