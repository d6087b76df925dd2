"""What authors write, compiled and carried out: the constructs meet in one runbook, on the real compiler."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError

from activities.catalog import CATALOG
from tests.workflows.bench import Bench
from watchfloor.language import compile_text, read_register
from watchfloor.signing import parse_instant, render_instant

REGISTER, _ = read_register(
    """clocks:
  - {id: eu.tco.removal, title: a, legal_ref: b, owner: o, review_after: '2030-01-01', kind: deadline,
     duration: 1h, basis: V}
""",
    path="clocks.yaml",
)

CHILD = b"""runbook: tell-platform
version: 1
title: Tell another platform
owners: [ts-eu]
severity: S2
regions: {command: eu, allowed: [eu, us]}
inputs: {url: url, why: {type: string, default: linked}}
facts: {told: {type: timestamp, from: [steps.send]}}
phases:
  - contact:
      - id: send
        action: notify.webhook
        with: {to: platform, about: "${{ inputs.why }}"}
        records: {told: steps.send.sent_at}
outputs:
  told_at: {type: timestamp, value: facts.told}
"""

WHOLE = b"""runbook: example
version: 1
title: Everything at once
owners: [ts-eu]
mode: {default: case, incident_when: has(facts.annulled)}
severity:
  default: S3
  score: {imminence: 3, harm: 3, vulnerability: 3, reach: "size(inputs.urls) > 2 ? 3 : 1", clock: 3, exposure: 3}
regions: {command: eu, allowed: [eu, us]}
inputs:
  received_at: timestamp
  urls: {type: list, of: url, max_items: 100}
  orders: {type: list, of: {type: string, pattern: "[A-Z0-9-]+"}, max_items: 5}
facts:
  order_received: {type: timestamp, from: [inputs.received_at]}
  annulled: {type: timestamp, from: [authority_mailbox]}
clocks:
  answer:
    use: eu.tco.removal
    each: {item: order, in: inputs.orders}
    if: has(facts.order_received)
    start: facts.order_received
    on_breach: [{page: legal_counsel}]
    on_close: {assign: legal_counsel}
alongside:
  - id: seen_again
    from: facts.order_received
    every: 10m
    for: 1h
    steps:
      - {id: again, action: content.probe, with: {urls: "${{ inputs.urls }}", countries: [DE]}}
  - id: annulled
    on_fact: annulled
    each: true
    steps:
      - {id: tell_desk, if: fact <= now, action: page, with: {role: deputy, about: order_annulled}}
phases:
  - main:
      - id: careful
        try:
          steps:
            - {id: hide, action: content.disable, with: {url: "${{ inputs.urls[0] }}", scope: eu}}
            - {id: mail, action: notify.email, with: {to: desk, about: hidden}}
          catch:
            - {on: [refused], steps: [{id: caught, action: page, with: {role: ops_lead, about: refused}}]}
          undo: [hide]
          finally: [{id: last, action: page, with: {role: deputy, about: tried}}]
      - id: limit
        action: content.disable
        with: {url: "${{ inputs.urls[1] }}", scope: eu}
        review: {from: [policy_lead], within: 1h, on_deny: undo, escalate: [exec_sponsor]}
        expires: 24h
        undo: {on: [deny, expires]}
      - id: contacts
        run: tell-platform
        with: {url: "${{ url }}"}
        each: {item: url, in: inputs.urls, at_once: 2}
      - id: one
        run: tell-platform
        with: {url: "${{ inputs.urls[0] }}", why: named}
        key: inputs.urls[0]
        known_at: facts.order_received
      - {id: pause, if: has(steps.one.told_at), wait: {for: 30m}}
"""


async def test_what_is_written_is_what_happens(bench: Bench) -> None:
    library = {"tell-platform": ("tell-platform/runbook.yaml", CHILD)}
    compiled = compile_text(WHOLE, path="runbook.yaml", catalog=CATALOG, register=REGISTER, library=library)
    assert compiled.plan is not None, [(one.code, one.line, one.message) for one in compiled.findings]

    def refuse(call: dict) -> None:
        raise ApplicationError("no", type="refused", non_retryable=True)

    began = parse_instant(await bench.now())
    bench.behaviour["notify.email"] = refuse
    bench.behaviour["notify.webhook"] = lambda call: {"sent_at": render_instant(began)}
    inputs = {"received_at": render_instant(began), "orders": ["DE-1", "FR-2"], "urls": URLS}
    case = await bench.start(compiled.plan, inputs)
    await case.decide("main/limit!review", "approve", "paul", "policy_lead")
    await case.state_fact("annulled", render_instant(began), "authority_mailbox")
    result = await case.outcome()
    assert (result["outcome"], result["open_measures"]) == ("closed", 0)
    assert parse_instant(result["closed_at"]) - began >= timedelta(hours=24)
    assert [clock["name"] for clock in result["clocks"]] == ["answer[DE-1]", "answer[FR-2]"]
    assert {clock["assigned_to"] for clock in result["clocks"]} == {"legal_counsel"}
    board = await case.board()
    assert board["severity"] == "S1"
    assert {step["path"]: step["state"] for step in board["steps"]}["main/pause"] == "done"
    paths = [call["path"] for call in bench.calls if call["incident"] == case.handle.id]
    main = [path for path in paths if path.startswith("main/")]
    assert main == [
        "main/careful/hide",
        "main/careful/mail",
        "main/careful/hide!undo",
        "main/careful/catch1/caught",
        "main/careful/finally/last",
        "main/limit",
        "main/limit!undo",
    ]
    assert "alongside/annulled[1]/tell_desk" in paths
    assert paths.count("alongside/seen_again[2]/again") == 1
    told = [call["inputs"]["about"] for call in bench.calls if call["action"] == "notify.webhook"]
    assert sorted(told) == ["linked", "linked", "linked", "named"]


URLS = [f"https://example.test/v/{number}" for number in range(3)]
