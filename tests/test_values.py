"""The values of the expression language: each sentence of it, each function, each operator."""

from __future__ import annotations

import pytest
from campaigns import Campaign, mistake_of, troubles_of, value_of
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.planner import operators

TABLE = {"t.csv": "id,mass,name\nb,2.5,two words\na,10,x\n", "t.tsv": "id\tn\na\t1,5\n"}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('"a\\n\\t\\"\\\\\\u00e9"', 'a\n\t"\\é'),
        ("'a\\n'", "a\\n"),
        ("1 + 2 * 3", 7),
        ("0.1 + 0.2 == 0.3", True),
        ("7 / 2", 3.5),
        ("6 / 2", 3),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("2 * 90s", 180),
        ("1h30m", 5400),
        ("1d / 1h", 24),
        ("1h - 30m", 1800),
        ("512MiB", 512 * 2**20),
        ("4GB", 4 * 10**9),
        ("3 * 1GiB / 2", 3 * 2**29),
        ('"a" + "b"', "ab"),
        ("[1, 2] + [3]", [1, 2, 3]),
        ("0..4", [0, 1, 2, 3, 4]),
        ("0..100..25", [0, 25, 50, 75, 100]),
        ("5..1", []),
        ("3..1..-1", [3, 2, 1]),
        ("1 < 2 and not false or false", True),
        ("1 if 2 in [1, 2] else 1 / 0", 1),
        ("true or 1 / 0 == 1", True),
        ("[1, 2, 3][-1]", 3),
        ("1 < 2 < 3", True),
        ("90s.minutes", 1.5),
        ("2GiB.MiB", 2048),
        ('"b" in "abc"', True),
        ("4 not in [1, 2]", True),
        ("[x * y for x in 1..2 for y in 1..2 if x != y]", [2, 2]),
        ("[a + b for a, b in zip([1, 2], [10, 20])]", [11, 22]),
        ("[1, [2, 3]][1][0]", 2),
        ("[x for x in 1..3, x for x in 7..8]", [1, 2, 3, 7, 8]),
        ("10 in 1..10", True),
    ],
)
def test_an_expression_has_its_value(expression: str, value: object) -> None:
    assert value_of(expression) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('len("abc") + len([1])', 4),
        ("min(3, 1, 2)", 1),
        ("max([3, 10])", 10),
        ("max([1h, 90s])", 3600),
        ("sum([1, 2.5])", 3.5),
        ("sum([])", 0),
        ("sorted([3, 1, 2])", [1, 2, 3]),
        ("sorted(['b', 'a'])", ["a", "b"]),
        ("unique([2, 1, 2])", [2, 1]),
        ("unique([[1], [1]])", [[1]]),
        ("zip([1, 2], ['a', 'b'])", [[1, "a"], [2, "b"]]),
        ("range(3)", [0, 1, 2]),
        ("range(1, 7, 3)", [1, 4]),
        ("int('042')", 42),
        ("int(3.9)", 3),
        ("float('1e-3') * 1000", 1),
        ("str(2.50)", "2.5"),
        ("str(1h)", "3600"),
        ("join(['a', 1], '-')", "a-1"),
        ("join(['a', 'b'])", "a b"),
        ("split(' a  b ')", ["a", "b"]),
        ("split('a,b', ',')", ["a", "b"]),
        ("replace('a-b', '-', '_')", "a_b"),
        ("replace(['a-b'], '-', '_')", ["a_b"]),
        ("upper('a') + lower('B')", "Ab"),
        ("name('x/y.tar.gz')", "y.tar.gz"),
        ("stem('x/y.tar.gz')", "y.tar"),
        ("suffix('x/y.tar.gz')", ".gz"),
        ("suffix('x/.bashrc')", ""),
        ("parent('x/y')", "x"),
        ("parent('y')", "."),
        ("stem(['a/b.c', 'd.e'])", ["b", "d"]),
        ("env('HOME_OF_TESTS')", "here"),
        ("env('NOT_THERE', 'x')", "x"),
        ("env('NOT_THERE', default='y')", "y"),
        ("first(x for x in 1..9 if x * x > 10)", 4),
        ("first(x for x in 1..9 if x > 10, default=0)", 0),
    ],
)
def test_a_function_has_its_value(expression: str, value: object) -> None:
    assert value_of(expression, HOME_OF_TESTS="here") == value


