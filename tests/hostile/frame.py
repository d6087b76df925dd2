"""The one valid runbook from which all hostile ones are made, and ways to put something into it."""

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


ACCEPTED = "accepted"
"""Instead of a code: the file compiles, and what looks dangerous in it is only text, or fails safely when it runs."""


def step(text: str) -> bytes:
    """The runbook with this as its one step, on line 12."""
    return STEPS + f"      - {text}\n".encode()


def laughs() -> bytes:
    """A billion aliases."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    return "\n".join(lines).encode() + b"\n"


def instead(old: str, new: str) -> bytes:
    """The runbook with one piece of it replaced."""
    assert WHOLE.count(old.encode()) == 1, old
    return WHOLE.replace(old.encode(), new.encode())


def also(text: str) -> bytes:
    """The runbook with something after its end, on line 11."""
    return WHOLE + text.encode()


def expression(src: str) -> bytes:
    """The runbook with this as the condition of its step."""
    quoted = src.replace("'", "''")
    return step(f"{{id: a, if: '{quoted}', stop: {{outcome: b}}}}")


def about(value: str) -> bytes:
    """The runbook with this as what a page is about."""
    return step(f"{{id: a, action: page, with: {{role: ops_lead, about: {value}}}}}")


def gated(changes: dict[str, str]) -> bytes:
    """The runbook with a gated action; keys of its approval changed, or left out when empty."""
    approval = {
        "from": "[legal_counsel]",
        "within": "1h",
        "on_deny": "stop",
        "on_silence": "{escalate: [exec_sponsor], then: fail}",
    } | changes
    inside = ", ".join(f"{key}: {value}" for key, value in approval.items() if value)
    return step(
        '{id: a, action: content.disable, with: {url: "https://example.test/", scope: eu}, '
        f"undo: {{action: content.restore, on: []}}, approval: {{{inside}}}}}"
    )


def within(window: str) -> bytes:
    """The runbook with a decision that has this window."""
    return step(
        f"{{id: a, decide: {{ask: Yes or no, from: [legal_counsel], within: {window}, "
        "options: {yes: {}, no: {}}, on_silence: {escalate: [exec_sponsor], then: fail}}}"
    )
