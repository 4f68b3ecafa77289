"""Finding and reading sites: those that come with hpcmake, those of the user, those of a campaign, merged by key.

Owns where site files lie and which overrides which.  Knows nothing of what their keys mean.

Files of one name are one site.  From the weakest to the strongest: built in; the user's configuration folder,
`hpcmake/sites/NAME.toml`; the campaign's `sites/NAME.toml`; `NAME.toml` beside its Wfile; the file that was named by
its path, whose site has the name that it says, or else that of the file.  Of two files the stronger one wins key by
key, and queues are the same if they have one name.
"""

from __future__ import annotations

import os

from hpcmake.diagnostics import Diagnostic, Trouble, nearest
from hpcmake.record import Record
from hpcmake.sites.form import build_site
from hpcmake.sites.places import Entry, parse_entries
from hpcmake.sites.queues import named_queues, repeated_queues
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeVar

    from hpcmake.site import Site

    T = TypeVar("T")

BUILT_IN = "built in"
_HERE = os.path.dirname(os.path.abspath(__file__))
_SUFFIX = ".toml"


class Known(Record):
    """A site that was found: its name and its files, the weakest first, each with the name that a user knows it by."""

    name: str
    files: tuple[tuple[str, str], ...]

    @property
    def places(self) -> tuple[str, ...]:
        """Where it comes from, in words: `built in`, or the path of a file."""
        return tuple(BUILT_IN if path.startswith(_HERE) else shown for path, shown in self.files)


def config_folder(environ: Mapping[str, str]) -> str | None:
    """Return the folder of the user's own sites, whether it is there or not; None if the user has no home."""
    settings = environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(settings):  # the specification of these folders says that such a value is to be ignored
        if not environ.get("HOME"):
            return None
        settings = os.path.join(environ["HOME"], ".config")
    return os.path.join(settings, "hpcmake", "sites")


