"""A task's next attempt, complete for a runner: its command rendered, its environment, its folders.

Owns the values that commands see.  Knows nothing of when attempts are made, nor of what runs them.
"""

from __future__ import annotations

from os.path import relpath

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.model import Attempt, Resources
from hpcmake.planner.command import render_script
from hpcmake.planner.shapes import read_resources
from hpcmake.planner.values import DurationOf, SizeOf, render_value
from hpcmake.tasks.paths import normalize
from hpcmake.tasks.quoting import quote_word
from hpcmake.units import render_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpcmake.planner.command import Template
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan
    from hpcmake.planner.rules import Rule
    from hpcmake.planner.scope import Code, Env
    from hpcmake.planner.values import Value
    from hpcmake.syntax import Brace

_BASH: tuple[str, ...] = ("bash",)

LISTS = ".hpcmake/lists"
"""Where the files of `{input!file}` lie while a task runs."""


class Attempts:
    """Makes attempts of a plan's tasks.

    `launch` gives the words that start ranks on this site for given resources, `limits` what an attempt may take at
    most (None: as asked).  After `make`, `lists` holds the files that must be there before the attempt begins.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        site: str,
        launch: Callable[[Resources], Sequence[str]],
        most_cores: int | None = None,
        most_memory: int | None = None,
    ) -> None:
        self.plan = plan
        self.site = site
        self.launch = launch
        self.most_cores = most_cores
        self.most_memory = most_memory
        self.lists: list[tuple[str, list[str]]] = []
        self.lists_in = LISTS
        """Where the files of `{input!file}` will lie."""
        self.named_inputs = plan.named_inputs
        """What gives `input` and its named items to the commands of tasks."""
        self._constant_env: dict[int, dict[str, str]] = {}
        self._has_markers: dict[int, bool] = {}
        self._resources: dict[int, tuple[Resources, dict[str, int]]] = {}

    def resources(self, table: Table, row: int, number: int) -> tuple[Resources, dict[str, int]]:
        """Return what an attempt takes, and `retries`, `priority` and `at_once` where given.  Raises Trouble, Wait."""
        rule = table.rule
        known = self._resources.get(rule.number)
        if known is not None:
            return known
        if all(not code.names and not code.reads for code in rule.resources.values()):
            try:
                found = self._resources[rule.number] = read_resources(rule, {})
            except KeyError:
                pass  # they depend on `attempt`, or on the inputs
            else:
                return found
        return read_resources(rule, {**self.plan.value_env(table, row), "attempt": number})

    def is_constant(self, table: Table) -> bool:
        """Tell whether every attempt of every task of a rule takes the same."""
        return table.rule.number in self._resources

    def make(
        self,
        table: Table,
        row: int,
        *,
        id: int,  # noqa: A002  # as the field is named
        number: int,
        only_post: bool = False,
        produced: Sequence[str] | None = None,
        holds: bool = False,
    ) -> Attempt:
        """Return an attempt.  Raises Trouble for a value that cannot be put into the command."""
        rule = table.rule
        files = self.plan.graph.files.paths
        resources, _ = self.resources(table, row, number)
        if self.most_cores is not None and resources.cores > self.most_cores:
            resources = resources.replace(cores=self.most_cores)
        if self.most_memory is not None and resources.memory > self.most_memory:
            wanted, most = render_size(resources.memory), render_size(self.most_memory)
            message = f"{table.name(row)} wants {wanted} of memory, and this machine has {most}"
            help_ = "ask for less, or run it where there is more"
            raise Trouble(Diagnostic("E503", message, rule.resources["memory"].span, help=help_))
        outputs = tuple(files[column[row]] for column in table.outputs)
        wildcards = table.env(row)
        workdir = self._path(rule.workdir, wildcards)
        log = self._path(rule.log, wildcards)
        depfile = self._path(rule.depfile, wildcards)
        values = Values(self, table, row, number, resources, workdir, log, depfile)
        argv: list[str] | None = None
        script, interpreter = "", _BASH
        if rule.run is not None and not only_post:
            argv, script, interpreter = self._command(rule, rule.run, values)
        post = ""
        waits = rule.post is not None and "produced" in rule.post.names and produced is None
        if rule.post is not None and not waits:
            text = rule.post.render(values.of_post(produced), values.list_file)
            post = (
                render_script(text)
                if not rule.post.interpreter or rule.post.interpreter == _BASH
                else _by(rule.post.interpreter, text)
            )
        return Attempt(
            id=id,
            task=table.name(row),
            number=number,
            argv=tuple(argv) if argv is not None else None,
            script=script,
            interpreter=interpreter,
            post=post,
            only_post=only_post,
            env=self._env(rule, wildcards),
            log=log,
            folders=self._folders(rule, outputs, workdir, log, table, row),
            outputs=() if waits else self._looked_at(rule, outputs),
            resources=resources,
            holds=holds,
        )

    def values(self, table: Table, row: int) -> Values:
        """Return the values that the command of a task's first attempt sees.  Raises Trouble, Wait."""
        rule, wildcards = table.rule, table.env(row)
        resources, _ = self.resources(table, row, 1)
        paths = (self._path(code, wildcards) for code in (rule.workdir, rule.log, rule.depfile))
        return Values(self, table, row, 1, resources, *paths)

    def env(self, table: Table, row: int) -> Mapping[str, str]:
        """Return what is added to the environment of a task."""
        return self._env(table.rule, table.env(row))

    def folders(self, table: Table, row: int) -> tuple[str, ...]:
        """Return the folders that must be there before a task begins."""
        wildcards, rule = table.env(row), table.rule
        outputs = [self.plan.graph.files.paths[column[row]] for column in table.outputs]
        return self._folders(
            rule, outputs, self._path(rule.workdir, wildcards), self._path(rule.log, wildcards), table, row
        )

    def workdir(self, table: Table, row: int) -> str:
        """Return the folder in which `run` of a task starts, "" for the root."""
        return self._path(table.rule.workdir, table.env(row)) or ""

    def setup(self, rule: Rule) -> str:
        """Return the shell text that comes before the commands of a rule, "" for none."""
        return _with_modules("\n".join(text.rstrip("\n") for text in (rule.setup, rule.site_setup) if text))

    def _looked_at(self, rule: Rule, outputs: tuple[str, ...]) -> tuple[str, ...]:
        """Return the outputs that are there when a command has succeeded: not the markers, which follow."""
        if rule.number not in self._has_markers:
            self._has_markers[rule.number] = any(output.touch for output in rule.outputs)
        if not self._has_markers[rule.number]:
            return outputs
        return tuple(path for path, output in zip(outputs, rule.outputs, strict=True) if not output.touch)

    def _path(self, code: Code | None, env: Env) -> str | None:
        if code is None:
            return None
        value = code.run(dict(env))
        return normalize(render_value(value), self.plan.graph.root)

    def _command(self, rule: Rule, template: Template, values: Values) -> tuple[list[str] | None, str, tuple[str, ...]]:
        """Return words, or a script and its interpreter."""
        setup = "\n".join(text.rstrip("\n") for text in (rule.setup, rule.site_setup) if text)
        shell = not template.interpreter or template.interpreter == _BASH
        if shell and not setup and values.workdir is None:
            words = template.argv(values.of_run, values.list_file)
            if words is not None:
                return words, render_script(template.render(values.of_run, values.list_file)), _BASH
        text = template.render(values.of_run, values.list_file)
        if shell:
            return None, render_script(text, setup=_with_modules(setup), workdir=values.workdir), _BASH
        if not setup and values.workdir is None:
            return None, text, template.interpreter
        # the interpreter is started by a shell that has done the setup and stands in the working folder
        words_text = " ".join(quote_word(word) for word in template.interpreter)
        start = render_script(f'exec {words_text} "$0"', setup=_with_modules(setup), workdir=values.workdir)
        return None, text, ("bash", "-c", start)

    def _env(self, rule: Rule, wildcards: Env) -> Mapping[str, str]:
        pairs = (*rule.env, *rule.site_env)
        if not pairs:
            return {}
        known = self._constant_env.get(rule.number)
        if known is None:
            known = {name: render_value(code.run({})) for name, code in pairs if not code.names}
            self._constant_env[rule.number] = known
        if len(known) == len(pairs):
            return known
        return {name: known[name] if name in known else render_value(code.run(dict(wildcards))) for name, code in pairs}

    def _folders(
        self, rule: Rule, outputs: Sequence[str], workdir: str | None, log: str | None, table: Table, row: int
    ) -> tuple[str, ...]:
        found = dict.fromkeys(parent for path in outputs if (parent := path.rstrip("/").rpartition("/")[0]))
        if log is not None:
            found[log.rpartition("/")[0]] = None
        if workdir is not None:
            found[workdir] = None
        if rule.produces is not None:
            lead = rule.produces.bind(dict(zip(rule.wildcards, table.values(row), strict=True))).literals[0]
            found[lead.rpartition("/")[0]] = None
        found.pop("", None)
        return tuple(found)


