"""Completion for bash.

Owns that script, which needs no bash-completion package.  Knows nothing of other shells.
"""

from __future__ import annotations

from hpcmake.completion.words import (
    RUN,
    SELECTING,
    choices_of,
    is_long,
    letters,
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

_SCRIPT = r"""# Completion of hpcmake for bash.  Put this line into ~/.bashrc:
#   eval "$(hpcmake completion bash)"

# bash breaks words at = and :, too; here they are whole again
_hpcmake_words() {
    local rest=$COMP_LINE piece last=-1
    words=()
    for piece in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ $last -ge 0 && -n $piece && $rest == "$piece"* ]]; then
            words[last]+=$piece
        else
            words+=("$piece")
            last=$((last + 1))
        fi
        while [[ $rest == [[:blank:]]* ]]; do rest=${rest:1}; done
        rest=${rest#"$piece"}
    done
}

_hpcmake_offer() { # WORD…
    local word
    for word in "$@"; do
        if [[ $word == "$current"* ]]; then COMPREPLY+=("${word#"$kept"}"); fi
    done
}

_hpcmake_paths() { # -f or -d
    local path
    compopt -o filenames
    while IFS= read -r path; do COMPREPLY+=("${path#"$kept"}"); done < <(compgen "$1" -- "$current")
}

_hpcmake_targets() {
    local -a names
    mapfile -t names < <("$command" "${selecting[@]}" --complete-targets 2>/dev/null </dev/null)
    compopt -o filenames
    _hpcmake_offer "${names[@]}"
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then _hpcmake_paths -f; fi
}

_hpcmake_value() { # OPTION
    case $1 in
@VALUES@
    esac
}

_hpcmake() {
    local -a words selecting=()
    local command=$1 current kept verb="" first=true option="" word index plain=false
    COMPREPLY=()
    _hpcmake_words
    local last=$((${#words[@]} - 1))
    for ((index = 1; index < last; index++)); do
        word=${words[index]}
        if [[ -n $option ]]; then
            case $option in
                @SELECTING@) selecting+=("$option" "${word/#\~\//$HOME/}") ;;
            esac
            option=""
        elif $plain || [[ $word != -?* ]]; then
            if $first && ! $plain; then
                case $word in
                    @VERBS@) verb=$word ;;
                esac
            fi
            first=false
        elif [[ $word == -- ]]; then
            plain=true
        else
            case $word in
                @SELECTING_EQUALS@) selecting+=("$word") ;;
                @WITH_VALUE@) option=$word ;;
                --*) ;;
                -*[@LETTERS@]) option=-${word: -1} ;;
            esac
        fi
    done
    current=${words[last]}
    if [[ $current == [\"\']* ]]; then current=${current:1}; fi
    current=${current//\\/}
    # what bash has broken off before the piece that it will replace
    word=${COMP_WORDS[COMP_CWORD]}
    kept=""
    if [[ ${words[last]} != "$word" ]]; then kept=${words[last]%"$word"}; fi
    if [[ $word == [=:] ]]; then kept=${words[last]}; fi

    if [[ -n $option ]]; then
        _hpcmake_value "$option"
        return
    fi
    if ! $plain && [[ $current == --*=* ]]; then
        option=${current%%=*}
        current=${current#*=}
        kept=${kept#"$option="}
        _hpcmake_value "$option"
        return
    fi
    if ! $plain && [[ $current == -* ]]; then
        case $verb in
@OPTIONS@
        esac
        return
    fi
    if [[ -z $verb ]] && $first && ! $plain; then
        _hpcmake_offer @VERB_WORDS@
    fi
    case $verb in
@WORDS@
        *) _hpcmake_targets ;;
    esac
}

complete -F _hpcmake hpcmake
"""


def render_bash(options: Sequence[Described], verbs: Mapping[str, str]) -> str:
    """Return the script for bash."""
    long = [name for option in options if takes_value(option) for name in option.names]
    selecting = [name for name in SELECTING if any(name in option.names for option in options)]
    filled = {
        "VALUES": "\n".join(_value_case(option) for option in options if value_of(option) != "nothing"),
        "SELECTING": "|".join(selecting) or "''",
        "SELECTING_EQUALS": "|".join(f"{name}=*" if is_long(name) else f"{name}?*" for name in selecting) or "''",
        "VERBS": "|".join(verbs) or "''",
        "WITH_VALUE": "|".join(long) or "''",
        "LETTERS": letters([option for option in options if takes_value(option)], with_value=True) or "-",
        "OPTIONS": "\n".join(
            f"            {verb if verb != RUN else quoted('')}) _hpcmake_offer {_names(verb, options)} ;;"
            for verb in (RUN, *verbs)
        ),
        "VERB_WORDS": " ".join(verbs),
        "WORDS": "\n".join(_word_case(verb) for verb in verbs if words_of(verb) != "targets"),
    }
    script = _SCRIPT
    for name, text in filled.items():
        script = script.replace(f"@{name}@", text)
    return script


def _names(verb: str, options: Sequence[Described]) -> str:
    return " ".join(name for option in options_of(verb, options) for name in option.names)


_CALLS = {"files": "_hpcmake_paths -f", "folders": "_hpcmake_paths -d", "targets": "_hpcmake_targets"}


def _value_case(option: Described) -> str:
    kind = value_of(option)
    call = "_hpcmake_offer " + " ".join(map(quoted, option.choices)) if kind == "choices" else _CALLS[kind]
    return f"        {'|'.join(option.names)}) {call} ;;"


def _word_case(verb: str) -> str:
    kind = words_of(verb)
    call = "_hpcmake_offer " + " ".join(choices_of(verb)) if kind == "choices" else _CALLS.get(kind, "")
    return f"        {verb}) {call} ;;" if call else f"        {verb}) ;;"
