"""Each product proves who it is in its own way; what is not believed is not looked at."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import TypeAdapter, ValidationError
from standardwebhooks.webhooks import Webhook

from watchfloor.connections.bindings import Bindings, Secret
from watchfloor.connections.bindings import Sender as Described
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.senders import Message, Sender, open_senders
from watchfloor.gateway.senders.proofs import SecretRefused

SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNoYXJlZC1zZWNyZXQ="
TOKEN = "a-token-of-some-length"
OLD_TOKEN = "an-older-token-of-some-length"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
BASE = {"version": 1, "base": "https://platform.example", "allow_hosts": ["platform.example"], "actions": {}}

GROUP: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{alertname="QueueStalled"}',
    "status": "firing",
    "receiver": "watchfloor",
    "groupLabels": {"alertname": "QueueStalled"},
    "commonLabels": {"alertname": "QueueStalled", "queue": "escalations"},
    "commonAnnotations": {"summary": "nothing has left the queue for ten minutes"},
    "externalURL": "http://alertmanager-0:9093",
    "truncatedAlerts": 0,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "QueueStalled", "queue": "escalations", "shard": "b"},
            "annotations": {},
            "startsAt": "2026-11-22T03:10:00.739266876Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus/graph",
            "fingerprint": "bc97ff14869b13e3",
        },
        {
            "status": "firing",
            "labels": {"alertname": "QueueStalled", "queue": "escalations", "shard": "a"},
            "annotations": {},
            "startsAt": "2026-11-22T03:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus/graph",
            "fingerprint": "c6eadffa33fcdf37",
        },
    ],
}
INCIDENT: dict[str, Any] = {
    "event": {
        "id": "5ac64822-4adc-4fda-ade0-410becf0de4f",
        "event_type": "incident.triggered",
        "resource_type": "incident",
        "occurred_at": "2026-11-22T03:10:00.000Z",
        "agent": None,
        "client": None,
        "data": {
            "id": "PGR0VU2",
            "type": "incident",
            "number": 2,
            "status": "triggered",
            "incident_key": "d3640fbd41094207a1c11e58e46b1662",
            "title": "The escalation queue stands still",
            "urgency": "high",
        },
    }
}
CALLBACK: dict[str, Any] = {
    "item": {"id": "item-1", "typeId": "type-1"},
    "action": {"id": "action-1"},
    "policies": [{"id": "policy-1", "name": "Spam", "penalty": "HIGH"}],
    "rules": [],
    "custom": {"escalate": True},
    "actorEmail": "moderator@example.test",
    "actorNote": "PLAIN NOTE",
}
RESULT: dict[str, Any] = {
    "__action_id": 1234567890123456789,
    "__timestamp": "2026-11-22T03:10:00+00:00",
    "__error_count": 0,
    "__verdicts": ["escalate"],
    "ActionName": "message_sent",
    "UserId": "u-1",
}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1234-1234",
    "source": "/queues/escalations",
    "type": "com.example.stalled",
    "datacontenttype": "application/json",
    "data": {"queue": "escalations"},
}


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def sender(**described: Any) -> Sender:
    """One sender, opened as the gateway opens it."""
    for name in ("secret", "old_secret"):
        if name in described:
            described[name] = {"sandbox": described[name]}
    document = Bindings.model_validate({**BASE, "sandbox": True, "senders": {"one": described}})
    return open_senders(document, lambda secret: str(secret.sandbox))["one"]


def body(document: Any) -> bytes:
    return json.dumps(document).encode()


def standard(content: bytes, secret: str = SECRET, id_: str = "msg-1", at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, at, content.decode()),
    }


def bearer(token: str = TOKEN, media: str = "application/json") -> dict[str, str]:
    return {"content-type": media, "authorization": f"Bearer {token}"}


def basic(user: str, password: str) -> dict[str, str]:
    shown = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"content-type": "application/json", "authorization": f"Basic {shown}"}


def hmac_of(content: bytes, secret: str) -> str:
    return "v1=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def pagerduty(content: bytes, *secrets: str) -> dict[str, str]:
    given = ",".join(hmac_of(content, secret) for secret in secrets or (TOKEN,))
    return {"content-type": "application/json", "X-PagerDuty-Signature": given}


def coop(content: bytes, key: rsa.RSAPrivateKey = KEY) -> dict[str, str]:
    shown = base64.b64encode(key.sign(content, PKCS1v15(), SHA256())).decode()
    return {"content-type": "application/json", "coop-signature": shown}


ALERTS = {"kind": "alertmanager", "secret": TOKEN, "old_secret": OLD_TOKEN, "resolved_fact": "alert_over"}
PAGER = {"kind": "pagerduty", "secret": TOKEN, "old_secret": OLD_TOKEN}
COOP = {"kind": "coop", "secret": pem(KEY)}
OSPREY = {"kind": "osprey", "secret": SECRET}
EVENTS = {"kind": "cloudevents", "secret": SECRET}
TOLD = {"kind": "cloudevents", "proof": "bearer", "secret": TOKEN}


def taken(described: Mapping[str, Any], headers: Mapping[str, str], document: Any) -> Message:
    return sender(**described).take(headers, document if isinstance(document, bytes) else body(document))


def refusal(described: Mapping[str, Any], headers: Mapping[str, str], document: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        taken(described, headers, document)
    return caught.value


GOOD = [
    ({"secret": SECRET}, standard, INCIDENT),
    (ALERTS, lambda content: bearer(), GROUP),
    (ALERTS, lambda content: bearer(OLD_TOKEN), GROUP),
    ({**ALERTS, "user": "alertmanager"}, lambda content: basic("alertmanager", TOKEN), GROUP),
    ({**ALERTS, "user": "alertmanager"}, lambda content: basic("alertmanager", OLD_TOKEN), GROUP),
    (PAGER, pagerduty, INCIDENT),
    (PAGER, lambda content: pagerduty(content, OLD_TOKEN), INCIDENT),
    (PAGER, lambda content: pagerduty(content, "a secret that is not known here", TOKEN), INCIDENT),
    (COOP, coop, CALLBACK),
    ({**COOP, "secret": pem(OTHER_KEY), "old_secret": pem(KEY)}, coop, CALLBACK),
    (OSPREY, standard, RESULT),
    ({**OSPREY, "proof": "bearer", "secret": TOKEN}, lambda content: bearer(), RESULT),
    (EVENTS, lambda content: {**standard(content), "content-type": "application/cloudevents+json"}, EVENT),
    (TOLD, lambda content: bearer(media="application/cloudevents+json; charset=utf-8"), EVENT),
]


@pytest.mark.parametrize(("described", "headers", "document"), GOOD)
def test_what_a_product_truly_sends_is_believed_also_while_its_secret_is_being_changed(
    described: Any, headers: Any, document: Any
) -> None:
    assert taken(described, headers(body(document)), document).id


BAD = [
    ({"secret": SECRET}, lambda content: standard(content, "whsec_" + "QUJD" * 8)),
    ({"secret": SECRET}, lambda content: standard(content, at=datetime.now(UTC) - timedelta(minutes=6))),
    ({"secret": SECRET}, lambda content: standard(content, at=datetime.now(UTC) + timedelta(minutes=6))),
    ({"secret": SECRET}, lambda content: standard(content + b" ")),
    ({"secret": SECRET}, lambda content: {**standard(content), "webhook-id": "msg-2"}),
    ({"secret": SECRET}, lambda content: {**standard(content), "webhook-timestamp": "soon"}),
    ({"secret": SECRET}, lambda content: {"content-type": "application/json"}),
    (ALERTS, lambda content: bearer("a-token-of-some-lengtH")),
    (ALERTS, lambda content: bearer("")),
    (ALERTS, lambda content: basic("alertmanager", TOKEN)),
    (ALERTS, lambda content: {"content-type": "application/json", "authorization": TOKEN}),
    ({**ALERTS, "user": "alertmanager"}, lambda content: basic("somebody", TOKEN)),
    ({**ALERTS, "user": "alertmanager"}, lambda content: bearer()),
    ({**ALERTS, "user": "alertmanager"}, lambda content: {"authorization": "Basic %%%"}),
    (PAGER, lambda content: pagerduty(content, "a secret that is not known here")),
    (PAGER, lambda content: pagerduty(content + b" ")),
    (PAGER, lambda content: {**pagerduty(content), "X-PagerDuty-Signature": hmac_of(content, TOKEN)[3:]}),
    (PAGER, lambda content: {**pagerduty(content), "X-PagerDuty-Signature": "v0" + hmac_of(content, TOKEN)[2:]}),
    (COOP, lambda content: coop(content, OTHER_KEY)),
    (COOP, lambda content: coop(content + b" ")),
    (COOP, lambda content: {**coop(content), "coop-signature": "no base64"}),
    (COOP, lambda content: {"content-type": "application/json"}),
    (OSPREY, lambda content: bearer()),
    (EVENTS, lambda content: bearer(media="application/cloudevents+json")),
    (TOLD, standard),
]


@pytest.mark.parametrize(("described", "headers"), BAD)
def test_a_forgery_is_refused_in_the_same_words_whatever_is_wrong_with_it(described: Any, headers: Any) -> None:
    # not JSON at all: what is not believed must not be parsed
    content = b"no json"
    problem = refusal(described, headers(content), content)
    assert (problem.status, problem.code) == (401, "signature")
    assert problem.detail == refusal({"secret": SECRET}, {}, b"{}").detail


def test_what_is_too_much_is_told_to_come_again_and_a_forgery_uses_nothing_of_it() -> None:
    one = sender(**{**ALERTS, "rate": {"per_second": 0.001, "burst": 1}})
    for _ in range(3):
        with pytest.raises(Problem, match="no sender"):
            one.take(bearer("a-token-of-some-lengtH"), body(GROUP))
    one.take(bearer(), body(GROUP))
    with pytest.raises(Problem) as caught:
        one.take(bearer(), body(GROUP))
    assert (caught.value.status, caught.value.retry_after) == (429, 1)


# -- Alertmanager -----------------------------------------------------------------------------------------------------


def test_two_alertmanagers_of_a_cluster_that_say_the_same_are_one_message() -> None:
    other = {**GROUP, "externalURL": "http://alertmanager-1:9093", "alerts": GROUP["alerts"][::-1]}
    assert taken(ALERTS, bearer(), GROUP) == taken(ALERTS, bearer(), GROUP)
    first, second = taken(ALERTS, bearer(), GROUP), taken(ALERTS, bearer(), other)
    assert (first.id, first.mark) == (second.id, second.mark)


def test_the_alert_that_has_fired_longest_comes_first() -> None:
    event = taken(ALERTS, bearer(), GROUP).event
    assert [alert["fingerprint"] for alert in event["alerts"]] == ["c6eadffa33fcdf37", "bc97ff14869b13e3"]  # type: ignore[index,union-attr,call-overload]


def test_the_same_group_that_fires_anew_is_another_message() -> None:
    later = json.loads(json.dumps(GROUP))
    later["alerts"][0]["startsAt"] = "2026-11-23T03:10:00Z"
    assert taken(ALERTS, bearer(), GROUP).id != taken(ALERTS, bearer(), later).id


def test_a_resolved_group_is_over_when_its_last_alert_was() -> None:
    over = json.loads(json.dumps(GROUP))
    over["status"] = "resolved"
    for alert, minute in zip(over["alerts"], (40, 30), strict=True):
        alert |= {"status": "resolved", "endsAt": f"2026-11-22T03:{minute}:00Z"}
    message = taken(ALERTS, bearer(), over)
    assert (message.over_at, message.thread) == ("2026-11-22T03:40:00Z", GROUP["groupKey"])
    over["status"], over["alerts"][0]["status"] = "firing", "firing"
    assert taken(ALERTS, bearer(), over).over_at == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": "3"}, "version"),
        ({"version": 4}, "version"),
        ({"groupKey": ""}, "groupKey"),
        ({"groupKey": "a\u0000b"}, "groupKey"),
        ({"status": "unknown"}, "status"),
        ({"alerts": []}, "alerts"),
        ({"alerts": [{"status": "firing"}]}, "alerts.0.labels"),
        ({"alerts": [{"status": "firing", "labels": {"PLAIN": 1}, "startsAt": "x"}]}, "alerts.0.labels"),
        ({"alerts": [{"status": "firing", "labels": {}, "startsAt": "yesterday"}]}, "alerts.startsAt"),
    ],
)
def test_what_is_not_of_version_4_is_refused_by_its_place_and_none_of_it_repeated(change: Any, field: str) -> None:
    problem = refusal(ALERTS, bearer(), {**GROUP, **change})
    assert (problem.status, problem.fields[0]["field"]) == (422, field)
    assert "PLAIN" not in str(problem.fields)


# -- PagerDuty --------------------------------------------------------------------------------------------------------


def test_the_id_of_a_page_is_the_signed_one() -> None:
    headers = {**pagerduty(body(INCIDENT)), "X-Webhook-Id": "another"}
    assert taken(PAGER, headers, INCIDENT).id == INCIDENT["event"]["id"]


def test_a_page_of_ours_is_known_as_such_and_one_that_is_resolved_is_over() -> None:
    from tests.connections.standins import notice
    from watchfloor.connections.messages import alert_key

    event = json.loads(json.dumps(INCIDENT))
    event["event"]["data"]["incident_key"] = alert_key(notice(region="us", incident="inc-" + "a" * 20), "p1")
    assert taken(PAGER, pagerduty(body(event)), event).ours
    assert not taken(PAGER, pagerduty(body(INCIDENT)), INCIDENT).ours
    over = {"event": {**INCIDENT["event"], "event_type": "incident.resolved"}}
    message = taken(PAGER, pagerduty(body(over)), over)
    assert (message.over_at, message.thread) == ("2026-11-22T03:10:00Z", "PGR0VU2")


@pytest.mark.parametrize("document", [{}, {"event": []}, {"event": {"id": 7}}, {"event": {"id": "x" * 400}}])
def test_what_is_no_event_is_refused(document: Any) -> None:
    assert refusal(PAGER, pagerduty(body(document)), document).status == 422


# -- Coop and Osprey --------------------------------------------------------------------------------------------------


def test_who_the_moderator_was_and_what_they_wrote_does_not_come_in() -> None:
    assert set(taken(COOP, coop(body(CALLBACK)), CALLBACK).event) == {"item", "action", "policies", "rules", "custom"}


def test_a_decided_appeal_comes_in_too_and_what_is_neither_does_not() -> None:
    appeal = {"appealId": "a-1", "item": {"id": "i", "typeId": "t"}, "appealDecision": "ACCEPT"}
    assert taken(COOP, coop(body(appeal)), appeal).event["appealId"] == "a-1"
    neither = {"item": {"id": "i", "typeId": "t"}}
    assert refusal(COOP, coop(body(neither)), neither).fields[0]["field"] == "action"


def test_an_action_that_osprey_evaluates_twice_is_one_message() -> None:
    again = {**RESULT, "UserAgeDays": 3}
    first, second = taken(OSPREY, standard(body(RESULT)), RESULT), taken(OSPREY, standard(body(again)), again)
    assert (first.id, first.mark) == (second.id, second.mark) == ("1234567890123456789", first.mark)


def test_what_osprey_marks_stands_beside_the_features_and_its_id_is_text() -> None:
    event = taken(OSPREY, standard(body(RESULT)), RESULT).event
    assert event["action_id"] == "1234567890123456789"
    assert event["verdicts"] == ["escalate"]
    assert event["features"] == {"ActionName": "message_sent", "UserId": "u-1"}
    assert refusal(OSPREY, standard(b'{"a": 1}'), b'{"a": 1}').fields[0]["field"] == "__action_id"


# -- CloudEvents ------------------------------------------------------------------------------------------------------

BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "1234-1234",
    "ce-source": "/queues/escalations",
    "ce-type": "com.example.stalled",
}


def test_both_modes_give_the_same_event() -> None:
    structured = taken(TOLD, bearer(media="application/cloudevents+json"), EVENT)
    binary = taken(TOLD, {**bearer(), **BINARY}, EVENT["data"])
    assert dict(structured.event) == dict(binary.event) == EVENT
    assert (structured.id, structured.mark) == (binary.id, binary.mark)


def test_headers_are_percent_decoded_once() -> None:
    headers = {**bearer(), **BINARY, "ce-subject": "Euro%20%E2%82%AC%20%2541", "ce-note": '"a \\"quoted\\" word"'}
    event = taken(TOLD, headers, EVENT["data"]).event
    assert (event["subject"], event["note"]) == ("Euro € %41", 'a "quoted" word')


@pytest.mark.parametrize(
    "headers",
    [
        {"ce-id": "a%0d%0aSet-Cookie: x=1"},
        {"ce-id": "%C0%A0"},
        {"ce-id": "a\u00e9"},
        {"ce-id": ""},
        {"ce-id": "x" * 301},
        {"ce-specversion": "0.3"},
        {"ce-data": "x"},
        {"ce-datacontenttype": "text/plain"},
        {"ce-under_score": "x"},
        {f"ce-a{number}": "x" for number in range(70)},
    ],
)
def test_a_header_that_holds_what_it_must_not_is_refused(headers: dict[str, str]) -> None:
    problem = refusal(TOLD, {**bearer(), **BINARY, **headers}, EVENT["data"])
    assert problem.status == 422
    assert "Set-Cookie" not in str(problem.fields)


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type"])
def test_an_event_without_what_names_it_is_refused(missing: str) -> None:
    event = {name: value for name, value in EVENT.items() if name != missing}
    headers = {**standard(body(event)), "content-type": "application/cloudevents+json"}
    assert refusal(EVENTS, headers, event).fields[0]["field"] == missing


def test_a_signature_does_not_cover_headers_so_a_signed_event_is_structured() -> None:
    headers = {**standard(body(EVENT["data"])), **BINARY}
    assert (problem := refusal(EVENTS, headers, EVENT["data"])).status == 415
    assert "cloudevents+json" in problem.detail


@pytest.mark.parametrize("described", [EVENTS, TOLD, ALERTS])
def test_a_batch_is_refused_and_the_answer_says_so(described: Any) -> None:
    content = body([EVENT])
    proof = standard(content) if described is EVENTS else bearer()
    problem = refusal(described, {**proof, "content-type": "application/cloudevents-batch+json"}, content)
    assert (problem.status, problem.code) == (415, "batch")


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"id": 1, "id": 2}', b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_believed_but_no_strict_json_is_refused(content: bytes) -> None:
    assert refusal(ALERTS, bearer(), content).status == 400


# -- the bindings -----------------------------------------------------------------------------------------------------


def test_a_sender_that_names_no_kind_is_of_standard_webhooks_as_before() -> None:
    described = TypeAdapter(Described).validate_python({"secret": {"env": "A_SECRET"}})
    assert (described.kind, described.secret) == ("standard_webhooks", Secret(env="A_SECRET"))


@pytest.mark.parametrize(
    "described",
    [
        {"kind": "alertmanagr", "secret": {"env": "A"}},
        {"kind": "alertmanager"},
        {"kind": "pagerduty", "secret": {"env": "A"}, "user": "x"},
        {"kind": "alertmanager", "secret": {"env": "A"}, "user": "a:b"},
        {"kind": "osprey", "secret": {"env": "A"}, "proof": "none"},
        {"kind": "coop", "secret": {"env": "A"}, "patience": "30d"},
    ],
)
def test_a_sender_that_is_not_described_rightly_is_refused(described: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Described).validate_python(described)


@pytest.mark.parametrize(
    "described",
    [
        {"secret": "not-of-standard-webhooks"},
        {"kind": "alertmanager", "secret": "short"},
        {"kind": "pagerduty", "secret": "short"},
        {"kind": "coop", "secret": "-----BEGIN PUBLIC KEY-----"},
        {"kind": "coop", "secret": pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))},
        {"kind": "coop", "secret": pem(ec.generate_private_key(ec.SECP256R1()))},
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_by_the_senders_name_and_never_shown(described: Any) -> None:
    with pytest.raises(SecretRefused, match="`one`") as caught:
        sender(**described)
    assert described["secret"] not in str(caught.value)
