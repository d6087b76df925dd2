"""The hostile set: `python tests/hostile/generate.py` writes `files/` and `expected.json`.

Each file is one attack or accident; `expected.json` says which finding refuses it and on which line. The files are
committed, so that a change of the generator shows in review.
"""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = HERE / "files"

HEAD = b"""runbook: hostile
version: 1
title: Hostile
owners: [team]
severity: {default: S1}
regions: {command: eu, allowed: [eu, us]}
inputs:
  urls: {type: list, of: url, max_items: 100}
  order_id: string
"""
"""Nine lines; what follows begins on line 10."""

WHOLE = HEAD + b"phases: [{main: [{id: last, stop: {outcome: done}}]}]\n"
"""What follows begins on line 11."""

STEPS = HEAD + b"phases:\n  - main:\n"
"""Steps begin on line 12."""


def step(text: str) -> bytes:
    return STEPS + f"      - {text}\n".encode()


def laughs() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    return "\n".join(lines).encode() + b"\n"


HOSTILE: dict[str, tuple[bytes, str, int]] = {
    # bytes and characters
    "utf16.yaml": ("runbook: x\n".encode("utf-16"), "WF101", 1),
    "latin1.yaml": (HEAD + b"harm: caf\xe9\n", "WF101", 10),
    "overlong_utf8.yaml": (HEAD + b"harm: \xc0\xaf\n", "WF101", 10),
    "surrogate.yaml": (HEAD + b"harm: \xed\xa0\x80\n", "WF101", 10),
    "bom.yaml": (b"\xef\xbb\xbf" + HEAD, "WF102", 1),
    "nul.yaml": (HEAD + b"harm: a\x00b\n", "WF102", 10),
    "escape_character.yaml": (HEAD + b"harm: \x1b[2Ja\n", "WF102", 10),
    "tab_indent.yaml": (HEAD + b"\tharm: a\n", "WF102", 10),
    "bidi_override.yaml": (HEAD + "harm: a\u202eb\n".encode(), "WF102", 10),
    "bidi_isolate.yaml": (HEAD + "harm: a\u2066b\n".encode(), "WF102", 10),
    "zero_width.yaml": (HEAD + "harm: a\u200bb\n".encode(), "WF102", 10),
    "escaped_bidi.yaml": (HEAD + b'harm: "a\\u202eb"\n', "WF102", 10),
    "escaped_nul.yaml": (HEAD + b'harm: "a\\0b"\n', "WF102", 10),
    "line_separator.yaml": (HEAD + "harm: a\u2028b\n".encode(), "WF102", 10),
    "carriage_return.yaml": (HEAD + b"harm: a\rb\n", "WF102", 10),
    # size and depth
    "large.yaml": (b"title: " + b"a" * 270_000 + b"\n", "WF103", 1),
    "many_nodes.yaml": (b"owners: [" + b"a," * 60_000 + b"]\n", "WF103", 1),
    "deep_brackets.yaml": (b"owners: " + b"[" * 30_000, "WF104", 1),
    "deep_braces.yaml": (b"owners: " + b"{a: " * 30_000, "WF104", 1),
    "deep_dashes.yaml": (b"- " * 30_000 + b"a\n", "WF104", 1),
    "deep_keys.yaml": (b"? " * 30_000 + b"a\n", "WF111", 1),
    "deep_indentation.yaml": ("".join(" " * n + "a:\n" for n in range(100)).encode(), "WF104", 65),
    # YAML's own powers
    "billion_laughs.yaml": (laughs(), "WF106", 1),
    "self_alias.yaml": (b"a: &a [*a]\n", "WF106", 1),
    "merge_bomb.yaml": (b"a: &a {b: c}\nd: {<<: *a}\n", "WF106", 1),
    "python_object.yaml": (b"a: !!python/object/apply:os.system [true]\n", "WF107", 1),
    "python_name.yaml": (b"a: !!python/name:os.system\n", "WF107", 1),
    "binary_tag.yaml": (b"a: !!binary aGk=\n", "WF107", 1),
    "set_tag.yaml": (b"a: !!set {b, c}\n", "WF107", 1),
    "local_tag.yaml": (b"a: !include /etc/hostname\n", "WF107", 1),
    "merge_key.yaml": (HEAD + b"facts: {<<: {a: 1}}\n", "WF109", 10),
    "duplicate_key.yaml": (HEAD + b"title: Other\n", "WF108", 10),
    "duplicate_key_quoted.yaml": (HEAD + b'"title": Other\n', "WF108", 10),
    "second_document.yaml": (HEAD + b"---\nrunbook: other\n", "WF110", 10),
    "yaml_directive.yaml": (b"%YAML 1.1\n---\n" + HEAD, "WF110", 1),
    "tag_directive.yaml": (b"%TAG ! tag:example.test,2026:\n---\n" + HEAD, "WF110", 1),
    "list_as_key.yaml": (b"[a, b]: c\n", "WF111", 1),
    "empty.yaml": (b"", "WF113", 1),
    "only_null.yaml": (b"null\n", "WF113", 1),
    "a_list.yaml": (b"- a\n- b\n", "WF122", 1),
    "unclosed_quote.yaml": (HEAD + b'harm: "a\n', "WF105", 10),
    "unclosed_bracket.yaml": (HEAD + b"facts: {a: [b\n", "WF105", 10),
    # quoting accidents
    "tag_from_not.yaml": (step("{id: a, if: !has(inputs.urls), stop: {outcome: b}}"), "WF107", 12),
    "tag_from_not_block.yaml": (HEAD + b"close_when: !f()\n", "WF107", 10),
    "template_as_mapping.yaml": (step("{id: a, action: page, with: {role: ${{ inputs.order_id }}}}"), "WF112", 12),
    "comma_cut.yaml": (
        step("{id: a, if: inputs.order_id.matches(a, b), stop: {outcome: b}}"),
        "WF112",
        12,
    ),
    "comment_cut.yaml": (WHOLE + b'close_when: inputs.order_id == "a #b"\n', "WF112", 11),
    "leading_quote.yaml": (HEAD + b"close_when: 'a' == inputs.order_id\n", "WF112", 10),
    "ternary_colon.yaml": (HEAD + b"close_when: has(now) ? true : false\n", "WF112", 10),
    # expressions
    "expression_long.yaml": (step('{id: a, if: "' + "true && " * 600 + 'true", stop: {outcome: b}}'), "WF201", 12),
    "expression_deep.yaml": (
        step('{id: a, if: "' + "(" * 200 + "true" + ")" * 200 + '", stop: {outcome: b}}'),
        "WF201",
        12,
    ),
    "expression_python.yaml": (step("{id: a, if: \"__import__('os').system('x')\", stop: {outcome: b}}"), "WF201", 12),
    "expression_attribute.yaml": (step('{id: a, if: "inputs.__class__", stop: {outcome: b}}'), "WF202", 12),
    "expression_template.yaml": (step('{id: a, if: "{{ 7 * 7 }}", stop: {outcome: b}}'), "WF201", 12),
    "template_unclosed.yaml": (
        step('{id: a, action: page, with: {role: "${{ inputs.order_id", about: b}}'),
        "WF131",
        12,
    ),
    "regex_bomb.yaml": (
        WHOLE.replace(b"order_id: string", b'order_id: {type: string, pattern: "^(a+)+$"}'),
        "WF123",
        9,
    ),
    # the language
    "unknown_step_kind.yaml": (step("{id: a, shell: rm}"), "WF126", 12),
    "unknown_key.yaml": (WHOLE + b"hooks: {on_start: x}\n", "WF120", 11),
    "later_kind.yaml": (step("{id: a, try: []}"), "WF128", 12),
    "path_as_id.yaml": (step("{id: ../../a, stop: {outcome: b}}"), "WF124", 12),
    "homoglyph_id.yaml": (step("{id: \u0430bc, stop: {outcome: b}}"), "WF124", 12),
    "at_once_bomb.yaml": (
        step("{id: a, for_each: {item: u, in: inputs.urls, at_once: 100000}, steps: [{id: b, stop: {outcome: c}}]}"),
        "WF402",
        12,
    ),
    "rounds_bomb.yaml": (
        step(
            "{id: a, repeat: {every: 1s, times: 999999999, until: 'true', on_exhausted: fail}, "
            "steps: [{id: b, stop: {outcome: c}}]}"
        ),
        "WF402",
        12,
    ),
    "octal_version.yaml": (WHOLE.replace(b"version: 1", b"version: 010"), "WF122", 2),
    "huge_number.yaml": (WHOLE.replace(b"version: 1", b"version: " + b"9" * 5000), "WF122", 2),
    "infinite_number.yaml": (WHOLE.replace(b"version: 1", b"version: .inf"), "WF122", 2),
}


def write() -> None:
    FILES.mkdir(exist_ok=True)
    for old in FILES.glob("*.yaml"):
        old.unlink()
    for name, (data, _, _) in HOSTILE.items():
        (FILES / name).write_bytes(data)
    expected = {name: {"code": code, "line": line} for name, (_, code, line) in sorted(HOSTILE.items())}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    write()