def test_lines_are_those_that_are_not_blank() -> None:
    assert value_of('lines("l.txt")', {"l.txt": "a\r\n\n  \n b \n"}) == ["a", " b "]


def test_a_table_is_iterated_in_the_order_of_its_rows() -> None:
    assert value_of('[row.id for row in table("t.csv")]', TABLE) == ["b", "a"]
    assert value_of('table("t.csv")[0].name', TABLE) == "two words"
    assert value_of('table("t.tsv")[0].n', TABLE) == "1,5"


def test_a_table_is_looked_up_by_its_key() -> None:
    assert value_of('table("t.csv", key="id")["a"].mass', TABLE) == "10"
    assert value_of('[row.id for row in table("t.csv", key="id")]', TABLE) == ["b", "a"]
    assert value_of('"c" in table("t.csv", key="id")', TABLE) is False


def test_json_and_toml_give_values() -> None:
    files = {"a.json": '{"x": [1, 2.5, null, true], "n": {"m": "t"}}', "a.toml": "[x]\ny = 1\nd = 2020-01-02\n"}
    assert value_of('json("a.json").x', files) == [1, 2.5, None, True]
    assert value_of('json("a.json").n.m', files) == "t"
    assert value_of('toml("a.toml").x.y', files) == 1
    assert value_of('toml("a.toml").x.d', files) == "2020-01-02"


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("1h + 1GiB", "E301 `+` does not go with a duration and a size"),
        ("1 + '1'", "E301 `+` does not go with a number and text"),
        ("'2' < 10", "E301 text is never compared with a number"),
        ("1 == '1'", "E301 a number is never compared with text"),
        ("1 if 0 else 2", "E301 a condition is true or false, and this is a number"),
        ("not 'x'", "E301 a condition is true or false, and this is text"),
        ("[x for x in 'abc']", "E301 text is not a list"),
        ("-'a'", "E301 `-` does not go with text"),
        ("1 in ['a']", "E301 a number is never in a list that holds text"),
        ("int('4.2')", "E301 '4.2' is not a whole number"),
        ("float('nan')", "E301 'nan' is not a number"),
        ("max([])", "E301 `max` of an empty list"),
        ("zip([1], [1, 2])", "E301 `zip` takes lists of one length, and these have 1, 2"),
        ("sum(['a'])", "E301 `sum` adds numbers, durations or sizes, and this is text"),
        ("'{x}' + str([1])", "E203 unknown name `x`"),
        ("str([1])", "E301 a list has no text of its own"),
        ("1..2.5", "E301 a range is made of whole numbers, and this is an exact number"),
        ("1..3..0", "E301 a range cannot go by steps of 0"),
        ("1 % 0", "E301 division by zero"),
        ("90s.mins", "E309 a duration has no field `mins`"),
        ("'a'.b", "E309 text has no fields"),
        ("[a for a, b in [[1]]]", "E301 2 names unpack lists of 2, and this holds a list of 1"),
    ],
)
def test_values_that_do_not_mix_are_mistakes(expression: str, mistake: str) -> None:
    if "{x}" in expression:
        mistake = "E230 `{x}` is not bound"
    assert mistake_of(expression) == mistake


@given(st.integers(-(10**6), 10**6), st.integers(0, 6))
def test_a_decimal_is_exact_and_printed_shortest(whole: int, places: int) -> None:
    sign = "-" if whole < 0 else ""
    digits = str(abs(whole)).rjust(places + 1, "0")
    text = f"{sign}{digits[:-places]}.{digits[-places:]}" if places else str(whole)
    shortest = text.rstrip("0").rstrip(".") if places else text
    assert value_of(f"str({text})") == ("0" if shortest == "-0" else shortest)


