"""The sandbox platform over real HTTP: effects happen once under a key, faults happen as told, all is journalled."""

import json
import smtplib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from watchfloor.sandbox.mailboxes import WEBHOOK_SECRET


def mark(platform: httpx2.Client) -> int:
    calls = platform.get("/_sandbox/journal").json()["calls"]
    return calls[-1]["n"] if calls else 0


def journal(platform: httpx2.Client, after: int) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = platform.get("/_sandbox/journal", params={"after": after}).json()["calls"]
    return calls


def counts(platform: httpx2.Client, subject: str) -> dict[str, int]:
    found: dict[str, int] = platform.get("/_sandbox/effects").json()["counts"].get(subject, {})
    return found


def disable(platform: httpx2.Client, url: str, key: dict[str, str], scope: str = "eu") -> httpx2.Response:
    return platform.post("/items/disable", json={"url": url, "scope": scope}, headers=key)


def test_every_answer_and_the_front_page_say_that_it_is_a_sandbox(platform: httpx2.Client, url: str) -> None:
    for path in ("/", "/healthz", "/pager", "/nowhere", "/_sandbox/journal"):
        assert "sandbox" in platform.get(path).headers["x-sandbox"].lower()
    assert "<b>This is a sandbox.</b>" in platform.get("/").text
    assert "sandbox" in disable(platform, url, {}).headers["x-sandbox"].lower()


def test_a_change_without_a_key_is_refused_and_changes_nothing(platform: httpx2.Client, url: str) -> None:
    answer = disable(platform, url, {})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "key missing"
    assert counts(platform, url) == {}


def test_a_key_works_once_and_a_repeat_gets_the_first_answer(
    platform: httpx2.Client, url: str, key: dict[str, str]
) -> None:
    before = mark(platform)
    first, second = disable(platform, url, key), disable(platform, url, key)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert first.json()["ok"] is True
    assert [call["effect"] for call in journal(platform, before)] == ["new", "repeat"]
    assert counts(platform, url) == {"items/disable": 1}


def test_the_order_of_a_bodys_keys_does_not_make_another_request(
    platform: httpx2.Client, url: str, key: dict[str, str]
) -> None:
    disable(platform, url, key)
    content = json.dumps({"scope": "eu", "url": url})
    again = platform.post("/items/disable", content=content, headers={**key, "Content-Type": "application/json"})
    assert again.status_code == 200


def test_one_key_for_two_requests_is_a_conflict(platform: httpx2.Client, url: str, key: dict[str, str]) -> None:
    disable(platform, url, key)
    for body in ({"url": url, "scope": "global"}, {"url": url + "x", "scope": "eu"}):
        assert platform.post("/items/disable", json=body, headers=key).status_code == 409
    assert platform.post("/items/restore", json={"url": url, "scope": "eu"}, headers=key).status_code == 409
    assert counts(platform, url) == {"items/disable": 1}


def test_two_keys_for_one_item_count_as_two_effects(platform: httpx2.Client, url: str, key: dict[str, str]) -> None:
    disable(platform, url, key)
    disable(platform, url, {"Idempotency-Key": key["Idempotency-Key"] + "-other"})
    assert counts(platform, url) == {"items/disable": 2}


def test_an_effect_can_be_looked_up_by_its_key(platform: httpx2.Client, url: str, key: dict[str, str]) -> None:
    name = key["Idempotency-Key"]
    assert platform.get(f"/effects/{name}").json() == {"found": False}
    at = disable(platform, url, key).json()["at"]
    found = platform.get(f"/effects/{name}").json()
    assert (found["found"], found["action"], found["at"]) == (True, "items/disable", at)


