"""Commands: what of a block is ours, how values are quoted for their places, and which commands need no shell."""

import os
import pickle
import subprocess
import sys
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hpcmake.diagnostics import Trouble, render_all
from hpcmake.planner.command import Template, is_shell, parse_template, render_script
from hpcmake.planner.levels import VALUE
from hpcmake.planner.shell import scan
from hpcmake.planner.simple import BUILTINS
from hpcmake.planner.values import DurationOf, SizeOf
from hpcmake.syntax import Block, Word
from hpcmake.tasks.quoting import RESERVED, quote_word
from hpcmake.text import Source, Span


def block_of(text: str, *interpreter: str) -> Block:
    source = Source("Wfile", text)
    starts = [0] + [index + 1 for index, c in enumerate(text[:-1]) if c == "\n"]
    span = Span(source, 0, len(text))
    return Block(span, text, source, tuple(starts), tuple(Word(span, word) for word in interpreter))


def template_of(text: str, known: Collection[str], *interpreter: str) -> Template:
    template, mistakes = parse_template(block_of(text, *interpreter), known)
    assert not mistakes, render_all(mistakes)
    return template


def rendered(text: str, *interpreter: str, **values: Any) -> str:
    template = template_of(text, values.keys(), *interpreter)
    return template.render(lambda brace: values[brace.name.id], lambda items: "lists/" + "+".join(items))


def words_of(text: str, **values: Any) -> list[str] | None:
    template = template_of(text, values.keys())
    return template.argv(lambda brace: values[brace.name.id], lambda items: "lists/" + "+".join(items))


def mistakes_of(text: str, *known: str) -> str:
    return render_all(parse_template(block_of(text), known)[1])


def trouble_of(text: str, *interpreter: str, **values: Any) -> str:
    with pytest.raises(Trouble) as caught:
        rendered(text, *interpreter, **values)
    return render_all(caught.value.diagnostics)


def bash(script: str) -> tuple[list[str], str]:
    """Run a script by bash, and return what it wrote, cut at each NUL."""
    ran = subprocess.run(
        ["bash", "-O", "extglob"],
        input=script.encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/home/x", "LC_ALL": "C.UTF-8"},
    )
    return ran.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1], ran.stderr.decode(errors="replace")


# ---------------------------------------------------------------- groups


@pytest.mark.parametrize(
    "text",
    [
        "awk '{print $1}' f",
        "echo {a,b} {1..9} {a..c}",
        "awk '{ print }' f",
        "echo ${HOME} ${x} ${x:-y}",
        "find . -exec rm {} \\;",
        "f() { echo; }",
        "echo {} { } {1} {-x} {x-1}",
        "echo {{a,b}} {{ x }} {{}} {{x-1}}",
    ],
)
def test_groups_of_the_shell_stay_as_they_are(text: str) -> None:
    assert rendered(text + "\n", other="no") == text + "\n"


def test_a_doubled_group_is_the_group_itself() -> None:
    assert (
        rendered("echo {{name}} {{name.field}} ${{name}} {{x}}{x}\n", x="1")
        == "echo {name} {name.field} ${name} {x}1\n"
    )


def test_values_inside_brace_lists_and_parameters() -> None:
    assert rendered("echo {{x},b} {1..{n}} ${y:-{x}}\n", x="a", n=3) == "echo {a,b} {1..3} ${y:-a}\n"


def test_every_group_is_listed_with_its_place() -> None:
    template = template_of("cp {a}\n   {b.c[0]:03!file}\n", ["a", "b"])
    assert [brace.span.text for brace in template.braces] == ["{a}", "{b.c[0]:03!file}"]
    assert template.names == {"a", "b"}
    assert template.interpreter == ()


def test_a_template_can_be_kept() -> None:
    template = template_of("cat {a} > {b}\n", ["a", "b"])
    kept = pickle.loads(pickle.dumps(template))
    assert kept == template
    assert kept.render(lambda _: "x y", lambda _: "") == "cat 'x y' > 'x y'\n"


