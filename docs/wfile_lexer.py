"""Colours of a Wfile in this documentation.

Owns a lexer for Pygments.  Knows nothing of the grammar beyond its words: `grammar/wfile.lark` is what counts.
"""

from typing import ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, Punctuation, Text, Whitespace

_STATEMENTS = ("rule", "target", "let", "param", "wildcard", "defaults", "include", "prefer", "over", "on")
_WORDS = ("for", "each", "in", "if", "else", "and", "or", "not")
_MODIFIERS = ("order", "maybe", "temp", "protect", "touch")


class WfileLexer(RegexLexer):
    """Statements, attributes, strings, quantities, and shell text left as it is."""

    name = "Wfile"
    aliases: ClassVar = ["wfile"]
    filenames: ClassVar = ["Wfile", "*.wfile"]
    tokens: ClassVar = {
        "root": [
            (r"#.*", Comment.Single),
            (
                r"^( +)(run|post|setup)\b([^:\n]*)(:)([ \t]*\n)((?:\1[ ]+.*(?:\n|\Z)|[ \t]*\n)*)",
                bygroups(Whitespace, Name.Attribute, Text, Punctuation, Whitespace, Literal.String.Heredoc),
            ),
            (
                r"^( +)(run|post|setup)\b([^:\n]*)(:)(.*)",
                bygroups(Whitespace, Name.Attribute, Text, Punctuation, Literal.String.Heredoc),
            ),
            (r"^( +)([a-z_]+)(:)", bygroups(Whitespace, Name.Attribute, Punctuation)),
            (words(_STATEMENTS, prefix="^ *", suffix=r"\b"), Keyword.Declaration),
            (words(("over", "on"), suffix=r"\b"), Keyword.Declaration),
            (words(_WORDS, suffix=r"\b"), Keyword),
            (words(_MODIFIERS, suffix=r"\b"), Keyword.Pseudo),
            (words(("true", "false"), suffix=r"\b"), Keyword.Constant),
            (r'"(\\.|[^"\\\n])*"', Literal.String.Double),
            (r"'[^'\n]*'", Literal.String.Single),
            (r"[0-9]+(\.[0-9]+)?([A-Za-z]+[0-9A-Za-z]*)?", Number),
            (r"[A-Za-z_][A-Za-z_0-9]*(?=\()", Name.Function),
            (r"[A-Za-z_][A-Za-z_0-9]*", Name),
            (r"\.\.|//|[=!<>]=|[-+*/%<>=]", Operator),
            (r"[][(),.:]", Punctuation),
            (r"\s+", Whitespace),
            (r".", Text),
        ],
    }
