"""The tables that lark made of grammar/wfile.lark: written by `python -m hpcmake.parser.grammar`, not by hand.

Owns the digest of that grammar, and the tables as parser/tables.py runs them.  Knows nothing of how they are made.
"""

# fmt: off

GRAMMAR = "fa3898fcad0048d9c22b6146d37e4df8367c946d"
ROWS: list[dict[str, int]] = [
    {"$END": -123, "_DEFAULTS": 4, "_INCLUDE": 5, "_LET": 6, "_PARAM": 7, "_PREFER": 8, "_RULE": 9, "_TARGET": 10,
    "_WILDCARD": 11}, {"_DEFAULTS": 4, "_INCLUDE": 5, "_LET": 6, "_PARAM": 7, "_PREFER": 8, "_RULE": 9, "_TARGET": 10,
    "_WILDCARD": 11}, {"NAME": 24, "SHELL": 25, "_LET": 6, "_WILDCARD": 11}, {"DURATION": 30, "FALSE": 31, "MINUS": 32,
    "MODIFIER": 33, "NAME": 34, "NOT": 35, "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41,
    "_LPAR": 42, "_LSQB": 43}, {"_COLON": 61, "_ON": 62}, {"STRING": 63}, {"NAME": 64}, {"NAME": 65}, {"NAME": 66},
    {"NAME": 67}, {"NAME": 68}, {"NAME": 69}, {"$END": -124, "_DEFAULTS": 4, "_INCLUDE": 5, "_LET": 6, "_PARAM": 7,
    "_PREFER": 8, "_RULE": 9, "_TARGET": 10, "_WILDCARD": 11}, {"$END": -109, "_DEFAULTS": -109, "_INCLUDE": -109,
    "_LET": -109, "_PARAM": -109, "_PREFER": -109, "_RULE": -109, "_TARGET": -109, "_WILDCARD": -109}, {"$END": -110,
    "_DEFAULTS": -110, "_INCLUDE": -110, "_LET": -110, "_PARAM": -110, "_PREFER": -110, "_RULE": -110, "_TARGET": -110,
    "_WILDCARD": -110}, {"$END": -111, "_DEFAULTS": -111, "_INCLUDE": -111, "_LET": -111, "_PARAM": -111, "_PREFER":
    -111, "_RULE": -111, "_TARGET": -111, "_WILDCARD": -111}, {"$END": -112, "_DEFAULTS": -112, "_INCLUDE": -112,
    "_LET": -112, "_PARAM": -112, "_PREFER": -112, "_RULE": -112, "_TARGET": -112, "_WILDCARD": -112}, {"$END": -113,
    "_DEFAULTS": -113, "_INCLUDE": -113, "_LET": -113, "_PARAM": -113, "_PREFER": -113, "_RULE": -113, "_TARGET": -113,
    "_WILDCARD": -113}, {"$END": -114, "_DEFAULTS": -114, "_INCLUDE": -114, "_LET": -114, "_PARAM": -114, "_PREFER":
    -114, "_RULE": -114, "_TARGET": -114, "_WILDCARD": -114}, {"$END": -24, "_DEFAULTS": -24, "_INCLUDE": -24, "_LET":
    -24, "_PARAM": -24, "_PREFER": -24, "_RULE": -24, "_TARGET": -24, "_WILDCARD": -24}, {"$END": -115, "_DEFAULTS":
    -115, "_INCLUDE": -115, "_LET": -115, "_PARAM": -115, "_PREFER": -115, "_RULE": -115, "_TARGET": -115, "_WILDCARD":
    -115}, {}, {"$END": -116, "_DEFAULTS": -116, "_INCLUDE": -116, "_LET": -116, "_PARAM": -116, "_PREFER": -116,
    "_RULE": -116, "_TARGET": -116, "_WILDCARD": -116}, {"_COLON": 71}, {"WORD": 72, "_COLON": 73}, {"$END": -88,
    "NAME": -88, "SHELL": -88, "_DEDENT": -88, "_LET": -88, "_WILDCARD": -88}, {"$END": -89, "NAME": -89, "SHELL": -89,
    "_DEDENT": -89, "_LET": -89, "_WILDCARD": -89}, {"$END": -90, "NAME": -90, "SHELL": -90, "_DEDENT": -90, "_LET":
    -90, "_WILDCARD": -90}, {"AND": -39, "EQ": -39, "FLOOR": -39, "GE": -39, "GT": -39, "IN": -39, "LE": -39, "LT": -39,
    "MINUS": -39, "NE": -39, "NOT": -39, "OR": -39, "PERCENT": -39, "PLUS": -39, "SLASH": -39, "STAR": -39, "_COMMA":
    -39, "_DOT": -39, "_DOTS": -39, "_ELSE": -39, "_FOR": -39, "_IF": -39, "_LSQB": -39, "_NEWLINE": -39, "_RPAR": -39,
    "_RSQB": -39}, {"AND": -40, "EQ": -40, "FLOOR": -40, "GE": -40, "GT": -40, "IN": -40, "LE": -40, "LT": -40, "MINUS":
    -40, "NE": -40, "NOT": -40, "OR": -40, "PERCENT": -40, "PLUS": -40, "SLASH": -40, "STAR": -40, "_COMMA": -40,
    "_DOT": -40, "_DOTS": -40, "_ELSE": -40, "_FOR": -40, "_IF": -40, "_LSQB": -40, "_NEWLINE": -40, "_RPAR": -40,
    "_RSQB": -40}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "NAME": 75, "NUMBER": 36, "PLUS": 37, "SIZE": 38,
    "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB": 43}, {"DURATION": -17, "FALSE": -17, "MINUS": -17,
    "MODIFIER": -17, "NAME": -17, "NOT": -17, "NUMBER": -17, "PLUS": -17, "SIZE": -17, "STRING": -17, "TRUE": -17,
    "_EACH": -17, "_LPAR": -17, "_LSQB": -17}, {"AND": -41, "EQ": -41, "FLOOR": -41, "GE": -41, "GT": -41, "IN": -41,
    "LE": -41, "LT": -41, "MINUS": -41, "NE": -41, "NOT": -41, "OR": -41, "PERCENT": -41, "PLUS": -41, "SLASH": -41,
    "STAR": -41, "_COMMA": -41, "_DOT": -41, "_DOTS": -41, "_EQUAL": 77, "_FOR": -41, "_IF": -41, "_LPAR": 78, "_LSQB":
    -41, "_NEWLINE": -41}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "NAME": 75, "NOT": 35, "NUMBER": 36, "PLUS": 37,
    "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB": 43}, {"AND": -42, "EQ": -42, "FLOOR": -42,
    "GE": -42, "GT": -42, "IN": -42, "LE": -42, "LT": -42, "MINUS": -42, "NE": -42, "NOT": -42, "OR": -42, "PERCENT":
    -42, "PLUS": -42, "SLASH": -42, "STAR": -42, "_COMMA": -42, "_DOT": -42, "_DOTS": -42, "_ELSE": -42, "_FOR": -42,
    "_IF": -42, "_LSQB": -42, "_NEWLINE": -42, "_RPAR": -42, "_RSQB": -42}, {"AND": -43, "EQ": -43, "FLOOR": -43, "GE":
    -43, "GT": -43, "IN": -43, "LE": -43, "LT": -43, "MINUS": -43, "NE": -43, "NOT": -43, "OR": -43, "PERCENT": -43,
    "PLUS": -43, "SLASH": -43, "STAR": -43, "_COMMA": -43, "_DOT": -43, "_DOTS": -43, "_ELSE": -43, "_FOR": -43, "_IF":
    -43, "_LSQB": -43, "_NEWLINE": -43, "_RPAR": -43, "_RSQB": -43}, {"AND": -44, "EQ": -44, "FLOOR": -44, "GE": -44,
    "GT": -44, "IN": -44, "LE": -44, "LT": -44, "MINUS": -44, "NE": -44, "NOT": -44, "OR": -44, "PERCENT": -44, "PLUS":
    -44, "SLASH": -44, "STAR": -44, "_COMMA": -44, "_DOT": -44, "_DOTS": -44, "_ELSE": -44, "_FOR": -44, "_IF": -44,
    "_LSQB": -44, "_NEWLINE": -44, "_RPAR": -44, "_RSQB": -44}, {"AND": -45, "EQ": -45, "FLOOR": -45, "GE": -45, "GT":
    -45, "IN": -45, "LE": -45, "LT": -45, "MINUS": -45, "NE": -45, "NOT": -45, "OR": -45, "PERCENT": -45, "PLUS": -45,
    "SLASH": -45, "STAR": -45, "_COMMA": -45, "_DOT": -45, "_DOTS": -45, "_ELSE": -45, "_FOR": -45, "_IF": -45, "_LSQB":
    -45, "_NEWLINE": -45, "_RPAR": -45, "_RSQB": -45}, {"STRING": 81}, {"DURATION": 30, "FALSE": 31, "MINUS": 32,
    "NAME": 75, "NOT": 35, "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42,
    "_LSQB": 43, "_RSQB": 83}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "MODIFIER": 86, "NAME": 75, "NOT": 35,
    "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB": 43}, {"$END":
    -86}, {"AND": -96, "EQ": -96, "FLOOR": -96, "GE": -96, "GT": -96, "IN": -96, "LE": -96, "LT": -96, "MINUS": -96,
    "NE": -96, "NOT": -96, "OR": -96, "PERCENT": -96, "PLUS": -96, "SLASH": -96, "STAR": -96, "_COMMA": -96, "_DOT":
    -96, "_DOTS": -96, "_ELSE": -96, "_FOR": -96, "_IF": -96, "_LSQB": -96, "_NEWLINE": -96, "_RPAR": -96, "_RSQB":
    -96}, {"AND": -92, "OR": -92, "_COMMA": -92, "_ELSE": -92, "_FOR": -92, "_IF": -92, "_NEWLINE": -92, "_RPAR": -92,
    "_RSQB": -92}, {"_COMMA": -121, "_NEWLINE": -121, "_RPAR": -121, "_RSQB": -121}, {"AND": 88, "OR": -72, "_COMMA":
    -72, "_ELSE": -72, "_FOR": -72, "_IF": -72, "_NEWLINE": -72, "_RPAR": -72, "_RSQB": -72}, {"OR": 89, "_COMMA": -75,
    "_FOR": -75, "_IF": 90, "_NEWLINE": -75, "_RPAR": -75, "_RSQB": -75}, {"_COMMA": -122, "_FOR": 91, "_NEWLINE": -122,
    "_RPAR": -122, "_RSQB": -122}, {"AND": -100, "EQ": -100, "FLOOR": -100, "GE": -100, "GT": -100, "IN": -100, "LE":
    -100, "LT": -100, "MINUS": -100, "NE": -100, "NOT": -100, "OR": -100, "PERCENT": -100, "PLUS": -100, "SLASH": -100,
    "STAR": -100, "_COMMA": -100, "_DOTS": -100, "_ELSE": -100, "_FOR": -100, "_IF": -100, "_NEWLINE": -100, "_RPAR":
    -100, "_RSQB": -100}, {"_COMMA": 94, "_NEWLINE": 95}, {"AND": -69, "OR": -69, "_COMMA": -69, "_ELSE": -69, "_FOR":
    -69, "_IF": -69, "_NEWLINE": -69, "_RPAR": -69, "_RSQB": -69}, {"AND": -78, "EQ": -78, "FLOOR": -78, "GE": -78,
    "GT": -78, "IN": -78, "LE": -78, "LT": -78, "MINUS": -78, "NE": -78, "NOT": -78, "OR": -78, "PERCENT": -78, "PLUS":
    -78, "SLASH": -78, "STAR": -78, "_COMMA": -78, "_DOT": 97, "_DOTS": -78, "_ELSE": -78, "_FOR": -78, "_IF": -78,
    "_LSQB": 98, "_NEWLINE": -78, "_RPAR": -78, "_RSQB": -78}, {"AND": -117, "EQ": -117, "FLOOR": 99, "GE": -117, "GT":
    -117, "IN": -117, "LE": -117, "LT": -117, "MINUS": -117, "NE": -117, "NOT": -117, "OR": -117, "PERCENT": 100,
    "PLUS": -117, "SLASH": 101, "STAR": 102, "_COMMA": -117, "_DOTS": -117, "_ELSE": -117, "_FOR": -117, "_IF": -117,
    "_NEWLINE": -117, "_RPAR": -117, "_RSQB": -117}, {"AND": -65, "EQ": 103, "GE": 104, "GT": 105, "IN": 106, "LE": 107,
    "LT": 108, "NE": 109, "NOT": 110, "OR": -65, "_COMMA": -65, "_ELSE": -65, "_FOR": -65, "_IF": -65, "_NEWLINE": -65,
    "_RPAR": -65, "_RSQB": -65}, {"AND": -107, "EQ": -107, "GE": -107, "GT": -107, "IN": -107, "LE": -107, "LT": -107,
    "MINUS": 113, "NE": -107, "NOT": -107, "OR": -107, "PLUS": 114, "_COMMA": -107, "_DOTS": 115, "_ELSE": -107, "_FOR":
    -107, "_IF": -107, "_NEWLINE": -107, "_RPAR": -107, "_RSQB": -107}, {"_COMMA": -83, "_NEWLINE": -83}, {"_NEWLINE":
    116}, {"NAME": 117}, {"_NEWLINE": 118}, {"_EQUAL": 119}, {"_EQUAL": 120}, {"_OVER": 121}, {"_COLON": 122},
    {"_COLON": 123}, {"_COLON": 124}, {"$END": -23, "_DEFAULTS": -23, "_INCLUDE": -23, "_LET": -23, "_PARAM": -23,
    "_PREFER": -23, "_RULE": -23, "_TARGET": -23, "_WILDCARD": -23}, {"DURATION": 30, "FALSE": 31, "MINUS": 32,
    "MODIFIER": 33, "NAME": 34, "NOT": 35, "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41,
    "_LPAR": 42, "_LSQB": 43, "_NEWLINE": 125}, {"WORD": -7, "_COLON": -7}, {"BLOCK": 128}, {"WORD": 129, "_COLON":
    130}, {"AND": -41, "EQ": -41, "FLOOR": -41, "GE": -41, "GT": -41, "IN": -41, "LE": -41, "LT": -41, "MINUS": -41,
    "NE": -41, "NOT": -41, "OR": -41, "PERCENT": -41, "PLUS": -41, "SLASH": -41, "STAR": -41, "_COMMA": -41, "_DOT":
    -41, "_DOTS": -41, "_ELSE": -41, "_FOR": -41, "_IF": -41, "_LPAR": 78, "_LSQB": -41, "_NEWLINE": -41, "_RPAR": -41,
    "_RSQB": -41}, {"AND": -76, "EQ": -76, "FLOOR": -76, "GE": -76, "GT": -76, "IN": -76, "LE": -76, "LT": -76, "MINUS":
    -76, "NE": -76, "NOT": -76, "OR": -76, "PERCENT": -76, "PLUS": -76, "SLASH": -76, "STAR": -76, "_COMMA": -76,
    "_DOTS": -76, "_ELSE": -76, "_FOR": -76, "_IF": -76, "_NEWLINE": -76, "_RPAR": -76, "_RSQB": -76}, {"DURATION": 30,
    "FALSE": 31, "MINUS": 32, "MODIFIER": 33, "NAME": 75, "NOT": 35, "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39,
    "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB": 43}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "NAME": 133, "NOT":
    35, "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB": 43, "_RPAR":
    134}, {"AND": -91, "OR": -91, "_COMMA": -91, "_ELSE": -91, "_FOR": -91, "_IF": -91, "_NEWLINE": -91, "_RPAR": -91,
    "_RSQB": -91}, {"AND": -77, "EQ": -77, "FLOOR": -77, "GE": -77, "GT": -77, "IN": -77, "LE": -77, "LT": -77, "MINUS":
    -77, "NE": -77, "NOT": -77, "OR": -77, "PERCENT": -77, "PLUS": -77, "SLASH": -77, "STAR": -77, "_COMMA": -77,
    "_DOTS": -77, "_ELSE": -77, "_FOR": -77, "_IF": -77, "_NEWLINE": -77, "_RPAR": -77, "_RSQB": -77}, {"AND": -46,
    "EQ": -46, "FLOOR": -46, "GE": -46, "GT": -46, "IN": -46, "LE": -46, "LT": -46, "MINUS": -46, "NE": -46, "NOT": -46,
    "OR": -46, "PERCENT": -46, "PLUS": -46, "SLASH": -46, "STAR": -46, "_COMMA": -46, "_DOT": -46, "_DOTS": -46,
    "_ELSE": -46, "_FOR": -46, "_IF": -46, "_LSQB": -46, "_NEWLINE": -46, "_RPAR": -46, "_RSQB": -46}, {"_RPAR": 138},
    {"AND": -48, "EQ": -48, "FLOOR": -48, "GE": -48, "GT": -48, "IN": -48, "LE": -48, "LT": -48, "MINUS": -48, "NE":
    -48, "NOT": -48, "OR": -48, "PERCENT": -48, "PLUS": -48, "SLASH": -48, "STAR": -48, "_COMMA": -48, "_DOT": -48,
    "_DOTS": -48, "_ELSE": -48, "_FOR": -48, "_IF": -48, "_LSQB": -48, "_NEWLINE": -48, "_RPAR": -48, "_RSQB": -48},
    {"_RSQB": 139}, {"_COMMA": 140, "_RSQB": -32}, {"DURATION": -18, "FALSE": -18, "MINUS": -18, "MODIFIER": -18,
    "NAME": -18, "NOT": -18, "NUMBER": -18, "PLUS": -18, "SIZE": -18, "STRING": -18, "TRUE": -18, "_EACH": -18, "_LPAR":
    -18, "_LSQB": -18}, {"_COMMA": -82, "_NEWLINE": -82}, {"NAME": 145, "_EACH": 146}, {"_COMMA": -67, "_FOR": 91,
    "_IF": 147, "_NEWLINE": -67, "_RPAR": -67, "_RSQB": -67}, {"_COMMA": -14, "_FOR": -14, "_IF": -14, "_NEWLINE": -14,
    "_RPAR": -14, "_RSQB": -14}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "MODIFIER": 33, "NAME": 34, "NOT": 35,
    "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB": 43, "_NEWLINE":
    149}, {"$END": -34, "DURATION": -34, "FALSE": -34, "MINUS": -34, "MODIFIER": -34, "NAME": -34, "NOT": -34, "NUMBER":
    -34, "PLUS": -34, "SHELL": -34, "SIZE": -34, "STRING": -34, "TRUE": -34, "_DEDENT": -34, "_DEFAULTS": -34, "_EACH":
    -34, "_INCLUDE": -34, "_LET": -34, "_LPAR": -34, "_LSQB": -34, "_PARAM": -34, "_PREFER": -34, "_RULE": -34,
    "_TARGET": -34, "_WILDCARD": -34}, {"_COMMA": 151, "_NEWLINE": 152}, {"NAME": 153}, {"DURATION": -56, "FALSE": -56,
    "MINUS": -56, "NAME": -56, "NUMBER": -56, "PLUS": -56, "SIZE": -56, "STRING": -56, "TRUE": -56, "_EACH": -56,
    "_LPAR": -56, "_LSQB": -56}, {"DURATION": -57, "FALSE": -57, "MINUS": -57, "NAME": -57, "NUMBER": -57, "PLUS": -57,
    "SIZE": -57, "STRING": -57, "TRUE": -57, "_EACH": -57, "_LPAR": -57, "_LSQB": -57}, {"DURATION": -58, "FALSE": -58,
    "MINUS": -58, "NAME": -58, "NUMBER": -58, "PLUS": -58, "SIZE": -58, "STRING": -58, "TRUE": -58, "_EACH": -58,
    "_LPAR": -58, "_LSQB": -58}, {"DURATION": -59, "FALSE": -59, "MINUS": -59, "NAME": -59, "NUMBER": -59, "PLUS": -59,
    "SIZE": -59, "STRING": -59, "TRUE": -59, "_EACH": -59, "_LPAR": -59, "_LSQB": -59}, {"DURATION": -60, "FALSE": -60,
    "MINUS": -60, "NAME": -60, "NUMBER": -60, "PLUS": -60, "SIZE": -60, "STRING": -60, "TRUE": -60, "_EACH": -60,
    "_LPAR": -60, "_LSQB": -60}, {"DURATION": -61, "FALSE": -61, "MINUS": -61, "NAME": -61, "NUMBER": -61, "PLUS": -61,
    "SIZE": -61, "STRING": -61, "TRUE": -61, "_EACH": -61, "_LPAR": -61, "_LSQB": -61}, {"DURATION": -62, "FALSE": -62,
    "MINUS": -62, "NAME": -62, "NUMBER": -62, "PLUS": -62, "SIZE": -62, "STRING": -62, "TRUE": -62, "_EACH": -62,
    "_LPAR": -62, "_LSQB": -62}, {"IN": 159}, {"AND": -64, "EQ": 103, "GE": 104, "GT": 105, "IN": 106, "LE": 107, "LT":
    108, "NE": 109, "NOT": 110, "OR": -64, "_COMMA": -64, "_ELSE": -64, "_FOR": -64, "_IF": -64, "_NEWLINE": -64,
    "_RPAR": -64, "_RSQB": -64}, {"_INDENT": 165}, {"_COLON": 166}, {"$END": -79, "_DEFAULTS": -79, "_INCLUDE": -79,
    "_LET": -79, "_PARAM": -79, "_PREFER": -79, "_RULE": -79, "_TARGET": -79, "_WILDCARD": -79}, {"NAME": 169},
    {"_NEWLINE": 170}, {"STRING": 172}, {"_INDENT": 173}, {"$END": -85, "NAME": -85, "SHELL": -85, "_DEDENT": -85,
    "_DEFAULTS": -85, "_INCLUDE": -85, "_LET": -85, "_PARAM": -85, "_PREFER": -85, "_RULE": -85, "_TARGET": -85,
    "_WILDCARD": -85}, {"$END": -50, "NAME": -50, "SHELL": -50, "_DEDENT": -50, "_LET": -50, "_WILDCARD": -50},
    {"_NEWLINE": 174}, {"WORD": -8, "_COLON": -8}, {"BLOCK": 175}, {"_COMMA": -81, "_NEWLINE": -81}, {"AND": -41, "EQ":
    -41, "FLOOR": -41, "GE": -41, "GT": -41, "IN": -41, "LE": -41, "LT": -41, "MINUS": -41, "NE": -41, "NOT": -41, "OR":
    -41, "PERCENT": -41, "PLUS": -41, "SLASH": -41, "STAR": -41, "_COMMA": -41, "_DOT": -41, "_DOTS": -41, "_EQUAL":
    177, "_FOR": -41, "_IF": -41, "_LPAR": 78, "_LSQB": -41, "_RPAR": -41}, {"AND": -94, "EQ": -94, "FLOOR": -94, "GE":
    -94, "GT": -94, "IN": -94, "LE": -94, "LT": -94, "MINUS": -94, "NE": -94, "NOT": -94, "OR": -94, "PERCENT": -94,
    "PLUS": -94, "SLASH": -94, "STAR": -94, "_COMMA": -94, "_DOT": -94, "_DOTS": -94, "_ELSE": -94, "_FOR": -94, "_IF":
    -94, "_LSQB": -94, "_NEWLINE": -94, "_RPAR": -94, "_RSQB": -94}, {"_RPAR": 178}, {"_COMMA": 179, "_RPAR": -28},
    {"_COMMA": -38, "_RPAR": -38}, {"AND": -47, "EQ": -47, "FLOOR": -47, "GE": -47, "GT": -47, "IN": -47, "LE": -47,
    "LT": -47, "MINUS": -47, "NE": -47, "NOT": -47, "OR": -47, "PERCENT": -47, "PLUS": -47, "SLASH": -47, "STAR": -47,
    "_COMMA": -47, "_DOT": -47, "_DOTS": -47, "_ELSE": -47, "_FOR": -47, "_IF": -47, "_LSQB": -47, "_NEWLINE": -47,
    "_RPAR": -47, "_RSQB": -47}, {"AND": -49, "EQ": -49, "FLOOR": -49, "GE": -49, "GT": -49, "IN": -49, "LE": -49, "LT":
    -49, "MINUS": -49, "NE": -49, "NOT": -49, "OR": -49, "PERCENT": -49, "PLUS": -49, "SLASH": -49, "STAR": -49,
    "_COMMA": -49, "_DOT": -49, "_DOTS": -49, "_ELSE": -49, "_FOR": -49, "_IF": -49, "_LSQB": -49, "_NEWLINE": -49,
    "_RPAR": -49, "_RSQB": -49}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "NAME": 75, "NOT": 35, "NUMBER": 36, "PLUS":
    37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB": 43, "_RSQB": -29}, {"_COMMA": 182,
    "_RSQB": -31}, {"AND": -68, "OR": -68, "_COMMA": -68, "_ELSE": -68, "_FOR": -68, "_IF": -68, "_NEWLINE": -68,
    "_RPAR": -68, "_RSQB": -68}, {"AND": 88, "OR": -73, "_COMMA": -73, "_ELSE": -73, "_FOR": -73, "_IF": -73,
    "_NEWLINE": -73, "_RPAR": -73, "_RSQB": -73}, {"OR": 89, "_ELSE": 183}, {"IN": 184, "_COMMA": 185}, {"STRING": 187},
    {"_COMMA": -13, "_FOR": -13, "_IF": -13, "_NEWLINE": -13, "_RPAR": -13, "_RSQB": -13}, {"$END": -33, "DURATION":
    -33, "FALSE": -33, "MINUS": -33, "MODIFIER": -33, "NAME": -33, "NOT": -33, "NUMBER": -33, "PLUS": -33, "SHELL": -33,
    "SIZE": -33, "STRING": -33, "TRUE": -33, "_DEDENT": -33, "_DEFAULTS": -33, "_EACH": -33, "_INCLUDE": -33, "_LET":
    -33, "_LPAR": -33, "_LSQB": -33, "_PARAM": -33, "_PREFER": -33, "_RULE": -33, "_TARGET": -33, "_WILDCARD": -33},
    {"_COMMA": -5, "_NEWLINE": -5}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "MODIFIER": 33, "NAME": 34, "NOT": 35,
    "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB": 43, "_NEWLINE":
    189}, {"$END": -36, "DURATION": -36, "FALSE": -36, "MINUS": -36, "MODIFIER": -36, "NAME": -36, "NOT": -36, "NUMBER":
    -36, "PLUS": -36, "SHELL": -36, "SIZE": -36, "STRING": -36, "TRUE": -36, "_DEDENT": -36, "_DEFAULTS": -36, "_EACH":
    -36, "_INCLUDE": -36, "_LET": -36, "_LPAR": -36, "_LSQB": -36, "_PARAM": -36, "_PREFER": -36, "_RULE": -36,
    "_TARGET": -36, "_WILDCARD": -36}, {"AND": -97, "EQ": -97, "FLOOR": -97, "GE": -97, "GT": -97, "IN": -97, "LE": -97,
    "LT": -97, "MINUS": -97, "NE": -97, "NOT": -97, "OR": -97, "PERCENT": -97, "PLUS": -97, "SLASH": -97, "STAR": -97,
    "_COMMA": -97, "_DOT": -97, "_DOTS": -97, "_ELSE": -97, "_FOR": -97, "_IF": -97, "_LSQB": -97, "_NEWLINE": -97,
    "_RPAR": -97, "_RSQB": -97}, {"_RSQB": 191}, {"AND": -101, "EQ": -101, "FLOOR": -101, "GE": -101, "GT": -101, "IN":
    -101, "LE": -101, "LT": -101, "MINUS": -101, "NE": -101, "NOT": -101, "OR": -101, "PERCENT": -101, "PLUS": -101,
    "SLASH": -101, "STAR": -101, "_COMMA": -101, "_DOTS": -101, "_ELSE": -101, "_FOR": -101, "_IF": -101, "_NEWLINE":
    -101, "_RPAR": -101, "_RSQB": -101}, {"AND": -102, "EQ": -102, "FLOOR": -102, "GE": -102, "GT": -102, "IN": -102,
    "LE": -102, "LT": -102, "MINUS": -102, "NE": -102, "NOT": -102, "OR": -102, "PERCENT": -102, "PLUS": -102, "SLASH":
    -102, "STAR": -102, "_COMMA": -102, "_DOTS": -102, "_ELSE": -102, "_FOR": -102, "_IF": -102, "_NEWLINE": -102,
    "_RPAR": -102, "_RSQB": -102}, {"AND": -103, "EQ": -103, "FLOOR": -103, "GE": -103, "GT": -103, "IN": -103, "LE":
    -103, "LT": -103, "MINUS": -103, "NE": -103, "NOT": -103, "OR": -103, "PERCENT": -103, "PLUS": -103, "SLASH": -103,
    "STAR": -103, "_COMMA": -103, "_DOTS": -103, "_ELSE": -103, "_FOR": -103, "_IF": -103, "_NEWLINE": -103, "_RPAR":
    -103, "_RSQB": -103}, {"AND": -104, "EQ": -104, "FLOOR": -104, "GE": -104, "GT": -104, "IN": -104, "LE": -104, "LT":
    -104, "MINUS": -104, "NE": -104, "NOT": -104, "OR": -104, "PERCENT": -104, "PLUS": -104, "SLASH": -104, "STAR":
    -104, "_COMMA": -104, "_DOTS": -104, "_ELSE": -104, "_FOR": -104, "_IF": -104, "_NEWLINE": -104, "_RPAR": -104,
    "_RSQB": -104}, {"DURATION": -63, "FALSE": -63, "MINUS": -63, "NAME": -63, "NUMBER": -63, "PLUS": -63, "SIZE": -63,
    "STRING": -63, "TRUE": -63, "_EACH": -63, "_LPAR": -63, "_LSQB": -63}, {"AND": -12, "EQ": -12, "GE": -12, "GT": -12,
    "IN": -12, "LE": -12, "LT": -12, "NE": -12, "NOT": -12, "OR": -12, "_COMMA": -12, "_ELSE": -12, "_FOR": -12, "_IF":
    -12, "_NEWLINE": -12, "_RPAR": -12, "_RSQB": -12}, {"AND": -118, "EQ": -118, "FLOOR": 99, "GE": -118, "GT": -118,
    "IN": -118, "LE": -118, "LT": -118, "MINUS": -118, "NE": -118, "NOT": -118, "OR": -118, "PERCENT": 100, "PLUS":
    -118, "SLASH": 101, "STAR": 102, "_COMMA": -118, "_DOTS": -118, "_ELSE": -118, "_FOR": -118, "_IF": -118,
    "_NEWLINE": -118, "_RPAR": -118, "_RSQB": -118}, {"AND": -119, "EQ": -119, "FLOOR": 99, "GE": -119, "GT": -119,
    "IN": -119, "LE": -119, "LT": -119, "MINUS": -119, "NE": -119, "NOT": -119, "OR": -119, "PERCENT": 100, "PLUS":
    -119, "SLASH": 101, "STAR": 102, "_COMMA": -119, "_DOTS": -119, "_ELSE": -119, "_FOR": -119, "_IF": -119,
    "_NEWLINE": -119, "_RPAR": -119, "_RSQB": -119}, {"AND": -106, "EQ": -106, "GE": -106, "GT": -106, "IN": -106, "LE":
    -106, "LT": -106, "MINUS": 113, "NE": -106, "NOT": -106, "OR": -106, "PLUS": 114, "_COMMA": -106, "_DOTS": 193,
    "_ELSE": -106, "_FOR": -106, "_IF": -106, "_NEWLINE": -106, "_RPAR": -106, "_RSQB": -106}, {"NAME": 24, "SHELL":
    25}, {"_NEWLINE": 196}, {"_NEWLINE": 197}, {"_NEWLINE": 198}, {"_NEWLINE": 199}, {"_INDENT": 200}, {"$END": -120,
    "_DEFAULTS": -120, "_INCLUDE": -120, "_LET": -120, "_PARAM": -120, "_PREFER": -120, "_RULE": -120, "_TARGET": -120,
    "_WILDCARD": -120}, {"_NEWLINE": 201}, {"$END": -51, "NAME": -51, "SHELL": -51, "_DEDENT": -51, "_LET": -51,
    "_WILDCARD": -51}, {"_NEWLINE": 204}, {"_COMMA": -80, "_NEWLINE": -80}, {"AND": -95, "EQ": -95, "FLOOR": -95, "GE":
    -95, "GT": -95, "IN": -95, "LE": -95, "LT": -95, "MINUS": -95, "NE": -95, "NOT": -95, "OR": -95, "PERCENT": -95,
    "PLUS": -95, "SLASH": -95, "STAR": -95, "_COMMA": -95, "_DOT": -95, "_DOTS": -95, "_ELSE": -95, "_FOR": -95, "_IF":
    -95, "_LSQB": -95, "_NEWLINE": -95, "_RPAR": -95, "_RSQB": -95}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "NAME":
    133, "NOT": 35, "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB":
    43, "_RPAR": -25}, {"_COMMA": 207, "_RPAR": -27}, {"_COMMA": -3, "_RSQB": -3}, {"DURATION": 30, "FALSE": 31,
    "MINUS": 32, "NAME": 75, "NOT": 35, "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41,
    "_LPAR": 42, "_LSQB": 43, "_RSQB": -30}, {"NAME": 211}, {"IN": 212, "_COMMA": 213}, {"_COMMA": -55, "_FOR": -55,
    "_IF": -55, "_NEWLINE": -55, "_RPAR": -55, "_RSQB": -55}, {"OR": 89, "_COMMA": -66, "_NEWLINE": -66, "_RPAR": -66,
    "_RSQB": -66}, {"$END": -35, "DURATION": -35, "FALSE": -35, "MINUS": -35, "MODIFIER": -35, "NAME": -35, "NOT": -35,
    "NUMBER": -35, "PLUS": -35, "SHELL": -35, "SIZE": -35, "STRING": -35, "TRUE": -35, "_DEDENT": -35, "_DEFAULTS": -35,
    "_EACH": -35, "_INCLUDE": -35, "_LET": -35, "_LPAR": -35, "_LSQB": -35, "_PARAM": -35, "_PREFER": -35, "_RULE": -35,
    "_TARGET": -35, "_WILDCARD": -35}, {"_COMMA": -6, "_NEWLINE": -6}, {"AND": -98, "EQ": -98, "FLOOR": -98, "GE": -98,
    "GT": -98, "IN": -98, "LE": -98, "LT": -98, "MINUS": -98, "NE": -98, "NOT": -98, "OR": -98, "PERCENT": -98, "PLUS":
    -98, "SLASH": -98, "STAR": -98, "_COMMA": -98, "_DOT": -98, "_DOTS": -98, "_ELSE": -98, "_FOR": -98, "_IF": -98,
    "_LSQB": -98, "_NEWLINE": -98, "_RPAR": -98, "_RSQB": -98}, {"AND": -11, "EQ": -11, "GE": -11, "GT": -11, "IN": -11,
    "LE": -11, "LT": -11, "NE": -11, "NOT": -11, "OR": -11, "_COMMA": -11, "_ELSE": -11, "_FOR": -11, "_IF": -11,
    "_NEWLINE": -11, "_RPAR": -11, "_RSQB": -11}, {"NAME": 24, "SHELL": 25, "_DEDENT": 215}, {"NAME": -16, "SHELL": -16,
    "_DEDENT": -16}, {"_INDENT": 217}, {"$END": -87, "NAME": -87, "SHELL": -87, "_DEDENT": -87, "_DEFAULTS": -87,
    "_INCLUDE": -87, "_LET": -87, "_PARAM": -87, "_PREFER": -87, "_RULE": -87, "_TARGET": -87, "_WILDCARD": -87},
    {"$END": -93, "_DEFAULTS": -93, "_INCLUDE": -93, "_LET": -93, "_PARAM": -93, "_PREFER": -93, "_RULE": -93,
    "_TARGET": -93, "_WILDCARD": -93}, {"$END": -99, "_DEFAULTS": -99, "_INCLUDE": -99, "_LET": -99, "_PARAM": -99,
    "_PREFER": -99, "_RULE": -99, "_TARGET": -99, "_WILDCARD": -99}, {"$END": -125, "NAME": -125, "SHELL": -125,
    "_DEDENT": -125, "_DEFAULTS": -125, "_INCLUDE": -125, "_LET": -125, "_PARAM": -125, "_PREFER": -125, "_RULE": -125,
    "_TARGET": -125, "_WILDCARD": -125}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "MODIFIER": 33, "NAME": 34, "NOT":
    35, "NUMBER": 36, "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_DEDENT": 220, "_EACH": 41, "_LPAR": 42,
    "_LSQB": 43}, {"DURATION": -20, "FALSE": -20, "MINUS": -20, "MODIFIER": -20, "NAME": -20, "NOT": -20, "NUMBER": -20,
    "PLUS": -20, "SIZE": -20, "STRING": -20, "TRUE": -20, "_DEDENT": -20, "_EACH": -20, "_LPAR": -20, "_LSQB": -20},
    {"$END": -52, "NAME": -52, "SHELL": -52, "_DEDENT": -52, "_LET": -52, "_WILDCARD": -52}, {"_COMMA": -37, "_RPAR":
    -37}, {"_COMMA": -1, "_RPAR": -1}, {"DURATION": 30, "FALSE": 31, "MINUS": 32, "NAME": 133, "NOT": 35, "NUMBER": 36,
    "PLUS": 37, "SIZE": 38, "STRING": 39, "TRUE": 40, "_EACH": 41, "_LPAR": 42, "_LSQB": 43, "_RPAR": -26}, {"_COMMA":
    -4, "_RSQB": -4}, {"_COMMA": -74, "_FOR": -74, "_NEWLINE": -74, "_RPAR": -74, "_RSQB": -74}, {"OR": 89, "_COMMA":
    -53, "_FOR": -53, "_IF": -53, "_NEWLINE": -53, "_RPAR": -53, "_RSQB": -53}, {"IN": -9, "_COMMA": -9}, {"NAME": 224},
    {"AND": -105, "EQ": -105, "GE": -105, "GT": -105, "IN": -105, "LE": -105, "LT": -105, "MINUS": 113, "NE": -105,
    "NOT": -105, "OR": -105, "PLUS": 114, "_COMMA": -105, "_ELSE": -105, "_FOR": -105, "_IF": -105, "_NEWLINE": -105,
    "_RPAR": -105, "_RSQB": -105}, {"$END": -70, "_DEFAULTS": -70, "_INCLUDE": -70, "_LET": -70, "_PARAM": -70,
    "_PREFER": -70, "_RULE": -70, "_TARGET": -70, "_WILDCARD": -70}, {"NAME": -15, "SHELL": -15, "_DEDENT": -15},
    {"NAME": 24, "SHELL": 25, "_DEDENT": 226, "_LET": 6, "_WILDCARD": 11}, {"NAME": -22, "SHELL": -22, "_DEDENT": -22,
    "_LET": -22, "_WILDCARD": -22}, {"$END": -84, "NAME": -84, "SHELL": -84, "_DEDENT": -84, "_DEFAULTS": -84,
    "_INCLUDE": -84, "_LET": -84, "_PARAM": -84, "_PREFER": -84, "_RULE": -84, "_TARGET": -84, "_WILDCARD": -84},
    {"DURATION": -19, "FALSE": -19, "MINUS": -19, "MODIFIER": -19, "NAME": -19, "NOT": -19, "NUMBER": -19, "PLUS": -19,
    "SIZE": -19, "STRING": -19, "TRUE": -19, "_DEDENT": -19, "_EACH": -19, "_LPAR": -19, "_LSQB": -19}, {"_COMMA": -2,
    "_RPAR": -2}, {"OR": 89, "_COMMA": -54, "_FOR": -54, "_IF": -54, "_NEWLINE": -54, "_RPAR": -54, "_RSQB": -54},
    {"IN": -10, "_COMMA": -10}, {"NAME": 24, "SHELL": 25, "_DEDENT": 228}, {"$END": -108, "_DEFAULTS": -108, "_INCLUDE":
    -108, "_LET": -108, "_PARAM": -108, "_PREFER": -108, "_RULE": -108, "_TARGET": -108, "_WILDCARD": -108}, {"NAME":
    -21, "SHELL": -21, "_DEDENT": -21, "_LET": -21, "_WILDCARD": -21}, {"$END": -71, "_DEFAULTS": -71, "_INCLUDE": -71,
    "_LET": -71, "_PARAM": -71, "_PREFER": -71, "_RULE": -71, "_TARGET": -71, "_WILDCARD": -71}, {"__wfile_star_0": 12,
    "defaults": 13, "include": 14, "let": 15, "param": 16, "prefer": 17, "rule": 18, "statement": 19, "target": 20,
    "wfile": 21, "wildcard": 22}, {"defaults": 13, "include": 14, "let": 15, "param": 16, "prefer": 17, "rule": 18,
    "statement": 23, "target": 20, "wildcard": 22}, {"attribute": 26, "let": 27, "member": 28, "wildcard": 29},
    {"__item_star_6": 44, "_line": 45, "atom": 46, "comparison": 47, "comprehension": 48, "conjunction": 49,
    "disjunction": 50, "expression": 51, "factor": 52, "item": 53, "items_line": 54, "negation": 55, "postfix": 56,
    "product": 57, "range": 58, "sum": 59, "value": 60}, {"defaults": 13, "include": 14, "let": 15, "param": 16,
    "prefer": 17, "rule": 18, "statement": 70, "target": 20, "wildcard": 22}, {"__attribute_star_3": 74}, {"atom": 46,
    "factor": 76, "postfix": 56}, {"atom": 46, "comparison": 47, "factor": 52, "negation": 79, "postfix": 56, "product":
    57, "range": 58, "sum": 59}, {"atom": 46, "factor": 80, "postfix": 56}, {"atom": 46, "comparison": 47,
    "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "negation": 55,
    "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 82}, {"_elements": 84, "atom": 46, "comparison": 47,
    "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "negation": 55,
    "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 85}, {"atom": 46, "comparison": 47, "comprehension":
    48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "negation": 55, "postfix": 56, "product":
    57, "range": 58, "sum": 59, "value": 87}, {"__comprehension_plus_7": 92, "clause": 93}, {"___line_star_5": 96},
    {"__comparison_plus_9": 111, "comparator": 112}, {"__item_star_6": 44, "_line": 126, "atom": 46, "comparison": 47,
    "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "item": 53, "items": 127,
    "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 60}, {"__item_star_6": 131, "atom":
    46, "comparison": 47, "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52,
    "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 132}, {"_arguments": 135, "argument":
    136, "atom": 46, "comparison": 47, "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51,
    "factor": 52, "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 137},
    {"___elements_star_10": 141}, {"atom": 46, "comparison": 47, "factor": 52, "negation": 142, "postfix": 56,
    "product": 57, "range": 58, "sum": 59}, {"atom": 46, "comparison": 47, "conjunction": 143, "factor": 52, "negation":
    55, "postfix": 56, "product": 57, "range": 58, "sum": 59}, {"atom": 46, "comparison": 47, "conjunction": 49,
    "disjunction": 144, "factor": 52, "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59}, {"clause":
    148}, {"__item_star_6": 44, "atom": 46, "comparison": 47, "comprehension": 48, "conjunction": 49, "disjunction": 50,
    "expression": 51, "factor": 52, "item": 150, "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59,
    "value": 60}, {"atom": 46, "comparison": 47, "conjunction": 49, "disjunction": 50, "expression": 154, "factor": 52,
    "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59}, {"atom": 46, "factor": 155, "postfix": 56},
    {"atom": 46, "factor": 156, "postfix": 56}, {"atom": 46, "factor": 157, "postfix": 56}, {"atom": 46, "factor": 158,
    "postfix": 56}, {"comparator": 160}, {"atom": 46, "factor": 52, "postfix": 56, "product": 57, "range": 161, "sum":
    59}, {"atom": 46, "factor": 52, "postfix": 56, "product": 162}, {"atom": 46, "factor": 52, "postfix": 56, "product":
    163}, {"atom": 46, "factor": 52, "postfix": 56, "product": 57, "sum": 164}, {"atom": 46, "comparison": 47,
    "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "negation": 55,
    "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 167}, {"atom": 46, "comparison": 47, "comprehension":
    48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "negation": 55, "postfix": 56, "product":
    57, "range": 58, "sum": 59, "value": 168}, {"__item_star_6": 44, "_line": 126, "atom": 46, "comparison": 47,
    "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "item": 53, "items": 171,
    "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 60}, {"atom": 46, "comparison": 47,
    "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "negation": 55,
    "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 176}, {"___arguments_star_11": 180}, {"atom": 46,
    "comparison": 47, "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52,
    "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 181}, {"__clause_star_8": 186},
    {"atom": 46, "comparison": 47, "conjunction": 49, "disjunction": 188, "factor": 52, "negation": 55, "postfix": 56,
    "product": 57, "range": 58, "sum": 59}, {"__item_star_6": 44, "atom": 46, "comparison": 47, "comprehension": 48,
    "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "item": 190, "negation": 55, "postfix": 56,
    "product": 57, "range": 58, "sum": 59, "value": 60}, {"atom": 46, "factor": 52, "postfix": 56, "product": 57,
    "range": 192, "sum": 59}, {"__defaults_plus_2": 194, "attribute": 195}, {"__item_star_6": 44, "__items_plus_4": 202,
    "_line": 203, "atom": 46, "comparison": 47, "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression":
    51, "factor": 52, "item": 53, "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 60},
    {"atom": 46, "comparison": 47, "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51,
    "factor": 52, "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 205}, {"argument": 206,
    "atom": 46, "comparison": 47, "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor":
    52, "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 137}, {"atom": 46, "comparison":
    47, "comprehension": 48, "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "negation": 55,
    "postfix": 56, "product": 57, "range": 58, "sum": 59, "value": 208}, {"atom": 46, "comparison": 47, "conjunction":
    49, "disjunction": 50, "expression": 209, "factor": 52, "negation": 55, "postfix": 56, "product": 57, "range": 58,
    "sum": 59}, {"atom": 46, "comparison": 47, "conjunction": 49, "disjunction": 210, "factor": 52, "negation": 55,
    "postfix": 56, "product": 57, "range": 58, "sum": 59}, {"atom": 46, "factor": 52, "postfix": 56, "product": 57,
    "sum": 214}, {"attribute": 216}, {"__rule_plus_1": 218, "attribute": 26, "let": 27, "member": 219, "wildcard": 29},
    {"__item_star_6": 44, "_line": 221, "atom": 46, "comparison": 47, "comprehension": 48, "conjunction": 49,
    "disjunction": 50, "expression": 51, "factor": 52, "item": 53, "negation": 55, "postfix": 56, "product": 57,
    "range": 58, "sum": 59, "value": 60}, {"argument": 222, "atom": 46, "comparison": 47, "comprehension": 48,
    "conjunction": 49, "disjunction": 50, "expression": 51, "factor": 52, "negation": 55, "postfix": 56, "product": 57,
    "range": 58, "sum": 59, "value": 137}, {"atom": 46, "comparison": 47, "conjunction": 49, "disjunction": 223,
    "factor": 52, "negation": 55, "postfix": 56, "product": 57, "range": 58, "sum": 59}, {"__defaults_plus_2": 225,
    "attribute": 195}, {"attribute": 26, "let": 27, "member": 227, "wildcard": 29}
]
ACTIONS: list[int] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 21, 23, 24, 25, 26, 21, 27, 28,
    29, 30, 31, 32, 33, 34, 30, 35, 36, 37, 38, 33, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 21, 50, 51, 52, 53, 54,
    55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 33,
    33, 33, 83, 84, 85, 86, 87, 88, 89, 33, 30, 30, 30, 30, 90, 91, 92, 93, 94, 95, 96, 97, 98, 30, 30, 30, 30, 99, 100,
    101, 33, 33, 102, 103, 66, 104, 105, 106, 107, 108, 109, 110, 40, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120,
    121, 122, 123, 124, 125, 33, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 30, 138, 139, 140, 141,
    142, 143, 144, 145, 146, 147, 148, 149, 3, 150, 151, 152, 33, 153, 154, 155, 156, 157, 33, 33, 158, 159, 160, 161,
    162, 163, 164, 165, 30, 166, 167, 168, 169, 170, 171, 2, 172, 173, 174, 175, 176, 177, 178, 179, 180, 181, 182, 33,
    183, 184, 185, 186, 142, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197
]
GOTOS: list[int] = [
    198, 199, 200, 201, 21, 21, 21, 21, 21, 21, 21, 21, 202, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 203, 21,
    21, 21, 21, 21, 21, 204, 21, 21, 205, 21, 206, 21, 21, 21, 21, 207, 208, 209, 21, 21, 21, 21, 21, 21, 210, 21, 211,
    21, 21, 21, 21, 212, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 213, 21, 21, 21, 21, 21, 214, 215, 21, 21, 21,
    21, 21, 21, 216, 21, 21, 217, 218, 219, 21, 220, 21, 221, 21, 21, 21, 222, 223, 224, 225, 226, 21, 21, 21, 21, 21,
    21, 21, 21, 227, 228, 229, 230, 231, 21, 21, 21, 232, 233, 21, 21, 234, 21, 21, 21, 21, 21, 21, 21, 235, 21, 21, 21,
    21, 236, 21, 21, 21, 237, 21, 21, 21, 21, 238, 21, 239, 21, 21, 21, 240, 21, 21, 21, 21, 21, 21, 21, 21, 241, 21,
    21, 21, 21, 242, 21, 21, 21, 21, 21, 21, 21, 243, 21, 21, 21, 244, 21, 245, 21, 21, 246, 247, 248, 21, 21, 21, 21,
    21, 21, 21, 21, 249, 250, 21, 21, 21, 21, 21, 251, 21, 252, 21, 21, 21, 21, 253, 21, 21, 21, 21, 254, 21, 21, 21,
    21, 255, 256, 21, 21, 21, 21, 21, 21, 250, 21, 21, 21
]
REDUCTIONS: list[tuple[str, int, str, tuple[int, ...], int]] = [
    ("___arguments_star_11", 2, "", (1,), 0), ("___arguments_star_11", 3, "", (0, 2), 1), ("___elements_star_10", 2, "",
    (1,), 0), ("___elements_star_10", 3, "", (0, 2), 1), ("___line_star_5", 2, "", (1,), 0), ("___line_star_5", 3, "",
    (0, 2), 1), ("__attribute_star_3", 1, "", (0,), 0), ("__attribute_star_3", 2, "", (0, 1), 1), ("__clause_star_8", 2,
    "", (1,), 0), ("__clause_star_8", 3, "", (0, 2), 1), ("__comparison_plus_9", 3, "", (0, 1, 2), 1),
    ("__comparison_plus_9", 2, "", (0, 1), 0), ("__comprehension_plus_7", 2, "", (0, 1), 1), ("__comprehension_plus_7",
    1, "", (0,), 0), ("__defaults_plus_2", 2, "", (0, 1), 1), ("__defaults_plus_2", 1, "", (0,), 0), ("__item_star_6",
    1, "", (0,), 0), ("__item_star_6", 2, "", (0, 1), 1), ("__items_plus_4", 2, "", (0, 1), 3), ("__items_plus_4", 1,
    "", (0,), 1), ("__rule_plus_1", 2, "", (0, 1), 1), ("__rule_plus_1", 1, "", (0,), 0), ("__wfile_star_0", 2, "", (0,
    1), 1), ("__wfile_star_0", 1, "", (0,), 0), ("_arguments", 2, "", (0,), 0), ("_arguments", 3, "", (0, 1), 2),
    ("_arguments", 2, "", (0, 1), 2), ("_arguments", 1, "", (0,), 0), ("_elements", 2, "", (0,), 0), ("_elements", 3,
    "", (0, 1), 2), ("_elements", 2, "", (0, 1), 2), ("_elements", 1, "", (0,), 0), ("_line", 3, "", (0,), 0), ("_line",
    2, "", (0,), 0), ("_line", 4, "", (0, 1), 2), ("_line", 3, "", (0, 1), 2), ("argument", 3, "keyword", (0, 2), 0),
    ("argument", 1, "=", (0,), 0), ("atom", 1, "duration", (0,), 0), ("atom", 1, "false", (0,), 0), ("atom", 1, "name",
    (0,), 0), ("atom", 1, "number", (0,), 0), ("atom", 1, "size", (0,), 0), ("atom", 1, "string", (0,), 0), ("atom", 1,
    "true", (0,), 0), ("atom", 2, "each", (1,), 0), ("atom", 3, "parentheses", (1,), 0), ("atom", 2, "list", (), 0),
    ("atom", 3, "list", (1,), 2), ("attribute", 3, "attribute", (0, 2), 0), ("attribute", 4, "shell", (0, 2), 0),
    ("attribute", 5, "shell", (0, 1, 3), 2), ("clause", 4, "in_clause", (1, 2, 3), 0), ("clause", 5, "in_clause", (1, 2,
    3, 4), 4), ("clause", 3, "each_clause", (2,), 0), ("comparator", 1, "comparator", (0,), 0), ("comparator", 1,
    "comparator", (0,), 0), ("comparator", 1, "comparator", (0,), 0), ("comparator", 1, "comparator", (0,), 0),
    ("comparator", 1, "comparator", (0,), 0), ("comparator", 1, "comparator", (0,), 0), ("comparator", 1, "comparator",
    (0,), 0), ("comparator", 2, "comparator", (0, 1), 0), ("comparison", 2, "comparison", (0, 1), 2), ("comparison", 1,
    "=", (0,), 0), ("comprehension", 4, "filtered", (0, 1, 3), 2), ("comprehension", 2, "comprehension", (0, 1), 2),
    ("conjunction", 3, "binary", (0, 1, 2), 0), ("conjunction", 1, "=", (0,), 0), ("defaults", 6, "defaults", (4,), 16),
    ("defaults", 8, "site_defaults", (2, 6), 64), ("disjunction", 1, "=", (0,), 0), ("disjunction", 3, "binary", (0, 1,
    2), 0), ("expression", 5, "conditional", (0, 2, 4), 0), ("expression", 1, "=", (0,), 0), ("factor", 2, "unary", (0,
    1), 0), ("factor", 2, "unary", (0, 1), 0), ("factor", 1, "=", (0,), 0), ("include", 3, "include", (1,), 0), ("item",
    4, "named", (0, 2, 3), 4), ("item", 3, "named", (0, 2), 0), ("item", 2, "item", (0, 1), 1), ("item", 1, "item",
    (0,), 0), ("items", 4, "items", (2,), 4), ("items", 1, "items", (0,), 1), ("items_line", 1, "items_line", (0,), 1),
    ("let", 5, "let", (1, 3), 0), ("member", 1, "=", (0,), 0), ("member", 1, "=", (0,), 0), ("member", 1, "=", (0,), 0),
    ("negation", 2, "unary", (0, 1), 0), ("negation", 1, "=", (0,), 0), ("param", 5, "param", (1, 3), 0), ("postfix", 3,
    "call", (0,), 0), ("postfix", 4, "call", (0, 2), 4), ("postfix", 1, "=", (0,), 0), ("postfix", 3, "member_of", (0,
    2), 0), ("postfix", 4, "index", (0, 2), 0), ("prefer", 5, "prefer", (1, 3), 0), ("product", 1, "=", (0,), 0),
    ("product", 3, "binary", (0, 1, 2), 0), ("product", 3, "binary", (0, 1, 2), 0), ("product", 3, "binary", (0, 1, 2),
    0), ("product", 3, "binary", (0, 1, 2), 0), ("range", 5, "range", (0, 2, 4), 0), ("range", 3, "range", (0, 2), 0),
    ("range", 1, "=", (0,), 0), ("rule", 7, "rule", (1, 5), 32), ("statement", 1, "=", (0,), 0), ("statement", 1, "=",
    (0,), 0), ("statement", 1, "=", (0,), 0), ("statement", 1, "=", (0,), 0), ("statement", 1, "=", (0,), 0),
    ("statement", 1, "=", (0,), 0), ("statement", 1, "=", (0,), 0), ("statement", 1, "=", (0,), 0), ("sum", 1, "=",
    (0,), 0), ("sum", 3, "binary", (0, 1, 2), 0), ("sum", 3, "binary", (0, 1, 2), 0), ("target", 4, "target", (1, 3),
    0), ("value", 1, "=", (0,), 0), ("value", 1, "=", (0,), 0), ("wfile", 0, "wfile", (), 0), ("wfile", 1, "wfile",
    (0,), 1), ("wildcard", 5, "wildcard", (1, 3), 0)
]
STARTS: dict[str, tuple[int, int]] = {
    "wfile": (0, 21), "statement": (1, 23), "member": (2, 28), "items_line": (3, 54)
}