def test_an_unknown_name_offers_the_nearest_and_what_is_literal() -> None:
    assert mistakes_of("echo hi\ncat {inptu} > out\n", "input", "output") == (
        "error[E601]: unknown name `inptu` in a command\n"
        " --> Wfile:2:5\n"
        "2 | cat {inptu} > out\n"
        "  |     ^^^^^^^\n"
        "  = help: did you mean `input`?\n"
        "  =       write {{inptu}} for the characters {inptu}, or { inptu } for a group of the shell's or of awk's\n"
    )


def test_the_caller_may_say_more_of_an_unknown_name() -> None:
    _, mistakes = parse_template(block_of("echo {i}\n"), ["x"], lambda name: f"`{name}` is an open wildcard")
    assert mistakes[0].help.startswith("`i` is an open wildcard\n")


def test_an_expression_in_braces_says_to_use_let() -> None:
    assert mistakes_of("echo {k-1}\n", "k") == (
        "error[E602]: `{k-1}` begins with the name of a value, and is not of the form of a name in braces\n"
        " --> Wfile:1:6\n"
        "1 | echo {k-1}\n"
        "  |      ^^^^^\n"
        "  = help: give it a name of its own, `let value = k-1`, and write {value};\n"
        "  =       for a group of the shell's or of awk's write { k-1 }\n"
    )


@pytest.mark.parametrize(
    ("group", "mend"),
    [
        ("{k }", "write {k}, without spaces"),
        ("{k:4}", "a width is written with zeros: {k:04}"),
        ("{k:03d}", "a width is written with zeros: {k:03}"),
        ("{k!s}", "there are {k!r} (raw) and {k!file} (the path of a file that lists the items)"),
        ("{k:x}", "write {k}; behind a colon only a width can stand, as in {k:04}"),
        ("{k,b}", "if the shell's own list is meant, quote the name: {'k',b}"),
    ],
)
def test_a_group_that_is_nearly_of_the_form_has_its_mend(group: str, mend: str) -> None:
    assert f"  = help: {mend}\n" in mistakes_of(f"echo {group}\n", "k")


def test_a_group_that_is_not_closed() -> None:
    assert mistakes_of("echo {k\n", "k") == (
        "error[E602]: `{k` begins with the name of a value, and no `}` closes it on this line\n"
        " --> Wfile:1:6\n"
        "1 | echo {k\n"
        "  |      ^^\n"
        "  = help: write {k}, or { k for a group of the shell's or of awk's\n"
    )


def test_a_backslash_before_a_value() -> None:
    assert mistakes_of("echo \\{k}\n", "k") == (
        "error[E603]: a backslash stands before a value, and would be read as a part of it\n"
        " --> Wfile:1:7\n"
        "1 | echo \\{k}\n"
        "  |       ^^^\n"
        "  = help: write {{name}} for the characters {name}, or two backslashes for one before the value\n"
    )


def test_a_here_document_that_ends_in_a_value() -> None:
    assert mistakes_of("cat <<E{k}\nE\n", "k") == (
        "error[E604]: a here-document cannot end in a value: where it ends must be known before\n"
        " --> Wfile:1:8\n"
        "1 | cat <<E{k}\n"
        "  |        ^^^\n"
        "  = help: end it in a word such as EOF\n"
    )


