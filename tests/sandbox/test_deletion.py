"""Freezes are kept, canaries prove it, and a custodian that forgets is found out."""

import httpx2
import pytest


def freeze(platform: httpx2.Client, hold: str, url: str, source: str = "content_store") -> str:
    answer = platform.post(
        "/deletion/freeze",
        json={"source": source, "hold": hold, "basis": "eu.tco.preserve", "scope": {"urls": [url]}},
        headers={"Idempotency-Key": f"freeze-{hold}-{source}"},
    )
    assert answer.json()["ok"] is True
    reference: str = answer.json()["reference"]
    return reference


def canary_refused(platform: httpx2.Client, hold: str, source: str = "content_store") -> bool:
    answer = platform.post("/deletion/canary", json={"source": source, "hold": hold}).json()
    assert answer["at"]
    refused: bool = answer["refused"]
    return refused


def delete(platform: httpx2.Client, url: str, key: str) -> int:
    return platform.post("/items/delete", json={"url": url}, headers={"Idempotency-Key": key}).status_code


@pytest.fixture
def hold(key: dict[str, str]) -> str:
    return f"hold-{key['Idempotency-Key']}"


def test_a_frozen_item_cannot_be_deleted_until_the_freeze_is_lifted(
    platform: httpx2.Client, url: str, hold: str
) -> None:
    reference = freeze(platform, hold, url)
    assert delete(platform, url, f"delete-{hold}") == 423
    unfreeze = {"source": "content_store", "reference": reference, "hold": hold}
    assert platform.post("/deletion/unfreeze", json=unfreeze, headers={"Idempotency-Key": f"lift-{hold}"}).json()["ok"]
    assert delete(platform, url, f"delete-{hold}") == 200
    assert platform.post("/items/probe", json={"urls": [url], "countries": ["US"]}).json()["all_gone"] is True


def test_an_item_outside_the_scope_can_be_deleted(platform: httpx2.Client, url: str, hold: str) -> None:
    freeze(platform, hold, url)
    assert delete(platform, url + "-other", f"delete-{hold}") == 200


def test_two_holds_over_one_item_both_have_to_go(platform: httpx2.Client, url: str, hold: str) -> None:
    first, _second = freeze(platform, hold, url), freeze(platform, hold + "-2", url)
    lift = {"source": "content_store", "reference": first, "hold": hold}
    platform.post("/deletion/unfreeze", json=lift, headers={"Idempotency-Key": f"lift-{hold}"})
    assert delete(platform, url, f"delete-{hold}") == 423
    assert canary_refused(platform, hold) is False
    assert canary_refused(platform, hold + "-2") is True


def test_a_canary_is_refused_only_while_its_own_freeze_stands(platform: httpx2.Client, url: str, hold: str) -> None:
    assert canary_refused(platform, hold) is False
    freeze(platform, hold, url)
    assert canary_refused(platform, hold) is True
    assert canary_refused(platform, hold, "live_store") is False


def test_a_custodian_that_ignores_freezes_is_found_out_by_the_canary(
    platform: httpx2.Client, url: str, hold: str
) -> None:
    freeze(platform, hold, url, "log_store")
    assert canary_refused(platform, hold, "log_store") is True
    platform.post("/_sandbox/custodians", json=[{"source": "log_store", "ignores_freezes": True}])
    assert canary_refused(platform, hold, "log_store") is False
    platform.post("/_sandbox/custodians", json=[{"source": "log_store", "ignores_freezes": False}])


def test_an_unknown_source_or_freeze_is_refused(platform: httpx2.Client, hold: str) -> None:
    body = {"source": "attic", "hold": hold, "basis": "x", "scope": {}}
    answer = platform.post("/deletion/freeze", json=body, headers={"Idempotency-Key": f"freeze-{hold}"})
    assert answer.status_code == 404
    assert "content_store" in answer.json()["detail"]
    lift = {"source": "content_store", "reference": "frz-0", "hold": hold}
    assert platform.post("/deletion/unfreeze", json=lift, headers={"Idempotency-Key": f"l-{hold}"}).status_code == 404


def test_freezing_again_under_another_key_keeps_one_freeze(platform: httpx2.Client, url: str, hold: str) -> None:
    reference = freeze(platform, hold, url)
    body = {"source": "content_store", "hold": hold, "basis": "eu.tco.preserve", "scope": {"urls": [url + "b"]}}
    again = platform.post("/deletion/freeze", json=body, headers={"Idempotency-Key": f"again-{hold}"}).json()
    assert again["reference"] == reference
    assert again["objects"] == 2
    mine = [f for f in platform.get("/deletion/freezes").json()["freezes"] if f["hold"] == hold]
    assert len(mine) == 1
