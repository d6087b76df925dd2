"""Each rule is silent on twenty correct runbooks and speaks about each of them once it is broken in the rule's way.

The runbooks differ in what is around: branches, loops, parallel blocks, gates, tracks, side paths.
"""

from collections.abc import Callable, Iterator
from itertools import product

import pytest

from tests.language.embedding import compile_piece

URL = '"https://example.test/v/1"'
TELL = "{id: tell, action: notify.webhook, with: {to: desk, about: order}}"
CLOCK = """clocks:
  removal:
    use: eu.tco.removal
    start: facts.order_received
    stop: facts.removed
    on_breach: [{page: exec_sponsor}]
"""
FACTS = """facts:
  order_received: {type: timestamp, from: [inputs.received_at]}
  annulled: {type: timestamp, from: [authority_mailbox]}
  removed: {type: timestamp, from: [steps.by_hand]}
"""


def indent(text: str, by: int) -> str:
    return "\n".join(" " * by + line if line else line for line in text.split("\n"))


def around(steps: str) -> list[str]:
    """The same steps in five surroundings."""
    return [
        steps,
        f"- {TELL}\n{steps}",
        f'- id: either\n  choose:\n    - when: inputs.state == "DE"\n      steps:\n{indent(steps, 8)}\n'
        f"    - otherwise:\n        - {TELL}",
        f"- id: both\n  parallel:\n    branches:\n      one:\n{indent(steps, 8)}\n      two:\n        - {TELL}",
        f"- id: each\n  for_each: {{item: one, in: inputs.urls, at_once: 2}}\n  steps:\n{indent(steps, 4)}",
    ]


def four(template: str, one: tuple[str, ...], two: tuple[str, ...], **more: str) -> Iterator[str]:
    """Twenty texts: two choices of each of two words, in five surroundings."""
    for first, second in product(one, two):
        text = template.replace("<1>", first).replace("<2>", second)
        for name, value in more.items():
            text = text.replace(f"<{name}>", value)
        yield from around(text)


def gate(broken: bool) -> Iterator[str]:
    approval = "" if broken else "\n  approval: {from: [<1>, legal_counsel], within: <2>, on_deny: stop}"
    snapshot = f"- {{id: shot, action: evidence.snapshot, with: {{url: {URL}}}}}\n"
    act = f'- id: gone\n  action: content.delete\n  with: {{url: {URL}, snapshot: "${{{{ steps.shot.ref }}}}"}}'
    return four(snapshot + act + approval, ("policy_lead", "deputy"), ("30m", "2h"))


def silence(broken: bool) -> Iterator[str]:
    then = "{steps: [{id: quiet, action: page, with: {role: deputy, about: silence}}]}" if broken else "fail"
    template = f"""- id: ask
  decide:
    ask: Disable it?
    from: [<1>]
    within: <2>
    options: {{"yes": {{}}, "no": {{steps: [{{id: leave, stop: {{outcome: kept}}}}]}}}}
    on_silence: {{escalate: [deputy], then: {then}}}
- {{id: shut, action: content.disable, with: {{url: {URL}, scope: eu}}, undo: {{never: it stays}}}}"""
    return four(template, ("policy_lead", "legal_counsel"), ("10m", "1h"))


def waiting(broken: bool) -> Iterator[str]:
    ask = "" if broken else "- {id: sure, task: {assignee: ops_lead, do: Look at it, within: 10m}}\n"
    template = f"""- {{id: hear, wait: {{fact: annulled, within: <1>, on_timeout: continue}}}}
{ask}- {{id: shut, action: content.disable, with: {{url: {URL}, scope: <2>}}, undo: {{never: it stays}}}}"""
    return four(template, ("10m", "1h"), ("eu", "global"))


def preserved(broken: bool) -> Iterator[str]:
    error = ", on_error: continue" if broken else ""
    template = f"""- {{id: shot, action: evidence.snapshot, with: {{url: {URL}}}, timeout: <1>{error}}}
- id: gone
  action: content.delete
  with: {{url: {URL}, snapshot: some}}
  approval: {{from: [legal_counsel, <2>], within: 30m, on_deny: stop}}"""
    return four(template, ("1m", "5m"), ("policy_lead", "deputy"))