@pytest.mark.parametrize(
    ("scope", "gone_from", "still_seen_from"),
    [("eu", ["DE", "FR", "PL"], ["US"]), ("global", ["DE", "US"], []), ("DE", ["DE"], ["FR"])],
)
def test_a_probe_sees_what_a_scope_leaves_visible(
    platform: httpx2.Client,
    url: str,
    key: dict[str, str],
    scope: str,
    gone_from: list[str],
    still_seen_from: list[str],
) -> None:
    assert platform.post("/items/probe", json={"urls": [url], "countries": gone_from}).json()["remaining"] == 1
    disable(platform, url, key, scope)
    gone = platform.post("/items/probe", json={"urls": [url], "countries": gone_from}).json()
    assert (gone["all_gone"], gone["remaining"]) == (True, 0)
    for country in still_seen_from:
        assert platform.post("/items/probe", json={"urls": [url], "countries": [country]}).json()["all_gone"] is False


def test_a_restored_item_is_seen_again(platform: httpx2.Client, url: str, key: dict[str, str]) -> None:
    disable(platform, url, key)
    restored = platform.post(
        "/items/restore", json={"url": url, "scope": "eu"}, headers={"Idempotency-Key": key["Idempotency-Key"] + "-r"}
    )
    assert restored.json()["ok"] is True
    assert platform.post("/items/probe", json={"urls": [url], "countries": ["DE"]}).json()["remaining"] == 1


def test_items_exist_under_reserved_names_and_are_the_same_every_time(platform: httpx2.Client, url: str) -> None:
    record = platform.get("/items", params={"url": url}).json()
    assert record["url"] == url
    assert record == platform.get("/items", params={"url": url}).json()
    assert platform.get("/items", params={"url": "https://platform.invalid/v/1"}).status_code == 404


def test_screening_sees_a_threat_only_where_one_was_seeded(platform: httpx2.Client, url: str) -> None:
    assert platform.post("/screen", json={"urls": [url]}).json() == {"imminent": False}
    platform.post("/_sandbox/items", json=[{"url": url, "imminent": True}])
    answer = platform.post("/screen", json={"urls": [url, url + "x"]}).json()
    assert answer["imminent"] is True
    assert datetime.fromisoformat(answer["threat_seen_at"]) <= datetime.now(UTC)


def test_an_order_is_checked_against_its_state_and_what_was_seeded(platform: httpx2.Client) -> None:
    def check(order: str, state: str) -> dict[str, Any]:
        answer = platform.post("/orders/authenticate", json={"order_id": order, "issuing_state": state}).json()
        return {name: answer[name] for name in ("authentic", "complete", "failures")}

    assert check("DE-2026-17", "DE") == {"authentic": True, "complete": True, "failures": []}
    assert check("DE-2026-17", "FR")["authentic"] is False
    assert check("XX-2026-17", "XX")["failures"] == ["issuing_state_unknown"]
    platform.post("/_sandbox/orders", json=[{"order_id": "DE-2026-18", "failures": ["signature_page_missing"]}])
    assert check("DE-2026-18", "DE") == {
        "authentic": True,
        "complete": False,
        "failures": ["signature_page_missing"],
    }


def test_the_authority_receives_a_message_once(platform: httpx2.Client, key: dict[str, str]) -> None:
    body = {"order_id": "PL-2026-3", "kind": "reply", "effect_at": "2026-11-22T03:10:00Z", "removed": 40}
    first = platform.post("/authority/messages", json=body, headers=key).json()
    assert platform.post("/authority/messages", json=body, headers=key).json() == first
    assert first["receipt"].startswith("rcpt-")
    letters = platform.get("/authority/messages").json()["messages"]
    assert [(letter["kind"], letter["removed"]) for letter in letters if letter["order_id"] == "PL-2026-3"] == [
        ("reply", 40)
    ]


def test_accounts_and_streams_are_changed_under_a_key(platform: httpx2.Client, key: dict[str, str]) -> None:
    name = key["Idempotency-Key"]
    for index, (path, body) in enumerate(
        [
            ("/accounts/suspend", {"account": f"acct-{name}", "ground": "tco.order"}),
            ("/accounts/restore", {"account": f"acct-{name}"}),
            ("/live/end", {"stream": f"live-{name}"}),
        ]
    ):
        answer = platform.post(path, json=body, headers={"Idempotency-Key": f"{name}-{index}"})
        assert answer.json()["ok"] is True
        assert datetime.fromisoformat(answer.json()["at"]).tzinfo is not None
    assert counts(platform, f"acct-{name}") == {"accounts/suspend": 1, "accounts/restore": 1}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"url": 1, "scope": "eu"}', b'{"url": "https://a.test/1"}'])
