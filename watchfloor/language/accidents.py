"""Where YAML and CEL trip over each other: recognise the accident and write the corrected line.

YAML gives `!`, `|`, `#`, `{`, `,`, `: ` and a leading quote meanings of its own. An expression that holds one of them
unquoted is either refused by the YAML parser with words that help nobody, or cut in silence. These functions look at
the line as it was written.
"""

import re

_KEY = re.compile(r"(?P<head>^\s*(?:- )*(?:[A-Za-z_][\w-]*):[ ]+)(?P<value>.*)$")
_BARE_TEMPLATE = re.compile(r"""(?<!["'])\$\{\{(?P<inner>.*?)\}\}(?!["'])""")
_FLOW_TAG = re.compile(r"(?P<head>[\w-]+:[ ]+)(?P<value>![^,}\]]*[^,}\]\s])")
_EXPRESSION_KEYS = frozenset({"if", "unless", "when", "until", "in", "start", "stop", "restart", "renew", "close_when"})


def quoted(text: str) -> str:
    """The text as a quoted YAML scalar, in the quotes that need no escapes."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def correct_template(line: str) -> str | None:
    """`{urls: ${{ x }}}` with the template in quotes; None when there is no bare one."""
    if not _BARE_TEMPLATE.search(line):
        return None
    return _BARE_TEMPLATE.sub(lambda match: quoted("${{" + match["inner"] + "}}"), line).strip()


def correct_tag(line: str) -> str | None:
    """`if: !f()` with the expression in quotes."""
    match = _KEY.match(line)
    if match and match["value"].startswith("!"):
        return (match["head"] + quoted(_without_comment(match["value"]))).strip()
    if _FLOW_TAG.search(line):
        return _FLOW_TAG.sub(lambda found: found["head"] + quoted(found["value"]), line).strip()
    return None


def correct_start(line: str) -> str | None:
    """`if: 'a' == b` with all of the expression in quotes."""
    match = _KEY.match(line)
    if match is None or match["value"][:1] not in {'"', "'"}:
        return None
    value = _without_comment(match["value"])
    quote = value[0]
    closing = value.find(quote, 1)
    if closing in {-1, len(value) - 1}:
        return None
    return (match["head"] + quoted(value)).strip()


def correct_whole(line: str) -> str | None:
    """`if: a ? b : c` (also `{"a": 1}` inside an expression) with all of it in quotes."""
    match = _KEY.match(line)
    if match is None or match["value"][:1] in {"", '"', "'", "{", "[", "|", ">"}:
        return _correct_flow(line)
    value = _without_comment(match["value"])
    if ": " not in value and not value.endswith(":"):
        return None
    return (match["head"] + quoted(value)).strip()


def correct_comment(line: str) -> str | None:
    """`if: x == "a #b"` written in plain style, with all of it in quotes."""
    match = _KEY.match(line)
    if match is None or " #" not in match["value"]:
        return None
    return (match["head"] + quoted(match["value"].strip())).strip()


def correct_comma(line: str) -> str | None:
    """`{when: f(a, b)}` with the expression in quotes."""
    return _correct_flow(line)


def correct_line(line: str) -> tuple[str, str] | None:
    """What happened and the corrected line, for a line on which the YAML parser gave up."""
    for reason, correct in (
        ("`${{` outside quotes begins a mapping here", correct_template),
        ("`!` at the start of a value begins a YAML tag", correct_tag),
        ("a value that starts with a quote ends at the next one", correct_start),
        ("`: ` inside an unquoted value begins a mapping", correct_whole),
        ("a comma inside braces ends an unquoted value", correct_comma),
    ):
        corrected = correct(line)
        if corrected is not None and corrected != line.strip():
            return reason, corrected
    return None


def _correct_flow(line: str) -> str | None:
    """Quote the value of an expression key inside braces up to where its brackets close."""
    for match in re.finditer(r"[{,]\s*(?P<key>[\w-]+):[ ]+", line):
        if match["key"] not in _EXPRESSION_KEYS or line[match.end() : match.end() + 1] in {'"', "'"}:
            continue
        end = _end_of_expression(line, match.end())
        value = line[match.end() : end].rstrip()
        if end > match.end() and re.search(r"[,{}\[\]:]", value):
            return (line[: match.end()] + quoted(value) + line[match.end() + len(value) :]).strip()
    return None


def _end_of_expression(line: str, start: int) -> int:
    depth, quote = 0, ""
    for at in range(start, len(line)):
        each = line[at]
        if quote:
            quote = "" if each == quote else quote
        elif each in "\"'":
            quote = each
        elif each in "([{":
            depth += 1
        elif each in ")]}":
            if depth == 0:
                return at
            depth -= 1
        elif each == "," and depth == 0 and re.match(r",\s*[\w-]+:\s", line[at:]):
            return at
    return len(line)


def _without_comment(value: str) -> str:
    """The value without a trailing comment, as far as quotes allow to tell."""
    quote = ""
    for at, each in enumerate(value):
        if quote:
            quote = "" if each == quote else quote
        elif each in "\"'":
            quote = each
        elif each == "#" and at and value[at - 1] == " ":
            return value[:at].rstrip()
    return value.rstrip()