def attempted(broken: bool) -> Iterator[str]:
    lines = [
        f"- {{id: shot, action: evidence.snapshot, with: {{url: {URL}}}, timeout: <1>, on_error: continue}}",
        f"- {{id: shut, action: content.disable, with: {{url: {URL}, scope: <2>}}, undo: {{never: it stays}}}}",
    ]
    return four("\n".join(reversed(lines) if broken else lines), ("1m", "5m"), ("eu", "DE"))


def lasting(broken: bool) -> Iterator[str]:
    ends = "" if broken else ", <1>"
    template = f"- {{id: shut, action: content.disable, with: {{url: {URL}, scope: <2>}}{ends}}}"
    return four(template, ("undo: {on: [annulled]}", "expires: 24h"), ("eu", "DE"))


def used(broken: bool) -> Iterator[str]:
    cond = "" if broken else 'if: "!steps.check.authentic", '
    template = (
        "- {id: check, action: order.authenticate, with: {order_id: <1>, issuing_state: DE}}\n"
        f"- {{id: doubt, {cond}action: page, with: {{role: <2>, about: doubt}}}}"
    )
    return four(template, ("A-1", "B-2"), ("deputy", "ops_lead"))


def undone(broken: bool) -> Iterator[str]:
    """What an undo does asks nobody, so it must not need a gate."""
    undo = "content.delete" if broken else "content.restore"
    with_ = f'{{url: {URL}, snapshot: "${{{{ steps.shot.ref }}}}"}}' if broken else f"{{url: {URL}, scope: <2>}}"
    template = (
        f"- {{id: shot, action: evidence.snapshot, with: {{url: {URL}}}, timeout: <1>}}\n"
        f"- {{id: shut, action: content.disable, with: {{url: {URL}, scope: <2>}},"
        f" undo: {{action: {undo}, with: {with_}, on: [annulled]}}}}"
    )
    return four(template, ("1m", "5m"), ("eu", "DE"))


def seats(broken: bool) -> Iterator[str]:
    second = "incident_commander" if broken else "<1>"
    template = f"""- id: suspend
  action: content.disable
  undo: {{never: it stays}}
  with: {{url: {URL}, scope: eu}}
  approval: {{from: [incident_commander, {second}], within: <2>, on_deny: stop}}"""
    return four(template, ("deputy", "policy_lead"), ("10m", "1h"))


def reached(broken: bool) -> Iterator[str]:
    cond = "" if broken else 'if: inputs.state == "<1>", '
    template = (
        f"- {{id: over, {cond}stop: {{outcome: <2>}}}}\n- {{id: last, action: page, with: {{role: deputy, about: x}}}}"
    )
    return four(template, ("DE", "FR"), ("refused", "empty"))


def timely(broken: bool) -> Iterator[str]:
    window = "58m" if broken else "<1>"
    for first, rung, extra in product(("10m", "20m"), ("5m", "10m"), range(5)):
        before = "".join(
            f"      - {{id: b{n}, action: notify.webhook, with: {{to: desk, about: order}}, timeout: 1m}}\n"
            for n in range(extra)
        )
        yield (
            f"{FACTS}{CLOCK}    on_close: {{assign: legal_counsel}}\nphases:\n  - main:\n{before}      - id: by_hand\n"
            "        task:\n          assignee: ops_lead\n          do: Remove it\n"
            "          form: {at_time: timestamp}\n"
            f"          within: {window}\n"
            f"          on_silence: {{escalate: [incident_commander], rung: {rung}, then: fail}}\n"
            "        records: {removed: steps.by_hand.at_time}\n"
        ).replace("<1>", first)


