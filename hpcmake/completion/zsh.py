"""Completion for zsh.

Owns that script.  Knows nothing of other shells.
"""

from __future__ import annotations

from hpcmake.completion.words import (
    RUN,
    SELECTING,
    choices_of,
    is_long,
    options_of,
    quoted,
    takes_value,
    value_of,
    words_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.completion.words import Described

_SCRIPT = r"""#compdef hpcmake
# Completion of hpcmake for zsh.  Put this as a file _hpcmake into a folder of $fpath, or this line into ~/.zshrc,
# behind compinit:
#   eval "$(hpcmake completion zsh)"

_hpcmake_targets() {
    local -a names
    names=("${(@f)$(hpcmake "${selecting[@]}" --complete-targets 2>/dev/null </dev/null)}")
    names=("${(@)names:#}")
    if (( $#names )); then
        _multi_parts / names
    else
        _files
    fi
}

_hpcmake_verbs() {
    local -a known=(
@VERBS@
    )
    _describe -t verbs verb known
}

_hpcmake_first() {
    _alternative 'verbs:verb:_hpcmake_verbs' 'targets:target:_hpcmake_targets'
}

_hpcmake() {
    local curcontext=$curcontext verb= word option=
    local -a selecting=()
    for word in "${(@)words[2,CURRENT-1]}"; do
        if [[ -n $option ]]; then
            case $option in
                @SELECTING@) selecting+=("$option" "${(Q)word/#\~\//$HOME/}") ;;
            esac
            option=
            continue
        fi
        case $word in
            @WITH_VALUE@) option=$word ;;
            --) break ;;
            -?*) ;;
            @VERB_NAMES@) verb=$word; break ;;
            *) break ;;
        esac
    done
    case $verb in
@CASES@
    esac
}

if [[ $funcstack[1] == _hpcmake ]]; then
    _hpcmake "$@"
else
    compdef _hpcmake hpcmake
fi
"""

_ACTIONS = {"files": "_files", "folders": "_files -/", "targets": "_hpcmake_targets", "nothing": " "}


def render_zsh(options: Sequence[Described], verbs: Mapping[str, str]) -> str:
    """Return the script for zsh."""
    with_value = [name for option in options if takes_value(option) for name in option.names]
    selecting = [name for name in SELECTING if name in with_value]
    filled = {
        "VERBS": "\n".join(f"        {quoted(f'{verb}:{_plain(words)}')}" for verb, words in verbs.items()),
        "SELECTING": "|".join(selecting) or "''",
        "WITH_VALUE": "|".join(with_value) or "''",
        "VERB_NAMES": "|".join(verbs) or "''",
        "CASES": "\n".join(_case(verb, options) for verb in (RUN, *verbs)),
    }
    script = _SCRIPT
    for name, text in filled.items():
        script = script.replace(f"@{name}@", text)
    return script


def _case(verb: str, options: Sequence[Described]) -> str:
    specs = [spec for option in options_of(verb, options) for spec in _specs(option)]
    if verb == RUN:
        specs += [quoted("1: :_hpcmake_first"), quoted("*:target:_hpcmake_targets")]
    else:
        kind = words_of(verb)
        action = f"({' '.join(choices_of(verb))})" if kind == "choices" else _ACTIONS[kind]
        specs += [quoted(f"1: :({verb})"), quoted(f"*: :{action}")]
    lines = " \\\n".join("                " + spec for spec in specs)
    return f"        {verb if verb != RUN else quoted('')})\n            _arguments -s -S \\\n{lines}\n            ;;"


def _specs(option: Described) -> list[str]:
    """Return what `_arguments` is to know of an option: a word for each of its names, each excluding the others."""
    may_repeat = option.kind == "texts"
    others = "*" if may_repeat else f"({' '.join(option.names)})"
    value = ""
    if option.kind != "flag":
        kind = value_of(option)
        action = f"({' '.join(option.choices)})" if kind == "choices" else _ACTIONS[kind]
        value = f"{'::' if not takes_value(option) else ':'}{_plain(option.value.lower())}:{action}"
    specs = []
    for name in option.names:
        # + and =: the value may follow in the same word, or in the next one
        sign = "" if option.kind == "flag" else "=" if is_long(name) else "+"
        specs.append(quoted(f"{others}{name}{sign}[{_plain(option.help)}]{value}"))
    return specs


def _plain(text: str) -> str:
    for special in "\\:[]":
        text = text.replace(special, "\\" + special)
    return text
