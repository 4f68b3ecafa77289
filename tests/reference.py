"""A planner that is slow, obvious and written a second time: what the real one must agree with.

It knows a campaign as a `Spec`, from which a Wfile is rendered too; it looks at each task by itself, by recursion, and
keeps records of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

if TYPE_CHECKING:
    from campaigns import Tree

KEYS = ("1", "2", "3")


class Item(NamedTuple):
    """An item of `input`: a pattern with `{x}` and `{y}`; `over` is `x` or `y` where a loop over the sources binds it."""

    pattern: str
    over: str = ""
    order: bool = False
    maybe: bool = False
    otherwise: str = ""
    """The item if x is not "1"."""

    def text(self) -> str:
        """Return the item as it stands in a Wfile."""
        words = " ".join(word for word, flag in (("order", self.order), ("maybe", self.maybe)) if flag)
        body = f'"{self.pattern}"'
        if self.otherwise:
            body += f' if x == "1" else "{self.otherwise}"'
        if self.over:
            body += f' for each "s/{{{self.over}}}"'
        return f"{words} {body}".strip()


class Making(NamedTuple):
    """A rule."""

    name: str
    outputs: tuple[str, ...]
    items: tuple[Item, ...]
    command: str


class Spec(NamedTuple):
    """A campaign."""

    rules: tuple[Making, ...]
    targets: tuple[str, ...]
    level: int = 1

    def wfile(self, order: tuple[int, ...] | None = None) -> str:
        """Return the Wfile, its rules in some order."""
        texts = [f"param level = {self.level}"]
        texts.append("target all: " + ", ".join(f'"{each}"' for each in self.targets))
        for at in order or range(len(self.rules)):
            rule = self.rules[at]
            body = [f"rule {rule.name}:"]
            if rule.items:
                body += ["    input:", *(f"        {item.text()}" for item in rule.items)]
            body += ["    output: " + ", ".join(f'"{each}"' for each in rule.outputs), f"    run: {rule.command}"]
            texts.append("\n".join(body))
        return "\n\n".join(texts) + "\n"


Values = tuple[tuple[str, str], ...]
Key = tuple[str, Values]


def match(pattern: str, path: str) -> dict[str, str] | None:
    """Return the wildcards with which a pattern makes a path: no other than KEYS can stand for one."""
    for x in KEYS:
        for y in KEYS:
            if pattern.replace("{x}", x).replace("{y}", y) == path:
                return {name: value for name, value in (("x", x), ("y", y)) if f"{{{name}}}" in pattern}
    return None


def fill(pattern: str, values: dict[str, str]) -> str:
    """Return a path."""
    for name, value in values.items():
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern


class Reference:
    """Plans a Spec over a tree, with its own records."""

    def __init__(self, spec: Spec, tree: Tree) -> None:
        self.spec = spec
        self.tree = tree
        self.done: dict[Key, tuple[str, list[tuple[str, object]]]] = {}
        self.other: dict[Key, tuple[str, str, list[tuple[str, object]]]] = {}

    def plan(self, **forced: bool) -> dict[str, str]:
        """Return each task that must run, with the kind of its reason."""
        self.always = forced.get("always", False)
        self.memo: dict[Key, str] = {}
        self.tasks: dict[Key, None] = {}
        self.required: set[Key] = set()
        for target in self.spec.targets:
            self._want(target, required=True)
        return {self.name(key): kind for key in self.tasks if (kind := self.reason(key)) not in {"", "given up"}}

    def name(self, key: Key) -> str:
        """Return a task's name."""
        rule, values = key
        return f"{rule}[{','.join(f'{n}={v}' for n, v in values)}]" if values else rule

    def _rule(self, key: Key) -> Making:
        return next(rule for rule in self.spec.rules if rule.name == key[0])

    def maker(self, path: str) -> Key | None:
        """Return the task that makes a file."""
        for rule in self.spec.rules:
            for output in rule.outputs:
                found = match(output, path)
                if found is not None:
                    return rule.name, tuple(found.items())
        return None

    def inputs(self, key: Key) -> list[tuple[str, Item]]:
        """Return the files that a task takes, with the items by which it does, in order."""
        values = dict(key[1])
        found: list[tuple[str, Item]] = []
        sources = sorted(path for path in self.tree.files if path.startswith("s/"))
        for item in self._rule(key).items:
            pattern = item.otherwise if item.otherwise and values.get("x") != "1" else item.pattern
            for round_ in [{item.over: path[2:]} for path in sources] if item.over else [{}]:
                path = fill(pattern, {**values, **round_})
                if all(path != other or it is not item for other, it in found):
                    found.append((path, item))
        return found

    def _want(self, path: str, *, required: bool) -> None:
        key = self.maker(path)
        if key is None:
            return
        if key in self.tasks and (not required or key in self.required):
            return
        self.tasks[key] = None
        if required:
            self.required.add(key)
        for each, item in self.inputs(key):
            self._want(each, required=required and not item.maybe)

    def taken(self, key: Key) -> list[tuple[str, Item]]:
        """Return the inputs less those that are given up."""
        return [
            (path, item)
            for path, item in self.inputs(key)
            if not (item.maybe and (maker := self.maker(path)) and self.reason(maker) == "given up")
        ]

    def stamps(self, key: Key) -> list[tuple[str, object]]:
        """Return the inputs with their stamps; that of an `order` input does not matter."""
        return [(path, None if item.order else self.tree._stamp(path)) for path, item in self.taken(key)]

    def command(self, key: Key) -> str:
        """Return a command with all that is compared of it."""
        return fill(self._rule(key).command, {"level": str(self.spec.level)})

    def command_of(self, task: str) -> str:
        """Return the command of a task's rule as it is written."""
        return next(rule.command for rule in self.spec.rules if rule.name == task.partition("[")[0])

    def reason(self, key: Key) -> str:
        """Return why a task must run, the empty text if it need not, or `given up`."""
        if key not in self.memo:
            self.memo[key] = self._judge(key)
        return self.memo[key]

    def _judge(self, key: Key) -> str:
        optional = key not in self.required
        makers = {path: self.maker(path) for path, _ in self.inputs(key)}
        if optional and any(
            not item.maybe and (maker := makers[path]) and self.reason(maker) == "given up"
            for path, item in self.inputs(key)
        ):
            return "given up"
        if self.always:
            return "forced"
        own = self._own_reason(key)
        other = self.other.get(key)
        remade = [path for path, _ in self.taken(key) if (maker := makers[path]) and self.reason(maker)]
        if optional and own and other and other[0] == "gave up" and not remade:
            plain = [(path, self.tree._stamp(path)) for path, _ in self.taken(key)]
            if other[1:] == (self.command(key), plain):
                return "given up"
        if own:
            return own
        counted = {path for path, item in self.taken(key) if not item.order}
        return "input will be remade" if counted & set(remade) else ""

    def _own_reason(self, key: Key) -> str:
        outputs = [fill(output, dict(key[1])) for output in self._rule(key).outputs]
        if any(path not in self.tree.files for path in outputs):
            return "missing output"
        if key not in self.done:
            return "no record"
        if key in self.other:
            return "interrupted" if self.other[key][0] == "cut" else "failed before"
        command, then = self.done[key]
        if command != self.command(key):
            return "command changed"
        now = self.stamps(key)
        if [path for path, _ in then] != [path for path, _ in now]:
            return "inputs differ"
        return "input changed" if then != now else ""

    # ------------------------------------------------------------ records

    def key_of(self, name: str) -> Key:
        """Return a task by its name."""
        return next(key for key in self.tasks if self.name(key) == name)

    def before(self, name: str) -> tuple[Key, str, list[tuple[str, object]]]:
        """Return what will be recorded of a task that is about to run."""
        key = self.key_of(name)
        return key, self.command(key), self.stamps(key)