def test_nesting_without_end_is_a_mistake_and_no_traceback() -> None:
    deep = "cat <<E\n$(" * 100 + "{k}"
    assert "E607" in mistakes_of(deep, "k")


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("{v}", {"v": 7}, "7"),
        ("{v}", {"v": Fraction(1, 4)}, "0.25"),
        ("{v}", {"v": True}, "true"),
        ("{v}", {"v": DurationOf(90)}, "90"),
        ("{v}", {"v": SizeOf(1024)}, "1024"),
        ("{v:04}", {"v": 7}, "0007"),
        ("{v:04}", {"v": "12"}, "0012"),
        ("{v:02}", {"v": [1, "2", 300]}, "01 02 300"),
        ("{v}", {"v": ["a b", "c", "$d"]}, "'a b' c '$d'"),
        ("x{v}y", {"v": ["a b", "c"]}, "x'a b' cy"),
        ("'{v}'", {"v": ["a b", "c'"]}, "'a b c'\\'''"),
        ('"{v}"', {"v": ["a b", "$c"]}, '"a b \\$c"'),
        ("{v!r}", {"v": ["a b", "$c"]}, "a b $c"),
        ("'{v!r}'", {"v": "it's"}, "'it's'"),
        ("@{v!file}", {"v": ["a b", "c"]}, "@'lists/a b+c'"),
        ("{v}", {"v": ""}, "''"),
        ("a{v}b", {"v": ""}, "a''b"),
        ("{v} .", {"v": []}, " ."),
        ("x={v}", {"v": ["a", "b"]}, "x='a b'"),
        ("export x={v}", {"v": ["a", "b"]}, "export x='a b'"),
        ("x=({v})", {"v": ["a", "b c"]}, "x=(a 'b c')"),
        ("cat <<< {v}", {"v": ["a", "b"]}, "cat <<< 'a b'"),
        ("case {v} in {v}) ;; esac", {"v": ["a", "b"]}, "case 'a b' in 'a b') ;; esac"),
        ("echo {v}>f", {"v": 2}, "echo '2'>f"),
        ("echo {v}2>f", {"v": 2}, "echo '2'2>f"),
        ("echo 2>&{v}", {"v": 1}, "echo 2>&1"),
        ("echo $x{v} \"$x{v}\" '$x{v}'", {"v": "a"}, "echo ${x}a \"${x}a\" '$xa'"),
        ("{v} -l", {"v": "if"}, "'if' -l"),
        ("{v} -l", {"v": "a=b"}, "'a=b' -l"),
        ("echo {v}", {"v": "a=b"}, "echo a=b"),
        ("echo $(( {v} + 1 ))", {"v": 3}, "echo $(( 3 + 1 ))"),
        ("# {v}", {"v": "a\nrm b"}, "# a rm b"),
    ],
)
def test_a_value_is_written_for_its_place(text: str, values: dict[str, Any], expected: Any) -> None:
    assert rendered(text + "\n", **values) == expected + "\n"


def test_several_files_of_a_redirection() -> None:
    assert trouble_of("echo hi > {output}\n", output=["a", "b"]) == (
        "error[E605]: a redirection takes one file, and this is 2\n"
        " --> Wfile:1:11\n"
        "1 | echo hi > {output}\n"
        "  |           ^^^^^^^^\n"
        "  = help: name the one that is meant: `{name[0]}`\n"
    )


def test_text_in_arithmetic() -> None:
    assert trouble_of("echo $(( {k} + 1 ))\n", k="a[$(rm x)]") == (
        "error[E605]: only a number or a name can stand here, and this is 'a[$(rm x)]'\n"
        " --> Wfile:1:10\n"
        "1 | echo $(( {k} + 1 ))\n"
        "  |          ^^^\n"
        "  = help: put the value into a variable first, as in `x={name}`, and use `$x` here\n"
    )


@pytest.mark.parametrize(
    "text",
    ['echo $(( "{k}" ))', "(( x = {k} ))", "echo ${x:{k}:1} ${x[{k}]}", "echo $[{k}]", "for ((i={k};;)); do :; done"],
)
def test_no_text_is_evaluated_as_arithmetic(text: str) -> None:
    assert "E605" in trouble_of(text + "\n", k="a[$(rm x)]")