def _folders(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the folders of site files, the weakest first, each with the name that a user knows it by."""
    own = config_folder(environ)
    return [(_HERE, "hpcmake/sites"), *([(own, _from_home(own, environ))] if own else []), ("sites", "sites")]


def _from_home(path: str, environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "").rstrip("/")
    return "~" + path[len(home) :] if home and path.startswith(home + "/") else path


def find_sites(environ: Mapping[str, str]) -> dict[str, Known]:
    """Return all sites that can be named, by name, sorted.

    A file beside the Wfile can be anything: it counts as a site's if a site of that name is known.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for folder, shown in _folders(environ):
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if name.endswith(_SUFFIX) and name[0] != ".":
                path = os.path.join(folder, name)
                found.setdefault(name.removesuffix(_SUFFIX), []).append((path, f"{shown}/{name}"))
    for name, files in found.items():
        if os.path.isfile(name + _SUFFIX):
            files.append((name + _SUFFIX, name + _SUFFIX))
    return {name: Known(name, tuple(found[name])) for name in sorted(found)}


def find_site(word: str, environ: Mapping[str, str]) -> Known | None:
    """Return a site by its name, or by the path of its file; None if there is no such site."""
    known = find_sites(environ)
    if word.endswith(_SUFFIX) or "/" in word:
        if not os.path.isfile(word):
            return None
        name = _name_in(word) or os.path.basename(word).removesuffix(_SUFFIX)
        weaker = known[name].files if name in known else ()
        others = tuple(pair for pair in weaker if not _same(pair[0], word))
        return Known(name, (*others, (word, word)))
    if word not in known and word and os.path.isfile(word + _SUFFIX):
        return Known(word, ((word + _SUFFIX, word + _SUFFIX),))
    return known.get(word)


def _name_in(path: str) -> str | None:
    """Return the name that a file gives its site; None if it has none, or cannot be read."""
    try:
        entry = parse_entries(_read_source(path, path)).value.get("name")
    except Trouble:
        return None
    return entry.value if entry is not None and isinstance(entry.value, str) and entry.value else None


def _same(path: str, other: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def read_site(word: str, environ: Mapping[str, str]) -> Site:
    """Return a site by its name, or by the path of its TOML file; all mistakes in its files are told at once.

    Raises Trouble.
    """
    known = find_site(word, environ)
    if known is None:
        raise Trouble(_unknown(word, environ))
    return _read(known)


def read_sites(environ: Mapping[str, str]) -> tuple[list[Site], list[Diagnostic]]:
    """Return all sites whose files are good, by name, and the mistakes in the others."""
    sites: list[Site] = []
    mistakes: list[Diagnostic] = []
    for known in find_sites(environ).values():
        try:
            sites.append(_read(known))
        except Trouble as trouble:
            mistakes += trouble.diagnostics
    return sites, mistakes


def _unknown(word: str, environ: Mapping[str, str]) -> Diagnostic:
    names = list(find_sites(environ))
    span = Span(Source("the command line", word), 0, len(word))
    if word.endswith(_SUFFIX) or "/" in word:
        help_ = f"sites that have a name: {', '.join(names)}"
        return Diagnostic("E900", f"there is no site file {word}", span, help=help_)
    close = nearest(word, names)
    own = config_folder(environ)
    lines = [f"did you mean `{close}`?" if close else f"there are {', '.join(names)}"]
    if own is not None and word:
        lines.append(
            f"a site of your own goes into {_from_home(own, environ)}/{word}{_SUFFIX}, or into sites/{word}{_SUFFIX}"
        )
    return Diagnostic("E900", f"there is no site `{word}`", span, help="\n".join(lines))


def _read(known: Known) -> Site:
    mistakes: list[Diagnostic] = []
    merged: Entry | None = None
    for path, shown in known.files:
        try:
            entry = parse_entries(_read_source(path, shown))
        except Trouble as trouble:
            mistakes += trouble.diagnostics
            continue
        mistakes += repeated_queues(entry)
        merged = entry if merged is None else merge_entries(merged, entry)
    if merged is not None and not mistakes:
        site, mistakes = build_site(known.name, merged, known.places)
        if not mistakes:
            return site
    raise Trouble(*mistakes)


def _read_source(path: str, shown: str) -> Source:
    try:
        with open(path, "rb", buffering=0) as file:
            raw = file.read()
    except OSError as problem:
        raise Trouble(Diagnostic("E901", f"{shown} cannot be read: {problem.strerror}")) from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        message = f"{shown} is not UTF-8: line {line} holds the byte 0x{raw[problem.start]:02x}"
        raise Trouble(Diagnostic("E901", message, help="save it as UTF-8")) from None
    return Source(shown, text.replace("\r\n", "\n"))


def merge_entries(weak: Entry, strong: Entry) -> Entry:
    """Return two tables as one: the stronger wins key by key, queues of one name are merged too."""
    if not isinstance(weak.value, dict) or not isinstance(strong.value, dict):
        return strong
    merged = dict(weak.value)
    for key, entry in strong.value.items():
        if key == "queue" and key in merged:
            merged[key] = _merged_queues(weak, strong)
        else:
            merged[key] = merge_entries(merged[key], entry) if key in merged else entry
    return strong.replace(value=merged)


def _merged_queues(weak: Entry, strong: Entry) -> Entry:
    """Return the queues of two files: those of the weaker one in their order, overridden by name, then the new ones."""
    entry: Entry = strong.value["queue"]
    known = dict(named_queues(weak))
    own = dict(named_queues(strong))
    if not isinstance(entry.value, list) or not isinstance(weak.value["queue"].value, list):
        return entry
    kept = []
    for each in weak.value["queue"].value:
        name = next((name for name, queue in known.items() if queue is each), None)
        kept.append(merge_entries(each, own[name]) if name in own else each)
    new = [each for each in entry.value if not any(queue is each and name in known for name, queue in own.items())]
    return entry.replace(value=kept + new)


_EXAMPLES = {"margin": '"5m"', "poll": '"60s"', "latency": '"10s"', "mtime_grain": '"1s"', "project": '"NAME"'}


def require(value: T | None, site: Site, key: str, why: str) -> T:
    """Return a value of a site.  Raises Trouble if nobody has said it: it is never guessed.

    `key` is its name in the file, `why` completes "which is needed to": `require(site.margin, site, "margin", "…")`.
    """
    if value is not None:
        return value
    message = f"the site {site.name} does not say `{key}`, which is needed to {why}"
    where = f"~/.config/hpcmake/sites/{site.name}.toml or sites/{site.name}.toml"
    raise Trouble(Diagnostic("E911", message, help=f"write `{key} = {_EXAMPLES.get(key, '…')}` into {where}"))