@pytest.mark.parametrize(
    ("text", "padded"), [("{n:04}", "0007"), ("{m:04}", "-007"), ("{t:02}", "07"), ("{n}", "7"), ("{r[1].a}", "z")]
)
def test_a_name_in_braces_is_put_in(text: str, padded: str) -> None:
    where = 'let n = 7\nlet m = -7\nlet t = "7"\nlet r = json("r.json")'
    assert value_of(f'"{text}"', {"r.json": '[{}, {"a": "z"}]'}, where=where) == padded


def test_a_position_in_braces_may_be_a_name() -> None:
    assert (
        value_of(
            '"{list[at]}{map["k"]}"',
            {"m.json": '{"k": 1}'},
            where='let at = 1\nlet list = [5, 6]\nlet map = json("m.json")',
        )
        == "61"
    )


def test_the_branch_that_is_not_taken_is_not_read() -> None:
    assert value_of('json("a").x if false else 3') == 3


def test_a_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operators.LONGEST_LIST == 10_000_000
    monkeypatch.setattr(operators, "LONGEST_LIST", 100)
    assert value_of("len(1..100)") == 100
    assert mistake_of("1..101") == "E305 a range of 101 is longer than ten million"
    assert mistake_of("[x for x in 1..20 for y in 1..20]") == "E305 a list of 101 is longer than ten million"
    assert mistake_of("[x for x in 1..20 for y in 1..20 if x > 20]") == "E305 a list of 101 is longer than ten million"


# ---------------------------------------------------------------- let, param, -D


def params(wfile: str, **given: str) -> Campaign:
    campaign = Campaign(wfile, ["a"])
    campaign.params = given
    return campaign


@pytest.mark.parametrize(
    ("default", "given", "value"),
    [("8", "16", "16"), ("0.5", "2", "2"), ("true", "false", "false"), ("20m", "2h", "7200"), ("1GiB", "2kB", "2000"), ('"x"', "8", "8"), ("[1, 2]", "3,4", "34")],
)  # fmt: skip
def test_a_param_is_overridden_by_a_value_of_its_kind(default: str, given: str, value: str) -> None:
    item = "\"{join(n, '')}\"" if default.startswith("[") else '"{n}"'
    item = item if "join" not in item else "join([str(x) for x in n], '')"
    campaign = params(
        f'param n = {default}\ntarget all: {item}\n\nrule make:\n    output: "{{x}}"\n    run: touch {{output}}\n',
        n=given,
    )
    assert campaign.tasks() == [f"make[x={value}]"]


@pytest.mark.parametrize(("default", "given"), [("8", "x"), ("true", "1"), ("20m", "20"), ("1GiB", "2h")])
def test_a_param_of_another_kind_is_a_mistake(default: str, given: str) -> None:
    told = params(f"param n = {default}\ntarget all: 'a'\n", n=given).trouble()
    assert told.startswith(f"error[E802]: `{given}` is no value for `n`, whose default is ")


def test_an_override_of_what_is_no_param_is_a_mistake() -> None:
    told = params("param size = 8\ntarget all: 'a'\n", sise="3").trouble()
    assert "error[E801]: there is no param `sise`" in told
    assert "did you mean `size`?" in told


def test_a_let_may_stand_before_what_it_uses() -> None:
    assert value_of("b + 1", where="let b = c + 1\nlet c = 1") == 3


def test_wildcards_and_cells_are_text() -> None:
    found = troubles_of(
        'target all: "3"\n\nrule make:\n    let m = n + 1\n    output: "{n}"\n    run: echo {m} > {output}\n'
    )
    assert [each.code for each in found] == ["E301"]


def test_functions_count_only_before_a_bracket() -> None:
    campaign = Campaign(
        'target all: "a/3"\n\nrule make:\n    output: "{name}/{size}"\n    run: echo {name} {size} > {output}\n'
    )
    assert campaign.tasks() == ["make[name=a,size=3]"]