def test_a_value_that_would_end_a_here_document_that_is_not_expanded() -> None:
    assert trouble_of("cat <<'END'\nE{k}\nEND\n", k="ND") == (
        "error[E605]: a value makes a line `END`, which would end the here-document it stands in\n"
        " --> Wfile:2:2\n"
        "2 | E{k}\n"
        "  |  ^^^\n"
        "  = help: end the here-document in a word that no value holds\n"
    )
    assert rendered("cat <<'END'\nE{k}\nEND\n", k="nd\n") == "cat <<'END'\nEnd\n\nEND\n"


def test_a_value_without_text() -> None:
    assert trouble_of("echo {k}\n", k=[{"a": 1}]) == (
        "error[E606]: an object has no text of its own\n"
        " --> Wfile:1:6\n"
        "1 | echo {k}\n"
        "  |      ^^^\n"
        "  = help: choose one of its fields or positions: `{name.field}`, `{name[0]}`\n"
    )


def test_a_nul_is_refused() -> None:
    assert "holds a NUL" in trouble_of("echo {k}\n", k="a\0b")


# ---------------------------------------------------------------- other interpreters


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ('it\'s "x"\n', '"it\'s \\"x\\"\\n"'),
        (["a", 1, Fraction(1, 2), True], '["a", 1, 0.5, true]'),
        ("Å😀", '"Å😀"'),
        ("\udcff", '"\\udcff"'),
        (DurationOf(60), "60"),
        ([], "[]"),
    ],
)
def test_values_for_another_interpreter_are_json(value: Any, literal: str) -> None:
    assert rendered("x = {v}  # {{v}} { v }\n", "python3", v=value) == f"x = {literal}  # {{v}} {{ v }}\n"


def test_padding_and_modifiers_for_another_interpreter() -> None:
    text = "a({v:03}, {v!r}, open({v!file}))\n"
    assert rendered(text, "python3", v=[1, 2]) == 'a(["001", "002"], 1 2, open("lists/1+2"))\n'
    assert rendered("a({v:03})\n", "python3", v=1) == 'a("001")\n'


@given(st.text(st.characters(exclude_characters="\0")) | st.lists(st.text(st.characters(exclude_characters="\0"))))
@example("\udcff\udc80")
@example("\U0001f600")
def test_python_reads_what_was_meant(value: Any) -> None:
    scope: dict[str, object] = {}
    exec(rendered("x = {v}\n", "python3", v=value), scope)  # the literal is what is tested
    assert scope["x"] == value


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("bash",), True), (("/bin/sh", "-e"), True),
        (("/usr/bin/env", "-i", "A=b", "zsh"), True), (("env", "ksh"), True),
        (("python3",), False), (("env", "python3"), False), (("Rscript", "bash"), False), (("fish",), False),
    ],
)  # fmt: skip
def test_which_interpreters_are_shells(words: Any, expected: Any) -> None:
    assert is_shell(words) is expected


def test_another_shell_gets_shell_quoting() -> None:
    assert rendered("echo {v}\n", "dash", "-e", v="a b") == "echo 'a b'\n"


# ---------------------------------------------------------------- any file name is safe anywhere

Place = tuple[str, ...]
"""Text with values in it, and the arguments that it passes to `show`."""

NASTY = [
    "a", "a b", "it's", 'q"q', "$HOME", "`id`", "$(id)", "\\",
    "\\\\", "a\\", "*", "?", "[a]", "~", "~root", "a\nb", "\n", "\tx",
    " ", "", "-n", "--", "E", "Q", "\nE", "E\n", "\nE\n", "}", "{",
    "{a,b}", "a}b", "!x", "#c", "a#b", "&", ";", "|", "<", ">", "(",
    ")", "=", "a=b", "%1", "\udcff\udcfe", "é", "日本 語", "😀",
    "'\"'\"'", "$'x'", "\x01\x1b", "\r", "if", "esac", "in", "[[", "]]",
    "1", "08", "-5", "a,b", "1..3", "../x", "\\\n", "a\\\nb", "\\'",
    "'", '"', "$", "$$", "${x", "$((", "))", "@(a)", "^", "//",
    "\\&", "i\n\n\nj", "  ", ":", "+", ".",
]  # fmt: skip

