"""The guide to webhooks is executed: its senders open, its runbook compiles, its bodies start what it says."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from activities.catalog import CATALOG
from schemas.plan import Plan
from tests.gateway.test_senders import BASE, SECRET, TOKEN, bearer, body, coop, pagerduty, pem, standard
from tests.gateway.test_senders import KEY as COOP_KEY
from watchfloor.client.triggers import find_trigger, order_of
from watchfloor.connections.bindings import Bindings
from watchfloor.gateway.senders import Sender, open_senders
from watchfloor.language import compile_text, load_register

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "guides" / "webhooks.md").read_text()
KEPT_AT = {
    "ALERTMANAGER_TOKEN": TOKEN,
    "PAGERDUTY_WEBHOOK_SECRET": TOKEN,
    "PAGERDUTY_OLD_WEBHOOK_SECRET": "an-older-secret-of-theirs",
    "secrets/coop-public-key.pem": pem(COOP_KEY),
    "OSPREY_WEBHOOK_SECRET": SECRET,
    "QUEUES_TOKEN": TOKEN,
    "AUTHORITY_PORTAL_SECRET": SECRET,
}
EXAMPLES = [
    ("Alertmanager", "prometheus", lambda content: bearer(), "QueueStalled", "c6eadffa33fcdf372026-11-22T03:10:00Z"),
    ("PagerDuty", "pages", pagerduty, "PGR0VU2", "PGR0VU2"),
    ("Coop", "review_tool", coop, "item-1", "post/item-1"),
    ("Osprey", "rules", standard, "u-17", "1234567890123456789"),
    ("CloudEvents", "queues", lambda content: bearer(media="application/cloudevents+json"), "escalations", None),
]


def blocks(language: str, text: str = GUIDE) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def senders() -> dict[str, Sender]:
    (described,) = [text for text in blocks("yaml") if text.startswith("senders:")]
    document = Bindings.model_validate({**BASE, **yaml.safe_load(described)})
    return open_senders(document, lambda secret: KEPT_AT[secret.env or str(secret.file)])


@pytest.fixture(scope="module")
def plan() -> Plan:
    (text,) = [text for text in blocks("yaml") if text.startswith("runbook:")]
    register = load_register(ROOT / "runbooks" / "clocks.yaml")
    compiled = compile_text(text, path="webhooks.md", catalog=CATALOG, register=register)
    assert compiled.plan is not None, compiled.findings
    return compiled.plan


@pytest.mark.parametrize(("section", "name", "headers", "subject", "key"), EXAMPLES)
def test_the_body_of_each_product_starts_what_the_guide_says(
    senders: dict[str, Sender], plan: Plan, section: str, name: str, headers: Any, subject: str, key: str | None
) -> None:
    (text,) = blocks("json", GUIDE.partition(f"\n## {section}\n")[2].partition("\n## ")[0])
    content = body(json.loads(text))
    message = senders[name].take(headers(content), content)
    order = order_of(plan, find_trigger(plan, name, "webhook"), message.event, now=datetime.now(UTC))
    assert order is not None
    assert (order.inputs, order.key) == ({"subject": subject}, key or "/queues/escalations/7f3c")


def test_the_sink_for_osprey_sends_what_the_gateway_believes(
    senders: dict[str, Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    class Answer:
        def close(self) -> None:
            return None

    def urlopen(request: Any, timeout: int) -> Answer:
        sent.append(request)
        return Answer()

    monkeypatch.setenv("WATCHFLOOR_URL", "https://watchfloor.example/hooks/rules")
    monkeypatch.setenv("WATCHFLOOR_SECRET", SECRET)
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    (source,) = blocks("python")
    made: dict[str, Any] = {}
    exec(compile(source, "webhooks.md", "exec"), made)
    sink = made["WatchfloorSink"]()

    class Result:
        extracted_features_json = json.dumps({"__action_id": 2**60, "__verdicts": ["escalate"], "UserId": "u-1"})
        action = type("Action", (), {"action_id": 2**60})

    class Other(Result):
        extracted_features_json = json.dumps({"__action_id": 1})

    assert (sink.will_do_work(Result), sink.will_do_work(Other)) == (True, False)
    sink.push(Result)
    headers = {name.lower(): value for name, value in sent[0].header_items()}
    message = senders["rules"].take(headers, sent[0].data)
    assert (message.id, message.event["verdicts"]) == (str(2**60), ["escalate"])


def test_every_key_and_kind_of_a_sender_is_in_the_guide() -> None:
    kinds = [one for one in Bindings.model_json_schema()["$defs"] if one.endswith("Sender")]
    schema = Bindings.model_json_schema()["$defs"]
    assert len(kinds) == 6
    for kind in kinds:
        for name, described in schema[kind]["properties"].items():
            assert f"`{name}`" in GUIDE, name
            if name == "kind":
                assert f"`{described['const']}`" in GUIDE