def closed(broken: bool) -> Iterator[str]:
    close = "" if broken else "    on_close: {assign: legal_counsel}\n"
    for state, outcome, extra in product(("DE", "FR"), ("refused", "empty"), range(5)):
        before = "".join(
            f"      - {{id: b{n}, action: page, with: {{role: deputy, about: x}}}}\n" for n in range(extra)
        )
        yield (
            f"{FACTS}{CLOCK}{close}phases:\n  - main:\n{before}"
            f"      - {{id: over, if: 'inputs.state == \"{state}\"', stop: {{outcome: {outcome}}}}}\n"
            "      - id: by_hand\n"
            "        task: {assignee: ops_lead, do: Remove it, form: {at_time: timestamp}, within: 10m}\n"
            "        records: {removed: steps.by_hand.at_time}\n"
        )


def life(broken: bool) -> Iterator[str]:
    for role, kind, extra in product(("exec_sponsor", "deputy"), ("page", "task"), range(5)):
        contact = (
            "      - {id: contact, action: page, with: {role: le_liaison, about: threat}}\n"
            if kind == "page"
            else "      - {id: contact, task: {assignee: le_liaison, do: Tell them, within: 10m}}\n"
        )
        other = f"      - {{id: tell, action: page, with: {{role: {role}, about: threat}}}}\n"
        looks = "".join(
            f"      - {{id: l{n}, action: evidence.snapshot, with: {{url: {URL}}}, timeout: 1m}}\n"
            for n in range(extra)
        )
        steps = looks + (other + contact if broken else contact + other)
        yield (
            "severity: {default: S1, floors: [{when: has(facts.annulled), at_least: S0}]}\n"
            f"alongside:\n  - id: threat\n    when: has(facts.annulled)\n    steps:\n{steps}"
        )


def grounded(broken: bool) -> Iterator[str]:
    ground = "" if broken else ", ground: dsa.illegal"
    clocks = "clocks:\n  notice: {use: eu.dsa.art16, start: facts.order_received, stop: facts.removed,"
    clocks += " on_breach: [{page: deputy}], on_close: {assign: legal_counsel}}\n"
    for steps in four(
        f"- {{id: shut, action: content.disable, with: {{url: {URL}, scope: <1>{ground}}}, undo: {{never: it stays}},"
        " timeout: <2>}",
        ("eu", "DE"),
        ("5m", "10m"),
    ):
        yield f"{clocks}phases:\n  - main:\n{indent(steps, 6)}\n"


def sized(broken: bool) -> Iterator[str]:
    width = 200 if broken else 10
    for items, other, extra in product((500, 1000), (100, 200), range(5)):
        before = "".join(
            f"      - {{id: b{n}, action: page, with: {{role: deputy, about: x}}}}\n" for n in range(extra)
        )
        yield (
            "inputs:\n  received_at: timestamp\n"
            f"  urls: {{type: list, of: url, max_items: {items if broken else items // 20}}}\n"
            f"  more: {{type: list, of: url, max_items: {other}}}\nphases:\n  - main:\n{before}"
            f"      - id: outer\n        for_each: {{item: a, in: inputs.urls, at_once: {width}}}\n        steps:\n"
            f"          - id: inner\n            for_each: {{item: b, in: inputs.more, at_once: {width}}}\n"
            "            steps:\n"
            "              - {id: look, action: evidence.snapshot, with: {url: '${{ b }}'}}\n"
        )


def resident(broken: bool) -> Iterator[str]:
    """The last step differs: a handoff, a question, a page, a run elsewhere, a run here."""
    told = "facts.seen" if broken else "facts.order_received"
    lasts = (
        f"handoff: {{to: us, share: [{told}], accept_within: 10m}}",
        f"task: {{assignee: ops_lead, do: Look, show: [{told}], within: 10m}}",
        f'action: page, with: {{role: deputy, about: "x ${{{{ {told} }}}}"}}',
        f'run: in-us, with: {{report: "x ${{{{ {told} }}}}"}}',
        f'run: threat-to-life, with: {{order_id: "x ${{{{ {told} }}}}"}}',
    )
    for width, window, last in product((1, 5), ("5m", "10m"), lasts):
        yield (
            "inputs:\n  received_at: timestamp\n"
            "  accounts: {type: list, of: ref, max_items: 9, data_class: us_protected}\n"
            "facts:\n  order_received: {type: timestamp, from: [inputs.received_at]}\n"
            "  seen: {type: ref, from: [steps.note]}\nphases:\n  - main:\n      - id: each\n"
            f"        for_each: {{item: account, in: inputs.accounts, at_once: {width}}}\n        steps:\n"
            "          - id: note\n            records: {seen: account}\n"
            f"            task: {{assignee: ops_lead, do: Look, within: {window}}}\n"
            f"      - {{id: away, if: has(facts.seen), {last}}}\n"
        )