PLACES: list[Place] = [
    ("show {v}", "{v}"),
    ("show '{v}'", "{v}"),
    ('show "{v}"', "{v}"),
    ("show $'{v}'", "{v}"),
    ('show $"{v}"', "{v}"),
    ("show a{v}b", "a{v}b"),
    ("show --x={v}", "--x={v}"),
    ("show {v}{v}", "{v}{v}"),
    ("show {v}'{v}'\"{v}\"$'{v}'", "{v}{v}{v}{v}"),
    ("show \\\\{v} \"\\{v}\" $'\\{v}' '\\{v}'", "\\{v}", "\\{v}", "\\{v}", "\\{v}"),
    ("show 'a'\\''{v}' \"{v}\\\"{v}\"", "a'{v}", '{v}"{v}'),
    ('show {v} \\\n   {v} \\\n  "{v}\\\n{v}"', "{v}", "{v}", "{v}{v}"),
    ("show {v}# {v}#x # {v}", "{v}#", "{v}#x"),
    ("show ~{v} a,{v} {a,{v}} {{v},b}", "~{v}", "a,{v}", "a", "{v}", "{v}", "b"),
    ("show x$HOME{v} \"$HOME{v}\" '$HOME{v}'", "x/home/x{v}", "/home/x{v}", "$HOME{v}"),
    ('show "${#x}{v}" $#{v} $?{v}', "0{v}", "0{v}", "0{v}"),
    ("show a{v}>&1;show {v}>&1;show {v}2>&1 2>/dev/null", "a{v}", "{v}", "{v}2"),
    ("show a;show {v}&&show {v}|cat", "a", "{v}", "{v}"),
    ('show "$(printf %s_ {v})" "$(printf %s_ "{v}")" "$(printf %s_ \'{v}\')"', "{v}_", "{v}_", "{v}_"),
    ('show "`printf %s_ {v}`" "`printf %s_ "{v}"`"', "{v}_", "{v}_"),
    ("show \"`printf %s_ '{v}' # {v}`\"", "{v}_"),
    ('y=`printf %s_ "{v}"`; show "$y"', "{v}_"),
    ('y=`printf %s "\\`printf %s_ {v}\\`"`; show "$y"', "{v}_"),
    ('y="`printf %s "\\`printf %s_ \'{v}\'\\`"`"; show "$y"', "{v}_"),
    ('show "`printf %s_ \'\\\\{v}\' "\\\\{v}"`"', "\\{v}_\\{v}_"),
    ('show "${x:-{v}}" ${x:-{v}}. "${x:-a{v}b}" "${x:-\\{v}}"', "{v}", "{v}.", "a{v}b", "\\{v}"),
    ('show ${x:-"{v}"} "${x:-"{v}"}" ${x:-\'{v}\'}', "{v}", "{v}", "{v}"),
    ('y=\'@\'{v}; show "${y#@{v}}" "${y%{v}}" "${y#@\'{v}\'}" "${y%"{v}"}"', "", "@", "", "@"),
    ("y='@'{v}; show ${y#@{v}}. ${y%{v}}", ".", "@"),
    ('y=@; show "${y/@/{v}}" "${y/@/"{v}"}" "${y/@/\'{v}\'}"', "{v}", "{v}", "{v}"),
    ('x={v}{v} y={v}; show "$x$y"', "{v}{v}{v}"),
    ('export x={v}; show "$x"; f() { local x={v}; show "$x"; }; f', "{v}", "{v}"),
    ("a=( {v} x{v} '{v}'\n{v} # it's {v}\n); show \"${a[@]}\"", "{v}", "x{v}", "{v}", "{v}"),
    ('IFS= read -rd "" y <<E || :\n{v}\nE\nshow "$y"', "{v}\n"),
    ('IFS= read -rd "" y <<-E || :\n\t{v}\n\tE\nshow "$y"', "{v}\n"),
    (
        ('IFS= read -rd "" y <<E || :\na{v}b $(printf %s_ {v}) ${x:-{v}} $((1<<2)) `printf %s_ {v}`'
        ' \\{v}"{v}\'\nE\nshow "$y"'),
        "a{v}b {v}_ {v} 4 {v}_ \\{v}\"{v}'\n",
    ),
    (
        ('IFS= read -rd "" y <<E || :\n$(\nprintf %s_ {v} "{v}" \'{v}\' \\\n{v}\n'
        'printf %s_ "\n{v}\n" \'\n{v}\n\'\n)\n${x:-\n{v}\n}\nE\nshow "$y"'),
        "{v}_{v}_{v}_{v}_\n{v}\n_\n{v}\n_\n\n{v}\n\n",
    ),
    ('show "$(cat <<E\n{v}\nE\nprintf _)"', "{v}\n_"),
    ('show "$(cat <<E\n`printf %s_ {v} "{v}" \'{v}\'`\nE\n)"', "{v}_{v}_{v}_"),
    ("cat <<A - <<B >/dev/null; show {v}\nit's {v}\nA\n\"{v}\nB\nshow \"{v}\"", "{v}", "{v}"),
    ('IFS= read -rd "" y <<< {v} || :; show "$y"; IFS= read -rd "" y <<< "{v}" || :; show "$y"', "{v}\n", "{v}\n"),
    ("# it's \"{v}\nshow {v} # `{v}\nshow \"{v}\"", "{v}", "{v}"),
    ("show $(echo 1 # ) {v}\n) {v}", "1", "{v}"),
    ("[[ {v} == {v} ]] && show {v}", "{v}"),
    ('[[ "x{v}" == x{v} && ! {v} != {v} ]] && show "{v}"', "{v}"),
    ('[[ "x{v}" =~ ^x{v}$ ]] && show {v}', "{v}"),
    ("case {v} in x{v}) ;; {v}) show {v};; *) show no;; esac", "{v}"),
    ('case "{v}x" in ({v}x|"{v}") show "{v}" ;; esac', "{v}"),
    ('show "$(case x in a) echo;; *) printf %s_ {v};; esac)" {v}', "{v}_", "{v}"),
    ('for f in {v} {v}; do show "$f"; done', "{v}", "{v}"),
    ('function f { show {v}; }; f; f() ( show "$@" ); f {v}', "{v}", "{v}"),
    ('if true; then show {v}; else show "{v}"; fi; ! show {v}', "{v}", "{v}"),
    ('( show {v} ); { show "{v}"; }', "{v}", "{v}"),
    ("cat < <(printf %s {v} >/dev/null); show {v}", "{v}"),
    ('show $((1+(2*3)))"{v}" $(( 1 << 2 )) {v} $[1+1]{v}', "7{v}", "4", "{v}", "2{v}"),
    ("((3 > 2)) && show {v}; for ((i=0;i<1;i++)); do show {v}; done", "{v}", "{v}"),
    ('((echo 1 >/dev/null); show {v}); show "$((echo 1); printf %s_ {v})"', "{v}", "1\n{v}_"),
    ('set -- {v} "{v}"; show "$@"', "{v}", "{v}"),
    ("cat <<'Z' >/dev/null\n`$({v}'\nZ\nshow {v}", "{v}"),
    ("show \"$(q=( {v} '{v}' ); printf %s_ \"${q[@]}\")\"", "{v}_{v}_"),
    ("show @(no|{v}|'{v}')_; show {v}", "@(no|{v}|{v})_", "{v}"),
]  # fmt: skip