_READY = (
    "if ! command -v module >/dev/null 2>&1; then "
    "for f in /etc/profile.d/*modules*.sh /etc/profile.d/lmod*.sh; do "
    '[ -r "$f" ] && . "$f"; done; unset f; fi'
)


def _with_modules(setup: str) -> str:
    """Return a setup that finds `module` and the like: they are defined where login shells are made ready."""
    if not setup:
        return ""
    return f"{_READY}\n{setup}\n"


def _by(interpreter: Sequence[str], text: str) -> str:
    """Return shell text that gives a block to an interpreter."""
    words = " ".join(quote_word(word) for word in interpreter)
    mark = "HPCMAKE_END"
    while mark in text:
        mark += "_"
    after = 'status=$?; rm -f "$file"; exit $status'
    return f'file=$(mktemp); cat > "$file" <<\'{mark}\'\n{text}\n{mark}\n{words} "$file"; {after}\n'


class Values:
    """The values that one attempt's command sees."""

    def __init__(
        self,
        maker: Attempts,
        table: Table,
        row: int,
        number: int,
        resources: Resources,
        workdir: str | None,
        log: str | None,
        depfile: str | None,
    ) -> None:
        self.maker = maker
        self.table = table
        self.row = row
        self.number = number
        self.resources = resources
        self.workdir = workdir
        self.log = log
        self.depfile = depfile
        self._run: Env | None = None
        self._post: Env | None = None
        self.codes = table.rule.values

    def of_run(self, brace: Brace) -> Value:
        """Return the value of a group in `run`."""
        if self._run is None:
            self._run = self._env(self.workdir)
        return self.codes[id(brace)].run(self._run)

    def of_post(self, produced: Sequence[str] | None) -> Callable[[Brace], Value]:
        """Return what gives the value of a group in `post`."""
        if self._post is None:
            self._post = self._env(None)
            if produced is not None:
                self._post["produced"] = list(produced)
        env = self._post
        return lambda brace: self.codes[id(brace)].run(env)

    def _env(self, workdir: str | None) -> Env:
        table, row, rule, resources = self.table, self.row, self.table.rule, self.resources
        paths = self.maker.plan.graph.files.paths
        env = self.maker.named_inputs(table, row)
        outputs: list[str] = []
        for item in rule.output_items:
            mine = [paths[table.outputs[position][row]] for position in item.positions]
            outputs += mine
            if item.name is not None:
                env[item.name] = mine[0] if item.plain else list(mine)
        single = len(rule.output_items) == 1 and rule.output_items[0].plain
        env["output"] = outputs[0] if single else list(outputs)
        for name, path in (("log", self.log), ("depfile", self.depfile)):
            if path is not None:
                env[name] = path
        if workdir is not None:
            env = {name: _relative(value, workdir) for name, value in env.items()}
        if self.workdir is not None:
            env["workdir"] = "." if workdir is not None else self.workdir
        env |= table.env(row)
        env["wildcards"] = table.env(row)
        env |= {"cores": resources.cores, "memory": SizeOf(resources.memory), "gpus": resources.gpus}
        env |= {"nodes": resources.nodes or 1, "ranks": resources.ranks or 1}
        env |= {"attempt": self.number, "rule": rule.name, "site": self.maker.site}
        env["time"] = DurationOf(int(resources.time) if resources.time is not None else 0)
        if rule.has_nodes:
            options = rule.launch_options.run(dict(table.env(row))) if rule.launch_options is not None else []
            env["launch"] = [*self.maker.launch(resources), *(options if isinstance(options, list) else [options])]
        return env

    def list_file(self, items: Sequence[str]) -> str:
        """Return the path of a file that will hold items, one a line."""
        name = f"{self.maker.lists_in}/{self.table.rule.name}-{self.row}-{len(self.maker.lists)}"
        self.maker.lists.append((name, list(items)))
        return relpath(name, self.workdir) if self.workdir is not None else name


def _relative(value: Value, workdir: str) -> Value:
    if isinstance(value, list):
        return [_relative(each, workdir) for each in value]
    if isinstance(value, str) and not value.startswith("/"):
        path = relpath(value, workdir)
        return path + "/" if value.endswith("/") else path
    return value
