"""What the commands of a plan's tasks are made of: definitions, values, names of inputs.

Owns what is compared of a command.  Knows nothing of the text that it becomes.
"""

from __future__ import annotations

from hpcmake.planner.values import plain_of
from hpcmake.tasks.digests import digest_of
from hpcmake.tasks.states import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.graph import Graph
    from hpcmake.planner.rows import Table
    from hpcmake.planner.scope import Code, Env
    from hpcmake.planner.stale import Judge
    from hpcmake.planner.values import Value


class Wording:
    """The part of a plan that knows what commands are made of."""

    graph: Graph
    judge: Judge
    definitions: dict[int, str]
    """The id of what each rule's commands are made of, by the rule's number."""

    def definition_of(self, table: Table) -> str:
        """Return the id of what a rule's commands are made of.  Raises Wait."""
        rule = table.rule.number
        found = self.definitions.get(rule)
        if found is None:
            made = table.rule.definition()
            found = self.definitions[rule] = digest_of(made)
        return found

    def row_values(self, table: Table, row: int) -> list[object]:
        """Return the values of a task's command that are compared task by task."""
        env = self.value_env(table, row)
        return [_compared(code, env) for code in table.rule.row_values]

    def value_env(self, table: Table, row: int) -> Env:
        """Return the names that values in a command may use: wildcards, and inputs."""
        env: Env = dict(table.env(row))
        env["attempt"] = 1
        env |= self.named_inputs(table, row)
        return env

    def named_inputs(self, table: Table, row: int) -> Env:
        """Return `input` and each named item of it: one text for what was written as one, else a list."""
        paths = self.graph.files.paths
        env: Env = {}
        everything: list[str] = []
        for position, item in enumerate(table.rule.inputs):
            entry = table.inputs[position][row]
            if entry >= 0:
                value: Value = paths[entry]
                everything.append(paths[entry])
                if item.maybe and self.judge.will[entry] == LOST:  # left out
                    everything.pop()
                    value = []
            else:
                members = () if entry == -1 else self.graph.group(entry)
                listed = [paths[n] for n in members if not (item.maybe and self.judge.will[n] == LOST)]
                everything += listed
                value = list(listed)
            if item.name is not None:
                env[item.name] = value
        inputs = table.rule.inputs
        single = len(inputs) == 1 and table.inputs[0][row] >= 0 and inputs[0].plain and everything
        env["input"] = everything[0] if single else list(everything)
        return env


def _compared(code: Code, env: Env) -> object:
    from fractions import Fraction  # only where values are compared task by task

    value = code.run(env)
    return str(value) if isinstance(value, Fraction) else plain_of(value)