_SHOW = 'show() { printf "%s\\0" "$@"; }\n'


def check_places(pairs: list[tuple[Place, str]]) -> None:
    """Render each text with its value, run them all by one bash, and compare what `show` received."""
    script = [_SHOW]
    expected = []
    for (text, *arguments), value in pairs:
        script.append(f"(\n{rendered(text + chr(10), v=value)}\n)\nprintf '%s\\0' next\n")
        expected.append([each.replace("{v}", value) for each in arguments])
    got, errors = bash("".join(script))
    for (place, value), want in zip(pairs, expected, strict=True):
        end = got.index("next") if "next" in got else len(got)
        assert got[:end] == want, (place[0], value, rendered(place[0], v=value), errors)
        got = got[end + 1 :]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[0])
def test_nasty_names_are_safe_in_every_place(place: Place) -> None:
    check_places([(place, value) for value in NASTY])


names = st.text(
    st.characters(exclude_characters="\0\x01\x7f", exclude_categories=["Cs"])
    | st.sampled_from("'\"\\`$(){}[]<>|&;#!*?~ \n\t=-%^,EQ\udc80\udcff"),
    max_size=12,
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), names), min_size=1, max_size=12))
@settings(max_examples=150)
def test_any_name_is_safe_anywhere(pairs: list[tuple[Place, str]]) -> None:
    check_places(pairs)


