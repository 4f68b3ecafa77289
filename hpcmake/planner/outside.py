"""What expressions read: files as values, and the files that `each` ranges over.

Owns sources, what tasks have produced, and what must be waited for.  Knows nothing of staleness: it is told what is
ready.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Note, Trouble
from hpcmake.planner.makers import Makers
from hpcmake.planner.rules import makes_of
from hpcmake.planner.tables import parse_content
from hpcmake.tasks.digests import MAKES
from hpcmake.tasks.finding import find_matching, nearest_path
from hpcmake.tasks.paths import natural_order, normalize
from hpcmake.tasks.patterns import Pattern
from hpcmake.tasks.wait import Need, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpcmake.model import Tree
    from hpcmake.planner.graph import Graph
    from hpcmake.planner.rules import Campaign, Rule
    from hpcmake.planner.values import Value
    from hpcmake.tasks.history import History
    from hpcmake.text import Span


class Outside:
    """The world of a campaign's expressions.

    `graph` is set once there is one; before, what a rule makes is only waited for.  `is_ready(number)` says whether a
    file that a rule makes is up to date, `produced(rule, row)` what a task has produced (None: not known yet), and
    `was_made(path)`
    whether the journal knows a file as the work of some task.
    """

    def __init__(self, tree: Tree, variables: Mapping[str, str], root: str = "") -> None:
        self.tree = tree
        self.root = root
        self.variables = variables
        self.asked: dict[str, str] = {}
        """The variables that were asked for."""
        self.graph: Graph | None = None
        self._makers: Makers | None = None
        self._look: Callable[[], Campaign] | None = None
        self.is_ready: Callable[[int], bool] = lambda _number: False
        self.produced: Callable[[int, int], Sequence[str] | None] = lambda _rule, _row: None
        self.was_made: Callable[[str], bool] = lambda _path: False
        self.sizes: Callable[[Sequence[str]], int] = lambda _paths: 0
        self._values: dict[tuple[str, str], Value] = {}
        self._listed: dict[tuple[tuple[str, ...], tuple[str, ...], str], _Listing] = {}
        self._any: dict[str, bool] = {}

    # ------------------------------------------------------------ the rules

    def await_rules(self, look: Callable[[], Campaign] | None) -> None:
        """Take note that rules are being read: `look` tells what they make; None: any file may be made by one."""
        self.graph = self._makers = None
        self._look = look

    def know_rules(self, makers: Makers) -> None:
        """Take note of what all rules make."""
        self._makers = makers
        self.forget_listings()

    def _require_makers(self, path: str) -> Makers:
        """Return who makes what.  Raises Wait while that is not known."""
        if self._makers is None:
            if self._look is None:
                raise Wait(Need(path))
            look, self._look = self._look, None  # while it looks, any file may be made by a rule
            self._makers = Makers(look())
        return self._makers

    # ------------------------------------------------------------ files as values

    def read(self, path: str, kind: str, span: Span) -> Value:
        """Return the content of a file as lines, table, json or toml."""
        path = normalize(path, self.root)
        known = self._values.get((path, kind))
        if known is not None:
            return known
        if self._require_makers(path).makes(path) and (
            self.graph is None or not self.is_ready(self.graph.want(path, span))
        ):
            raise Wait(Need(path))
        try:
            raw = self.tree.read(path)
        except (FileNotFoundError, NotADirectoryError):
            message = f"there is no file {path} to read, and no rule makes it"
            raise Trouble(Diagnostic("E405", message, span, help=self.hint(path))) from None
        except OSError as problem:
            raise Trouble(Diagnostic("E405", f"{path} cannot be read: {problem.strerror}", span)) from None
        value = parse_content(raw, kind, path, span)
        self._values[path, kind] = value
        return value

    def forget(self, path: str) -> None:
        """Forget what was read of a file, since it is made again."""
        for kind in ("lines", "table", "json", "toml"):
            self._values.pop((path, kind), None)

    def forget_listings(self) -> None:
        """Forget what `each` found: tasks have produced files since."""
        self._listed.clear()
        self._any.clear()

    def size(self, paths: Sequence[str], span: Span) -> int:  # noqa: ARG002  # a world is told where it is asked
        """Return the bytes of files, as far as they are there."""
        return self.sizes([normalize(path, self.root) for path in paths])

    def variable(self, name: str) -> str | None:
        """Return a variable of the environment as it was when the campaign was started."""
        value = self.variables.get(name)
        if value is not None:
            self.asked[name] = value
        return value

    def hint(self, path: str) -> str:
        """Return, for a path that is not there, the nearest that is."""
        return nearest_path(self.tree, path)

    # ------------------------------------------------------------ each

    def files(self, pattern: Pattern, bound: Mapping[str, str], span: Span) -> Sequence[tuple[str, ...]]:
        """Return the values of the unbound names of a pattern, a row for each file, in natural order."""
        pattern = self._normal(pattern)
        if self.graph is None and self._require_makers(pattern.text).producers(pattern):
            raise Wait(Need(pattern.text))
        names = tuple(name for name in pattern.names if name not in bound)
        produced = self._producer(pattern, bound, span)
        if produced is not None:
            rows: Sequence[tuple[str, ...]] = _rows(pattern, bound, names, produced)
        else:
            rows = self._sources(pattern, bound, names)
            if not rows and not self._matches_any(pattern):
                self._over_nothing(pattern, span)
        return rows

    def _normal(self, pattern: Pattern) -> Pattern:
        if not pattern.literals[0].startswith(("./", "/")):
            return pattern
        lead = pattern.literals[0]
        tail = lead.rpartition("/")[2]
        folder = normalize(lead[: len(lead) - len(tail)] or ".", self.root)
        return Pattern(
            (("" if folder in {".", ""} else folder.rstrip("/") + "/") + tail, *pattern.literals[1:]),
            pattern.places,
            pattern.constraints,
        )

    def _producer(self, pattern: Pattern, bound: Mapping[str, str], span: Span) -> Sequence[str] | None:
        """Return what tasks produced, if a `produces` is this pattern; None if no rule produces such files."""
        graph = self.graph
        if graph is None:
            return None
        producers = graph.makers.producers(pattern)
        if not producers:
            return None
        number, same = producers[0]
        rule = graph.campaign.rules[number]
        made = rule.produces
        assert made is not None  # noqa: S101  # that is how it was found
        if not same or not self._closed_alike(pattern, made, bound, rule.closed):
            raise _over_other_produces(pattern, bound, rule, span, same=same)
        by_name = {two: bound[one] for one, two in zip(pattern.places, made.places, strict=True) if two in rule.closed}
        closed = tuple(by_name[name] for name in rule.wildcards)
        row = graph.task_by_values(graph.tables[number], closed)
        files = self.produced(number, row)
        if files is None:
            raise Wait(Need(made.bind(by_name).text, rule.name, closed))
        return files

    def _closed_alike(self, pattern: Pattern, made: Pattern, bound: Mapping[str, str], closed: tuple[str, ...]) -> bool:
        return all(one in bound for one, two in zip(pattern.places, made.places, strict=True) if two in closed)

    def _sources(self, pattern: Pattern, bound: Mapping[str, str], names: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
        """Return rows of source files, looked up among all that lie where the pattern's own folders lie."""
        literals, places = list(pattern.literals), list(pattern.places)
        # what is bound in the leading folders is put in; the rest is listed once for all values, and indexed by them
        while places and places[0] in bound:
            head = literals[0] + bound[places[0]]
            if "/" not in literals[1] and any(place not in bound for place in places[1:2]):
                break
            literals[:2] = [head + literals[1]]
            places.pop(0)
        rest = Pattern(literals, places, pattern.constraints)
        if not rest.places:
            return [()] if self._is_source(rest.literals[0]) else []
        keys = tuple(name for name in rest.names if name in bound)
        listing_key = (rest.literals, rest.places, repr(sorted(rest.constraints.items())) + repr(keys))
        listing = self._listed.get(listing_key)
        if listing is None:
            listing = self._listed[listing_key] = _Listing(rest, self._matching(rest), keys)
        return listing.rows(tuple(bound[name] for name in keys), names)

    def _is_source(self, path: str) -> bool:
        if self.tree.stamps([path])[0] is None:
            return False
        return not self._require_makers(path).makes(path) and not self.was_made(path)

    def _matching(self, pattern: Pattern) -> list[str]:
        """Return the sources that match a pattern, in natural order."""
        found = find_matching(self.tree, pattern)
        makers = self._require_makers(pattern.text)
        if makers.could_make(pattern):
            found = [path for path in found if not makers.makes(path)]
        found = [path for path in found if not self.was_made(path)]
        return natural_order(found)

    def _matches_any(self, pattern: Pattern) -> bool:
        text = pattern.text
        if text not in self._any:
            self._any[text] = bool(self._matching(pattern))
        return self._any[text]

    def _over_nothing(self, pattern: Pattern, span: Span) -> None:
        """Tell why `each` has nothing to range over."""
        rules = [rule for rule in self._require_makers(pattern.text).rules_of(pattern) if rule.outputs]
        if rules:
            rule = rules[0]
            message = f"`each` ranges over sources, and `{pattern.text}` is what rule `{rule.name}` makes"
            sources = [
                item.code.span.text for item in rule.inputs if item.code.literals is not None and item.code.places
            ]
            help_ = (
                f"range over what it is made from: `each {sources[0]}`"
                if sources
                else "range over what that rule is made from"
            )
            raise Trouble(Diagnostic("E410", message, span, help=help_))
        message = f"no file matches `{pattern.text}`"
        raise Trouble(Diagnostic("E407", message, span, help=self.hint(pattern.text)))