def heard(broken: bool) -> Iterator[str]:
    """A breach of a deadline has somebody who hears of it."""
    for text in closed(False):
        breach = "    on_breach: [{page: exec_sponsor}]\n"
        yield text.replace(breach, "") if broken else text


def exposed(broken: bool) -> Iterator[str]:
    who = "ops_lead" if broken else "csea_specialist"
    return four(
        f"- {{id: look, task: {{assignee: {who}, do: <1>, within: <2>, exposure: csea}}}}",
        ("Look at it", "Compare the two"),
        ("5m", "10m"),
    )


def fleeting(broken: bool) -> Iterator[str]:
    """An approval is over instants on record; what compares with `now` turns once and may be asked anew."""
    told = (
        ('"at ${{ now }}"', "\"since ${{ now - duration('5m') }}\"")
        if broken
        else ('"at ${{ facts.order_received }}"', '"late: ${{ now > facts.order_received }}"')
    )
    shown = ("[now]", "[now - facts.order_received]") if broken else ("[steps.look.at]", "[now > inputs.received_at]")
    bound = [f"with: {{to: desk, about: {one}}}\n  approval: {{<1>" for one in told]
    bound += [f"with: {{to: desk, about: x}}\n  approval: {{show: {one}, <1>" for one in shown]
    for one in bound:
        yield from four(
            f"- {{id: look, action: notify.webhook, with: {{to: desk, about: order}}}}\n"
            f"- id: told\n  action: notify.webhook\n  {one}}}",
            ("from: [policy_lead], within: 30m, on_deny: stop",),
            ("",),
        )


def drifting(broken: bool) -> Iterator[str]:
    """Inputs of an effect are the same at every try."""
    bad, good = ("at ${{ now }}", "late: ${{ now > inputs.received_at }}"), ("at ${{ inputs.received_at }}", "order")
    told = '- {id: told, action: authority.clarify, with: {order_id: "<1>", failures: [<2>]}}'
    return four(told, bad if broken else good, ("unsigned", "no_page"))


RULES: dict[str, tuple[str, Callable[[bool], Iterator[str]]]] = {
    "gate": ("WF301", gate),
    "silence": ("WF302", silence),
    "silence of a wait": ("WF302", waiting),
    "preserve first": ("WF304", preserved),
    "satisfiable": ("WF305", seats),
    "life first": ("WF311", life),
    "attempt to preserve": ("WF312", attempted),
    "reasons": ("WF313", grounded),
    "never runs": ("WF403", reached),
    "clocks": ("WF405", closed),
    "in time": ("WF411", timely),
    "size": ("WF412", sized),
    "temporary": ("WF314", lasting),
    "no result never used": ("WF506", used),
    "media": ("WF315", exposed),
    "residency": ("WF307", resident),
    "breach": ("WF404", heard),
    "what an approval is over": ("WF316", fleeting),
    "what a key is made of": ("WF317", drifting),
    "gate of an undo": ("WF301", undone),
}


@pytest.mark.parametrize("rule", RULES)
def test_twenty_correct_runbooks_give_no_finding(rule: str) -> None:
    texts = list(RULES[rule][1](False))
    assert len(set(texts)) >= 20
    for text in texts:
        assert compile_piece(text).findings == (), text


@pytest.mark.parametrize("rule", RULES)
def test_each_of_them_broken_gives_the_finding_once_and_no_other_error(rule: str) -> None:
    code, make = RULES[rule]
    for text in make(True):
        found = [finding.code for finding in compile_piece(text).findings]
        assert found.count(code) == 1, (found, text)
        assert {each.code for each in compile_piece(text).findings if each.is_error} <= {code}, text