@given(names)
def test_one_word_is_one_word(name: str) -> None:
    assert bash(f"{_SHOW}show {quote_word(name)}\n")[0] == [name]


# ---------------------------------------------------------------- commands without a shell


@pytest.mark.parametrize(
    ("text", "values", "words"),
    [
        ("touch {v}", {"v": "a b"}, ["touch", "a b"]),
        ("touch {v}", {"v": ["a b", "c"]}, ["touch", "a b", "c"]),
        ("touch {v}", {"v": []}, ["touch"]),
        ("cp --in={v} 'x {v}' \"{v}\"", {"v": ["a", "b"]}, ["cp", "--in=a", "b", "x a b", "a b"]),
        ("\n# about {v}\ncp \\\n   a {v} # more\n\n", {"v": 3}, ["cp", "a", "3"]),
        ("sort -k1,1 {v:03} @{v!file} '' \"\" x\\ y #", {"v": 7}, ["sort", "-k1,1", "007", "@lists/7", "", "", "x y"]),
        ("find . -exec rm {} \\;", {}, ["find", ".", "-exec", "rm", "{}", ";"]),
        ("./run a#b '$HOME' x=~ é", {}, None),
        ("./run a#b '$HOME' x=1 é", {}, ["./run", "a#b", "$HOME", "x=1", "é"]),
    ],
)
def test_a_simple_command_needs_no_shell(text: str, values: dict[str, Any], words: Any) -> None:
    assert words_of(text + "\n", **values) == words


@pytest.mark.parametrize(
    "text",
    [
        "cat {v} > x", "cat {v} | sort", "a; b", "a & b",
        "a\nb", "x=1 a", "echo {v}", "cd {v}", "{v} x", "'' x", "a $x",
        'a "$x"', "a `b`", "a *.c", "a x?", "a [b]", "a ~", "a {b,c}", "a {1..3}", "a {v!r}", "(a)", "if", "a <<E\nE",
        "! a", "# only", "", "a 'x", 'a "x\\n"', "a $'x'", "time a", "[ a ]",
    ],
)  # fmt: skip
def test_anything_else_needs_one(text: str) -> None:
    assert words_of(text + "\n", v="x") is None


def test_another_interpreter_is_no_simple_command() -> None:
    assert template_of("touch x\n", (), "bash").words is None


def test_all_builtins_and_keywords_of_bash_are_known() -> None:
    builtins = subprocess.run(["bash", "-c", "compgen -b"], capture_output=True, text=True, check=True).stdout.split()
    keywords = subprocess.run(["bash", "-c", "compgen -k"], capture_output=True, text=True, check=True).stdout.split()
    assert set(builtins) <= BUILTINS
    assert set(keywords) <= RESERVED