# ---------------------------------------------------------------- random campaigns


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Return a campaign of a few rules over the sources `s/1`, `s/2`, `s/3` and the shared file `cfg`."""
    rules: list[Making] = []
    for at in range(draw(st.integers(2, 5))):
        wildcards = draw(st.sampled_from(["", "x", "xy"]))
        tail = {"": "all", "x": "{x}", "xy": "{x}_{y}"}[wildcards]
        outputs = [f"r{at}/{tail}"] + ([f"q{at}/{tail}"] if draw(st.booleans()) else [])
        items = tuple(draw(_items(rules, wildcards)) for _ in range(draw(st.integers(1, 3))))
        command = draw(st.sampled_from(["make", "make {level}", "make {input} {level}", "make {input}"]))
        if not items:
            command = command.replace(" {input}", "")
        rules.append(Making(f"r{at}", tuple(outputs), items, command))
    last = [fill(output, {"x": "1", "y": "2"}) for output in rules[-1].outputs[:1]]
    targets = dict.fromkeys(last + draw(st.lists(_paths(rules, ""), max_size=2)))
    return Spec(tuple(rules), tuple(targets))


@st.composite
def _paths(draw: st.DrawFn, rules: list[Making], wildcards: str) -> str:
    """Return a path or a pattern with some of the wildcards, of what a rule makes or of a source."""
    made = [output for rule in rules for output in rule.outputs]
    pattern = draw(st.sampled_from([*made, *made, "s/{x}", "cfg"]))
    for name in "xy":
        if f"{{{name}}}" in pattern:
            put = draw(
                st.sampled_from([*KEYS, *(f"{{{each}}}" for each in wildcards), *(f"{{{each}}}" for each in wildcards)])
            )
            pattern = pattern.replace(f"{{{name}}}", put.replace("{", "<").replace("}", ">"))
    return pattern.replace("<", "{").replace(">", "}")


@st.composite
def _items(draw: st.DrawFn, rules: list[Making], wildcards: str) -> Item:
    free = [name for name in "xy" if name not in wildcards]
    over = draw(st.sampled_from(["", *free])) if free else ""
    pattern = draw(_paths(rules, wildcards + over))
    if over and f"{{{over}}}" not in pattern:
        over = ""
    order, maybe = draw(st.sampled_from([(False, False), (False, False), (True, False), (False, True), (False, True)]))
    otherwise = draw(_paths(rules, wildcards)) if "x" in wildcards and not over and draw(st.booleans()) else ""
    return Item(pattern, over, order, maybe, otherwise)