def test_a_malformed_body_is_refused_and_changes_nothing(
    platform: httpx2.Client, key: dict[str, str], body: bytes
) -> None:
    answer = platform.post("/items/disable", content=body, headers={**key, "Content-Type": "application/json"})
    assert answer.status_code == 422
    assert platform.get(f"/effects/{key['Idempotency-Key']}").json() == {"found": False}


def test_a_body_of_many_megabytes_is_refused(platform: httpx2.Client, key: dict[str, str]) -> None:
    assert platform.post("/pager", content=b"x" * (4 * 1024 * 1024 + 1), headers=key).status_code == 413


class TestFaults:
    def test_busy_comes_with_retry_after_as_often_as_told(
        self, platform: httpx2.Client, url: str, key: dict[str, str]
    ) -> None:
        platform.post(
            "/_sandbox/faults",
            json=[{"match": {"path": "/items/disable", "url": url}, "status": 429, "retry_after": 3, "times": 2}],
        )
        answers = [disable(platform, url, key) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [429, 429, 200]
        assert answers[0].headers["retry-after"] == "3"
        assert counts(platform, url) == {"items/disable": 1}

    def test_a_rule_for_one_item_leaves_others_alone(
        self, platform: httpx2.Client, url: str, key: dict[str, str]
    ) -> None:
        platform.post("/_sandbox/faults", json=[{"match": {"path": "/items/disable", "url": url + "x"}, "status": 503}])
        assert disable(platform, url, key).status_code == 200

    def test_a_dropped_connection_leaves_the_effect_and_no_answer(
        self, platform: httpx2.Client, url: str, key: dict[str, str]
    ) -> None:
        platform.post("/_sandbox/faults", json=[{"match": {"path": "/items/disable"}, "drop_after_effect": True}])
        before = mark(platform)
        with pytest.raises(httpx2.RemoteProtocolError):
            disable(platform, url, key)
        assert disable(platform, url, key).status_code == 200
        assert [(call["status"], call["effect"]) for call in journal(platform, before)] == [(0, "new"), (200, "repeat")]
        assert counts(platform, url) == {"items/disable": 1}

    def test_a_lie_answers_200_with_a_failure_inside_and_does_nothing(
        self, platform: httpx2.Client, url: str, key: dict[str, str]
    ) -> None:
        platform.post("/_sandbox/faults", json=[{"match": {"path": "/items/disable"}, "body": {"ok": False}}])
        answer = disable(platform, url, key)
        assert (answer.status_code, answer.json()) == (200, {"ok": False})
        assert counts(platform, url) == {}

    def test_an_error_after_the_effect_hides_that_it_happened(
        self, platform: httpx2.Client, url: str, key: dict[str, str]
    ) -> None:
        rule = {"match": {"path": "/items/disable"}, "status": 500, "after_effect": True}
        platform.post("/_sandbox/faults", json=[rule])
        assert disable(platform, url, key).status_code == 500
        assert counts(platform, url) == {"items/disable": 1}

    def test_a_delay_outlasts_an_impatient_caller(self, platform: httpx2.Client, url: str, key: dict[str, str]) -> None:
        platform.post("/_sandbox/faults", json=[{"match": {"path": "/items/disable"}, "delay": 0.2}])
        with pytest.raises(httpx2.ReadTimeout):
            platform.post("/items/disable", json={"url": url, "scope": "eu"}, headers=key, timeout=0.05)

    def test_fields_of_the_body_select_a_call(self, platform: httpx2.Client, key: dict[str, str]) -> None:
        rule = {"match": {"path": "/deletion/canary", "where": {"source": "live_store"}}, "status": 503, "times": None}
        platform.post("/_sandbox/faults", json=[rule])
        for source, status in (("live_store", 503), ("content_store", 200), ("live_store", 503)):
            answer = platform.post("/deletion/canary", json={"source": source, "hold": f"h-{key['Idempotency-Key']}"})
            assert answer.status_code == status

    @pytest.mark.parametrize(
        "rule",
        [
            {"match": {"path": "/x"}},
            {"match": {"path": "/x"}, "status": 500, "drop_after_effect": True},
            {"match": {"path": "/x"}, "delay": 1, "after_effect": True},
            {"match": {"path": "/x"}, "status": 500, "retry_after": 1},
            {"match": {"path": "/x"}, "status": 500, "times": 0},
            {"match": {"path": "/x"}, "staus": 500},
        ],
    )
    def test_a_rule_that_means_nothing_is_refused(self, platform: httpx2.Client, rule: dict[str, Any]) -> None:
        assert platform.post("/_sandbox/faults", json=[rule]).status_code == 422


class TestMailboxes:
    def signed(self, body: bytes, *, name: str, at: datetime) -> dict[str, str]:
        return {
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(WEBHOOK_SECRET).sign(name, at, body.decode()),
        }

    def test_a_signed_webhook_is_taken_once(self, platform: httpx2.Client, key: dict[str, str]) -> None:
        body = b'{"about": "removal_started"}'
        headers = self.signed(body, name=key["Idempotency-Key"], at=datetime.now(UTC))
        for _ in range(2):
            assert platform.post("/webhooks/ops_room", content=body, headers=headers).status_code == 200
        received = platform.get("/webhooks/ops_room").json()["messages"]
        mine = [message["body"] for message in received if message["key"] == key["Idempotency-Key"]]
        assert mine == [{"about": "removal_started"}]

    def test_a_forged_or_stale_or_changed_webhook_is_refused(
        self, platform: httpx2.Client, key: dict[str, str]
    ) -> None:
        body, now = b'{"about": "x"}', datetime.now(UTC)
        good = self.signed(body, name=key["Idempotency-Key"], at=now)
        stale = self.signed(body, name=key["Idempotency-Key"], at=now - timedelta(hours=1))
        for content, headers in ((body, {}), (body, stale), (b'{"about": "y"}', good)):
            assert platform.post("/webhooks/ops_room", content=content, headers=headers).status_code == 401
        assert platform.get(f"/effects/{key['Idempotency-Key']}").json() == {"found": False}

    def test_a_page_is_kept(self, platform: httpx2.Client, key: dict[str, str]) -> None:
        answer = platform.post("/pager", json={"about": "clock_at_risk", "role": "exec_sponsor"}, headers=key)
        assert answer.json()["ok"] is True
        pages = [page for page in platform.get("/pager").json()["messages"] if page["key"] == key["Idempotency-Key"]]
        assert [(page["about"], page["role"]) for page in pages] == [("clock_at_risk", "exec_sponsor")]

    def test_mail_is_kept_once_for_one_message_id(self, platform: httpx2.Client, running: Any, url: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "watchfloor@sandbox.test", "desk@sandbox.test", "removal_started"
        mail["Message-ID"] = f"<{url.rpartition('/')[2]}@sandbox.test>"
        mail.set_content("inc-1")
        for _ in range(2):
            with smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=5) as desk:
                desk.send_message(mail)
        kept = [m for m in platform.get("/mail").json()["messages"] if m["key"] == mail["Message-ID"]]
        assert [(m["to"], m["subject"], m["text"].strip()) for m in kept] == [
            (["desk@sandbox.test"], "removal_started", "inc-1")
        ]

    def test_mail_for_the_outside_world_is_refused(self, running: Any) -> None:
        with (
            smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=5) as desk,
            pytest.raises(smtplib.SMTPRecipientsRefused),
        ):
            desk.sendmail("watchfloor@sandbox.test", ["somebody@platform.invalid"], "Subject: x\r\n\r\nx")