class _Listing:
    """All files of a pattern as rows, found by the values of some of its names."""

    def __init__(self, pattern: Pattern, paths: Sequence[str], keys: tuple[str, ...]) -> None:
        self.pattern = pattern
        self.keys = keys
        self._rest = tuple(name for name in pattern.names if name not in keys)
        self._all: list[tuple[str, ...]] = []
        self._by_key: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        match = pattern.match
        if not keys:
            self._all = [values for values in map(match, paths) if values is not None]
            return
        at = [pattern.names.index(name) for name in keys]
        others = [pattern.names.index(name) for name in self._rest]
        for path in paths:
            values = match(path)
            if values is not None:
                self._by_key.setdefault(tuple(values[i] for i in at), []).append(tuple(values[i] for i in others))

    def rows(self, key: tuple[str, ...], names: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
        """Return the rows for bound values; `names` are the unbound ones in the order wanted."""
        rows = self._by_key.get(key, []) if self.keys else self._all
        if names == self._rest:
            return rows
        order = [self._rest.index(name) for name in names]
        return [tuple(row[i] for i in order) for row in rows]


def _over_other_produces(pattern: Pattern, bound: Mapping[str, str], rule: Rule, span: Span, *, same: bool) -> Trouble:
    """Return the mistake of ranging over files of which some come from `produces`, but not as that is written."""
    made, place = rule.produces, rule.produces_span
    assert made is not None  # noqa: S101  # that is how the rule was found
    notes = (Note(place, "what it produces"),) if place is not None else ()
    free = [(one, two) for one, two in zip(pattern.places, made.places, strict=False) if two in rule.closed]
    one, two = next((pair for pair in free if same and pair[0] not in bound), ("", ""))
    if two:
        source = next(
            (
                item.code.span.text
                for item in rule.inputs
                if two in item.code.places and len(set(item.code.places)) == len(item.code.places)
            ),
            None,
        )
        over = f"for each {source}" if source is not None and one == two else f"for {one} in …"
        apart = f"`{two}` tells the tasks of rule `{rule.name}` apart"
        message = f"{apart}, and this `each` over what they produce leaves it open"
        help_ = f'bind it to the left: `"…" {over} for each "{pattern.text}"`'
        return Trouble(Diagnostic("E409", message, span, notes=notes, help=help_))
    message = f"this `each` takes in a part of what rule `{rule.name}` produces, and it is not known which"
    wider = f'range over all of it, `each "{made.text}"`'
    help_ = (
        f"{wider}, and choose with `if`"
        if not rule.closed
        else f"{wider}, with {readable(rule.closed)} bound to the left"
    )
    return Trouble(Diagnostic("E409", message, span, notes=notes, help=help_))


def readable(names: Sequence[str]) -> str:
    """Return names as text for people."""
    return ", ".join(f"`{name}`" for name in names)


def _rows(
    pattern: Pattern, bound: Mapping[str, str], names: tuple[str, ...], paths: Sequence[str]
) -> list[tuple[str, ...]]:
    rows = []
    for path in natural_order(list(paths)):
        values = pattern.match(path)
        if values is not None:
            by_name = dict(zip(pattern.names, values, strict=True))
            if all(by_name[name] == bound[name] for name in pattern.names if name in bound):
                rows.append(tuple(by_name[name] for name in names))
    return rows


__all__ = ["Outside", "find_matching", "nearest_path", "readable"]


def made_elsewhere(history: History, campaign: Campaign) -> Callable[[str], bool]:
    """Return a test for files that the journal says a task made, though no rule of today does."""
    known: set[str] = set()
    for name in history.rules():
        rule = campaign.by_name.get(name)
        makes = None if rule is None else makes_of(rule)
        definitions = {ledger.definition for ledger in history.ledgers_of(name)}
        if all(history.definitions.get(each, {}).get(MAKES) == makes for each in definitions):
            continue  # what its tasks made matches its patterns still
        for past in history.all_of(name):
            known.update(path for path, _ in history.made_paths(past))
            known.update(path for path, _ in history.produced(past) or ())
    return known.__contains__
