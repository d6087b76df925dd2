"""The guide to webhooks out: its receiver receives, its subscriptions load, its lists are the product's."""

import base64
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from schemas.events import PUBLISHED, PUBLISHED_OF_PROCESSES, Event
from tests.outgoing.floor import SECRET, A, Floor, receiver, until
from watchfloor.connections.bindings import Subscription
from watchfloor.connections.loading import BindingsRefused, load_bindings

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "webhooks-out.md").read_text()


def block(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


async def test_the_receiver_in_the_guide_takes_what_is_sent_once_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CASE_TOOL_SECRET", SECRET)
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(block("python"), "webhooks-out.md", "exec"), names)
    server = names["serve"](0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    floor = Floor(tmp_path)
    wrong = "whsec_" + base64.b64encode(b"x" * 32).decode()
    url = f"http://127.0.0.1:{server.server_port}/hooks"
    try:
        async with floor.working(receiver("case_tool", url), receiver("forged", url, secrets=(wrong,))):
            floor.open(A)
            await until(lambda: len(floor.seen) >= 3)
            await until(lambda: names["seen"] == {f"{A}:1", f"{A}:2"})
        outcomes = {(one.subscription, one.status) for _, one in floor.seen}
        assert outcomes == {("case_tool", 204), ("forged", 401)}
        assert "INC-AAAAAAAA incident.opened S1" in capfd.readouterr().out
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
        floor.close()


def bindings(tmp_path: Path, subscriptions: str) -> Path:
    file = tmp_path / "bindings.yaml"
    file.write_text(
        "version: 1\nbase: https://cases.example.com\nallow_hosts: [cases.example.com, desk.example.com]\nactions: {}\n"
        + subscriptions
    )
    return file


def test_the_subscriptions_in_the_guide_load(tmp_path: Path) -> None:
    document = load_bindings(bindings(tmp_path, block("yaml")), variables={}, catalog={})
    assert set(document.subscriptions) == {"case_tool", "safety_desk"}


def test_every_key_of_a_subscription_is_in_the_guide() -> None:
    for name in Subscription.model_fields:
        assert f"| `{name}` |" in GUIDE


def test_every_kind_that_is_published_is_in_the_guide_and_no_other() -> None:
    table = GUIDE.split("| kinds | fields of their own |")[1].split("\n\n")[0]
    found = set(re.findall(r"`([a-z]+\.[a-z_]+)`", table))
    assert found == set(PUBLISHED)
    fields = {name for given in PUBLISHED.values() for name in given} - {"runbook"}
    assert fields == set(re.findall(r"`([a-z_]+)`", table))
    table = GUIDE.split("| kinds of holds, handoffs and reviews | fields of their own |")[1].split("\n\n")[0]
    own = {kind: given for kind, given in PUBLISHED_OF_PROCESSES.items() if kind not in PUBLISHED}
    assert set(re.findall(r"`([a-z]+\.[a-z_]+)`", table)) == set(own)
    fields = {{"from": "from_region", "to": "to_region"}.get(name, name) for given in own.values() for name in given}
    assert fields == set(re.findall(r"`([a-z_]+)`", table))


def test_the_event_in_the_guide_is_one() -> None:
    given = json.loads(block("json"))
    event = Event.model_validate(given)
    assert event.model_dump(mode="json", exclude_unset=True) == given


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("https://cases.example.com", "https://elsewhere.example.com"), "not on the list"),
        (("https://cases.example.com", "http://cases.example.com"), "not on the list"),
        (("https://cases.example.com", "https://a:b@cases.example.com"), "carries a user"),
        (("incident.*", "incidents.*"), "did you mean `incident.*`"),
        (("incident.*", "fact.recorded"), "no event"),
        (("S0, S1", "S9"), "'S4'"),
        (("region: eu\n    url: https://desk.example.com/in", "region: us\n    url: https://cases.example.com/hooks/watchfloor"),
         "receiver of its own"),
        (("{env: CASE_TOOL_SECRET}", "{sandbox: x}"), "stands in the file"),
        (("give_up_after: 24h", "give_up_after: 5s"), "give_up_after"),
        (("give_up_after: 24h", "give_up: 24h"), "unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_subscription_is_said_at_its_place(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = block("yaml")
    assert change[0] in text
    file = bindings(tmp_path, text.replace(*change, 1))
    with pytest.raises(BindingsRefused) as caught:
        load_bindings(file, variables={}, catalog={})
    (problem,) = caught.value.problems
    assert said in problem.message
    assert problem.line > 5
