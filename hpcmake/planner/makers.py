"""Which rule makes a file: by pattern alone, whatever is on the disk.

Owns the choice among rules and its mistakes.  Knows nothing of tasks.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Note, Trouble
from hpcmake.tasks.patterns import Pattern, overlap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from hpcmake.planner.rules import Campaign, Rule
    from hpcmake.planner.scope import Filled

    Maker: TypeAlias = tuple[int, int, tuple[str, ...]]  # rule, position of the output, wildcards of the task


def _begins_with(pattern: Pattern, folder: Pattern) -> bool:
    """Tell whether some path of a pattern may lie inside some folder of the other; no wildcard holds a slash."""
    depth = sum(literal.count("/") for literal in folder.literals)
    literals, places = [""], []
    for at, literal in enumerate(pattern.literals):
        if at:
            places.append(pattern.places[at - 1])
            literals.append("")
        for piece in literal.split("/")[:-1]:
            literals[-1] += piece + "/"
            depth -= 1
            if depth == 0:
                return overlap(Pattern(literals, places, pattern.constraints), folder)
        literals[-1] += literal.rpartition("/")[2]
    return False


class Makers:
    """Finds the rule of a file, or of a whole column of files."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.folders = any(
            output.pattern.literals[-1].endswith("/") for rule in campaign.rules for output in rule.outputs
        )
        """Whether any rule makes a folder."""
        self._shapes: dict[tuple[str, ...], tuple[int, int] | None] = {}
        self._sole: dict[tuple[str, ...], bool] = {}
        self._none: dict[tuple[str, ...], bool] = {}
        self._around: dict[str, Maker | None] = {}
        self._inner: dict[tuple[int, int], bool] = {}
        for rule in campaign.rules:
            for position, output in enumerate(rule.outputs):
                literals = output.pattern.literals
                self._shapes[literals] = (rule.number, position) if literals not in self._shapes else None

    def of(self, path: str) -> Maker | None:
        """Return rule, position of the output (-1: `produces`) and the task's wildcards; None if no rule makes it.

        A pattern without wildcards wins; else `prefer` decides.  Raises Trouble if two rules are left.
        """
        index = self.campaign.index
        found: list[tuple[tuple[int, int], tuple[str, ...]]] = [(owner, ()) for owner in index.exact(path)]
        found = found or index.matching(path)
        if not found:
            return None
        if len(found) > 1:
            found = self._preferred(path, found)
        (number, position), values = found[0]
        rule = self.campaign.rules[number]
        pattern = rule.produces if position < 0 else rule.outputs[position].pattern
        assert pattern is not None  # noqa: S101  # it has just matched
        if pattern.names == rule.wildcards:
            return number, position, values
        by_name = dict(zip(pattern.names, values, strict=True))
        return number, position, tuple(by_name[name] for name in rule.wildcards)

    def _preferred(
        self, path: str, found: list[tuple[tuple[int, int], tuple[str, ...]]]
    ) -> list[tuple[tuple[int, int], tuple[str, ...]]]:
        rules = self.campaign.rules
        best = found[:1]
        for each in found[1:]:
            one, two = rules[best[0][0][0]], rules[each[0][0]]
            if one is two:
                continue
            winner = self.campaign.preferred(one.name, two.name)
            if winner == two.name:
                best = [each]
            elif winner is None:
                best.append(each)
        one = rules[best[0][0][0]]
        rivals = [
            rules[each[0][0]] for each in best[1:] if self.campaign.preferred(one.name, rules[each[0][0]].name) is None
        ]
        if rivals:
            two = rivals[0]
            message = f"two rules make {path}: `{one.name}` and `{two.name}`"
            help_ = f"say which: `prefer {one.name} over {two.name}`, or narrow a wildcard"
            raise Trouble(Diagnostic("E401", message, one.span, notes=(Note(two.span, "the other"),), help=help_))
        return best[:1]

    def of_literals(self, literals: tuple[str, ...]) -> tuple[int, int] | None:
        """Return the one rule and output whose pattern has these literals, None if there is none or more."""
        return self._shapes.get(literals)

    def of_shape(self, filled: Filled, joined: str, count: int) -> tuple[int, int] | None:
        """Return the rule and output that make all paths of a filled pattern, where that is beyond doubt.

        It is when the pattern is that of one output to the letter, its paths can be split in one way only, and no
        other rule could make any of them.
        """
        owner = self._shapes.get(filled.literals)
        if owner is None:
            return None
        pattern = self.campaign.rules[owner[0]].outputs[owner[1]].pattern
        if not pattern.separable:
            return None
        if filled.literals not in self._sole:
            self._sole[filled.literals] = len(self.campaign.index.overlapping(pattern)) == 1
        if not self._sole[filled.literals]:
            return None
        slashes = sum(literal.count("/") for literal in filled.literals)
        if joined.count("/") != slashes * count:
            return None
        for place, column in zip(pattern.places, filled.columns, strict=True):
            values = (column,) if isinstance(column, str) else column
            if not all(values):
                return None
            if place in pattern.constraints and not all(pattern.accepts(place, value) for value in set(values)):
                return None
        return owner

    def any_makes(self, filled: Filled) -> bool:
        """Tell whether any rule could make some path of a filled pattern."""
        if filled.literals not in self._none:
            # a value may hold a slash, and then the shape says nothing
            pattern = Pattern(filled.literals, [f"w{at}" for at in range(len(filled.literals) - 1)], {})
            free = not self.campaign.index.overlapping(pattern) and not self.folders
            self._none[filled.literals] = not free
        if self._none[filled.literals]:
            return True
        return any(
            "/" in value for column in filled.columns for value in ((column,) if isinstance(column, str) else column)
        )

    def may_lie_in_folder(self, owner: tuple[int, int]) -> bool:
        """Tell whether some files of an output may lie inside a folder that a rule makes."""
        if not self.folders:
            return False
        found = self._inner.get(owner)
        if found is None:
            pattern = self.campaign.rules[owner[0]].outputs[owner[1]].pattern
            found = self._inner[owner] = any(
                pattern.may_cross or other.may_cross or _begins_with(pattern, other)
                for rule in self.campaign.rules
                for other in (output.pattern for output in rule.outputs)
                if other.literals[-1].endswith("/") and other is not pattern
            )
        return found

    def folder_around(self, path: str) -> Maker | None:
        """Return what makes the innermost folder around a path, None if no rule makes one."""
        if not self.folders:
            return None
        parent, slash, _ = path.rstrip("/").rpartition("/")
        if not slash:
            return None
        if parent not in self._around:
            try:
                found = self.of(parent + "/")
            except Trouble:
                found = None
            self._around[parent] = found or self.folder_around(parent)
        return self._around[parent]

    def makes(self, path: str) -> bool:
        """Tell whether some rule's `output` or `produces` matches a path."""
        return bool(self.campaign.index.exact(path) or self.campaign.index.matching(path))

    def could_make(self, pattern: Pattern) -> bool:
        """Tell whether some rule could make a file of a pattern."""
        return bool(self.campaign.index.overlapping(pattern))

    def rules_of(self, pattern: Pattern) -> list[Rule]:
        """Return the rules that could make files of a pattern."""
        numbers = dict.fromkeys(owner[0] for _, owner in self.campaign.index.overlapping(pattern))
        return [self.campaign.rules[number] for number in sorted(numbers)]

    def producers(self, pattern: Pattern) -> list[tuple[int, bool]]:
        """Return the rules whose `produces` shares paths with a pattern, each with whether it is the same pattern."""
        found = []
        for other, (number, position) in self.campaign.index.overlapping(pattern):
            if position < 0 and overlap(pattern, other):
                found.append((number, other.literals == pattern.literals))
        return found