_ARGUMENTS = [
    sys.executable,
    "-Sc",
    'import os, sys; os.write(1, b"".join(os.fsencode(a) + b"\\0" for a in sys.argv[1:]))',
]
_PARTS = [
    "{v}",
    "{w}",
    " ",
    "a",
    "'{v} b'",
    '"c{w}"',
    "\\\n",
    "\\'",
    "=",
    "#",
    "{}",
    "--x",
    "''",
    "\\;",
    "é",
    " # x\n",
    "\r",
    "-",
]


@given(st.lists(st.sampled_from(_PARTS), max_size=10), names, st.lists(names, max_size=3))
@settings(max_examples=60)
def test_words_without_a_shell_are_those_of_bash(parts: list[str], text: str, items: list[str]) -> None:
    command = "/bin/show " + "".join(parts) + "\n"
    words = words_of(command, v=text, w=items)
    if words is not None:
        python = " ".join(quote_word(word) for word in _ARGUMENTS)
        script = rendered(command, v=text, w=items).removeprefix("/bin/show ")
        assert bash(f"{python} {script}")[0] == words[1:]


# ---------------------------------------------------------------- scripts


def test_a_script_is_strict_after_its_setup(tmp_path: Path) -> None:
    script = render_script("echo $-; echo in $PWD\n", setup="echo $- $unset; false", workdir=str(tmp_path / "it's"))
    assert script == (f"echo $- $unset; false\nset -euo pipefail; cd -- '{tmp_path}/it'\\''s'; echo $-; echo in $PWD\n")


def test_bash_names_the_lines_of_the_body() -> None:
    _, errors = bash(render_script("true\n\nnosuchcommand\necho no\n"))
    assert "line 3: nosuchcommand" in errors


@pytest.mark.parametrize(
    "body", ["false; echo no", "echo $unset; echo no", "false | true; echo no", "(exit 3)\necho no"]
)
def test_a_script_stops_at_the_first_failure(body: str) -> None:
    got, _ = bash(f"{_SHOW}show yes\n" + render_script(body.replace("echo", "show")))
    assert got == ["yes"]


def test_an_unexecutable_folder_stops_a_script(tmp_path: Path) -> None:
    assert bash(_SHOW + render_script("show no", workdir=str(tmp_path / "missing")))[0] == []


# ---------------------------------------------------------------- size


def test_a_large_block_with_many_groups() -> None:
    text = ('echo {a} "${x:-{a}}" $(cat <<E\n{a}\nE\n) # ' + "x" * 10 + "\n") * 34_000
    assert len(text) > 1_000_000
    template = template_of(text, ["a"])
    assert len(template.braces) == 102_000
    assert template.render(lambda _: "1", lambda _: "").count("1") == 102_000


def calls(text: str) -> int:
    """Return how many functions are called to read a text."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        scan(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        f"echo {VALUE}\n", VALUE, f'"$({VALUE}', "$((", "((",
        f"`{VALUE}", f"cat <<E\n{VALUE}\nE\n", f"case {VALUE} in ",
        f"${{x:-{VALUE}", "'", "{", "\\", f"cat <<E\n{VALUE}", "[[ ", "f() ", "@(", "a=(", "<(",
    ],
)  # fmt: skip
def test_the_cost_of_reading_grows_with_the_text(unit: str) -> None:
    assert calls(unit * 2000) <= 4.5 * calls(unit * 500) + 100


@given(st.text(st.sampled_from("'\"\\`$(){}[]<>|&;#!*?~ \n\t=-EOF\0acsein%:/"), max_size=80))
@settings(max_examples=300)
def test_whatever_is_written_every_value_has_a_place(text: str) -> None:
    assert len(scan(text).places) == text.count(VALUE)
