"""Mistakes of somebody who has ten minutes and `curl`: each is told so that it can be mended without the guide."""

import json
from typing import Any

import httpx2
import pytest

from tests.gateway.apis import ORDER, Api
from tests.gateway.test_api import problem


async def post(api: Api, content: bytes, media: str = "application/json", **headers: str) -> httpx2.Response:
    headers = {"idempotency-key": "order-1", **headers, "content-type": media}
    return await api.ask("POST", "/incidents", api.key(), content=content, headers=headers)


def fields(answer: httpx2.Response) -> list[dict[str, str]]:
    assert problem(answer) == (422, "shape")
    found: list[dict[str, str]] = answer.json()["fields"]
    return found


async def test_a_form_is_told_that_it_is_one(api: Api) -> None:
    """`curl -d` says that what it sends is a form, whatever it is."""
    answer = await post(api, json.dumps(ORDER).encode(), "application/x-www-form-urlencoded")
    assert problem(answer) == (415, "media_type")
    assert "-H 'Content-Type: application/json'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'{\n "runbook": "x",\n}', "line 3, column 1"),
        (b"{'runbook': 'x'}", "line 1, column 2"),
        (b'{"runbook": "\xff"}', "byte 14"),
        (b'{"runbook": "a", "runbook": "b"}', "a key stands twice in one object"),
        (b'{"runbook": "a", "inputs": {"n": NaN}}', "NaN and Infinity are not JSON"),
        (b'{"runbook": "a", "inputs": ' + b"[" * 99 + b"]" * 99 + b"}", "it is nested deeper"),
    ],
)
async def test_what_is_not_strict_json_is_told_where_it_ceases_to_be(api: Api, content: bytes, place: str) -> None:
    answer = await post(api, content)
    assert problem(answer) == (400, "not_json")
    assert place in answer.json()["detail"]


async def test_a_field_of_another_name_is_told_which_was_meant_and_not_repeated(api: Api) -> None:
    told = fields(await api.start(api.key(), document={"runbook": ORDER["runbook"], "imputs": ORDER["inputs"]}))
    assert {one["field"]: one["fix"] for one in told} == {
        "body.inputs": "send this field; /api/v1/ describes it",
        "body": "did you mean `inputs`?",
    }
    assert "imputs" not in json.dumps(told)


async def test_an_order_without_a_key_of_its_own_is_told_which_header_is_missing(api: Api) -> None:
    (told,) = fields(await api.ask("POST", "/incidents", api.key(), json=ORDER))
    assert told["field"] == "header.Idempotency-Key"
    assert "Idempotency-Key: ORDER-17" in told["fix"]


@pytest.mark.parametrize("document", [[], "x", 7, None])
async def test_what_is_no_object_is_told_what_is(api: Api, document: Any) -> None:
    (told,) = fields(await api.start(api.key(), document=document))
    assert "{" in told["expected"] or told["expected"] == "a value"


async def test_a_runbook_of_a_similar_name_is_named(api: Api) -> None:
    answer = await api.start(api.key(), document={**ORDER, "runbook": "eu-tco-removal-ordre"})
    assert problem(answer) == (404, "not_found")
    assert "did you mean `eu-tco-removal-order`?" in answer.json()["detail"]
    told = await api.ask("GET", "/runbooks/eu-tco-removal", api.key())
    assert "`eu-tco-removal-order`" in told.json()["detail"]


@pytest.mark.parametrize(
    ("query", "field", "fix"),
    [
        ("/incidents?stat=open", "query", "did you mean `state`?"),
        ("/incidents?state=opened", "query.state.0", ""),
        ("/incidents?severity=S9", "query.severity.0", ""),
        ("/asks?role=legal_councel", "query.role", "did you mean `legal_counsel`?"),
        ("/clocks?atrisk=true", "query", "did you mean `at_risk`?"),
        ("/boards/lines?limit=5", "query", "leave it out"),
        ("/incidents/inc-4fkq", "path.incident", "take it from `incident` of an answer"),
    ],
)
async def test_a_filter_that_is_mistyped_is_refused_and_chooses_neither_all_nor_nothing(
    api: Api, query: str, field: str, fix: str
) -> None:
    api.put("inc-aaaaaaaaaaaaaaaaaaaa")
    told = fields(await api.ask("GET", query, api.key()))
    assert told[0]["field"] == field
    assert fix in told[0]["fix"]


async def test_who_shows_no_key_is_told_nothing_of_parameters(api: Api) -> None:
    assert problem(await api.ask("GET", "/incidents?stat=open")) == (401, "not_signed_in")


async def test_http_is_told_what_it_wants_beside_a_status(api: Api) -> None:
    assert (await api.ask("GET", "/incidents")).headers["www-authenticate"].startswith("Bearer")
    wrong = await api.ask("PUT", "/incidents", api.key())
    assert problem(wrong) == (405, "method")
    assert set(wrong.headers["allow"].split(", ")) <= {"GET", "POST"}
    slash = await api.ask("GET", "/incidents/", api.key())
    assert problem(slash) == (404, "not_found")
    assert "/api/v1/ says what is" in slash.json()["detail"]
