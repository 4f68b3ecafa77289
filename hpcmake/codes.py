"""The catalogue of diagnostics: every stable code and its title.

Owns the numbers, so that none is used twice and each is explained in the documentation.  Knows nothing of when they occur.
"""

CODES = {
    "E100": "the file is not UTF-8, or holds a NUL",
    "E101": "a tab in the indentation",
    "E102": "uneven indentation",
    "E103": "an unclosed string",
    "E104": "an unclosed bracket",
    "E105": "a bracket that closes nothing, or another one",
    "E106": "brackets nested over 200 deep, or too many operators in a row",
    "E107": "an unknown escape in a string",
    "E108": "an unclosed brace in a string, or one that closes nothing",
    "E109": "a brace group in a pattern that is not a name in braces",
    "E110": "a sign or letter that means nothing here",
    "E111": "not a number",
    "E112": "an unknown unit",
    "E113": "a word or sign that may not stand here, or one that is missing",
    "E114": "an unknown statement, or one that stands in the wrong place",
    "E115": "a missing colon",
    "E116": "a block or attribute with nothing in it",
    "E117": "unexpected indentation",
    "E118": "not a name",
    "E119": "shell text that is indented less than its first line",
    "E120": "an interpreter for `post` or `setup`",
    "E121": "a missing comma",
    "E122": "`=` in an expression",
    "E123": "a comprehension with its parts in the wrong order",
    "E700": "no room is left on the disk",
    "E701": "the mode of a file or folder forbids it",
    "E702": "the file system is read-only",
    "E703": "the file system refused",
    "E720": "another hpcmake drives this campaign",
    "E721": "another hpcmake has taken this campaign over",
    "W710": "a damaged record is skipped",
    "W711": "a half-written record is dropped",
}
"""Title of each code, sorted by code; `docs/errors.md` explains each with an example."""
