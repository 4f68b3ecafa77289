"""Completion for fish.

Owns that script.  Knows nothing of other shells.
"""

from __future__ import annotations

from hpcmake.completion.words import (
    RUN,
    SELECTING,
    choices_of,
    is_long,
    takes_value,
    value_of,
    words_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.completion.words import Described

_SCRIPT = r"""# Completion of hpcmake for fish.  Write it to ~/.config/fish/completions/hpcmake.fish

# prints the verb on the command line; `run` if a target stands first, `first` if nothing does yet
function __hpcmake_verb
    set -l option ''
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test -n "$option"
            set option ''
            continue
        end
        switch $word
            case @WITH_VALUE@
                set option $word
            case --
                echo run
                return
            case '-*'
            case @VERBS@
                echo $word
                return
            case '*'
                echo run
                return
        end
    end
    echo first
end

function __hpcmake_is
    contains -- (__hpcmake_verb) $argv
end

function __hpcmake_targets
    set -l selecting
    set -l option ''
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test -n "$option"
            set -a selecting $option (string replace -r '^~/' "$HOME/" -- $word)
            set option ''
        else if contains -- $word @SELECTING@
            set option $word
        end
    end
    hpcmake $selecting --complete-targets 2>/dev/null </dev/null
end

complete -c hpcmake -f
"""


def render_fish(options: Sequence[Described], verbs: Mapping[str, str]) -> str:
    """Return the script for fish."""
    with_value = [name for option in options if takes_value(option) for name in option.names]
    selecting = [name for name in SELECTING if name in with_value]
    script = _SCRIPT.replace("@WITH_VALUE@", " ".join(with_value) or "''")
    script = script.replace("@VERBS@", " ".join(verbs) or "''").replace("@SELECTING@", " ".join(selecting) or "''")
    lines = [
        f"complete -c hpcmake -n '__hpcmake_is first' -k -a {_quoted(verb)} -d {_quoted(words)}"
        for verb, words in verbs.items()
    ]
    lines += [_option(option) for option in options]
    of_targets = [verb for verb in verbs if words_of(verb) == "targets"]
    lines.append(
        f"complete -c hpcmake -n '__hpcmake_is {' '.join(['first', RUN, *of_targets])}' -a '(__hpcmake_targets)'"
    )
    for verb in verbs:
        kind = words_of(verb)
        if kind == "choices":
            lines.append(f"complete -c hpcmake -n '__hpcmake_is {verb}' -a {_quoted(' '.join(choices_of(verb)))}")
        elif kind == "files":
            lines.append(f"complete -c hpcmake -n '__hpcmake_is {verb}' -F")
    return script + "\n".join(lines) + "\n"


_VALUES = {
    "files": "-r -F",
    "folders": "-x -a '(__fish_complete_directories)'",
    "targets": "-x -a '(__hpcmake_targets)'",
    "nothing": "-x",
}


def _option(option: Described) -> str:
    words = ["complete -c hpcmake"]
    if option.verbs:
        verbs = ["first", *option.verbs] if RUN in option.verbs else list(option.verbs)
        words.append(f"-n '__hpcmake_is {' '.join(verbs)}'")
    words += [f"-l {name[2:]}" if is_long(name) else f"-s {name[1:]}" for name in option.names]
    if takes_value(option):
        kind = value_of(option)
        words.append(f"-x -a {_quoted(' '.join(option.choices))}" if kind == "choices" else _VALUES[kind])
    words.append(f"-d {_quoted(option.help)}")
    return " ".join(words)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
