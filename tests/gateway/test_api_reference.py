"""What the API says of itself: a document that is valid and whole, and a page of it that somebody can read."""

import re
from typing import Any

from tests.gateway.apis import ORDER, Api
from watchfloor.gateway.api.document import ROUTES, TAGS


async def document(api: Api) -> Any:
    return (await api.ask("GET", "/openapi.json")).json()


async def test_every_address_has_a_group_a_name_of_its_own_and_the_scopes_that_open_it(api: Api) -> None:
    told = await document(api)
    operations = {f"{method} {path}": one for path, methods in told["paths"].items() for method, one in methods.items()}
    assert set(operations) == set(ROUTES)
    assert len({one["summary"] for one in operations.values()}) == len(operations)
    assert {tag for one in operations.values() for tag in one["tags"]} == {name for name, _ in TAGS}
    assert operations["post /incidents"]["security"] == [{"machine_key": ["incidents:start"]}]
    assert operations["get /runbooks"]["security"] == [
        {"machine_key": ["incidents:read"]},
        {"machine_key": ["runbooks:read"]},
    ]
    for one in operations.values():
        assert all(parameter.get("description") for parameter in one.get("parameters", ())), one["summary"]


async def test_names_of_components_are_of_the_kind_that_openapi_allows(api: Api) -> None:
    for kind, components in (await document(api))["components"].items():
        assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in components), kind


async def test_every_refusal_is_described_as_a_problem_with_an_example(api: Api) -> None:
    for methods in (await document(api))["paths"].values():
        for one in methods.values():
            for status, answer in one["responses"].items():
                assert answer["description"]
                if status >= "4":
                    (content,) = answer["content"].values()
                    assert list(answer["content"]) == ["application/problem+json"]
                    assert content["example"]["status"] == int(status)


async def test_the_example_of_an_order_starts_an_incident(api: Api) -> None:
    body = (await document(api))["paths"]["/incidents"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert body["runbook"] == ORDER["runbook"]
    assert (await api.start(api.key(), document=body)).status_code == 202


async def test_the_page_has_every_address_and_shape_and_leads_nowhere_that_is_not_there(api: Api) -> None:
    answer = await api.ask("GET", "/")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    told = await document(api)
    for path, methods in told["paths"].items():
        assert f"/api/v1{path}</code>" in answer.text
        for one in methods.values():
            assert f'id="{one["operationId"]}"' in answer.text
    anchors = re.findall(r'id="([^"]+)"', answer.text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', answer.text)) <= set(anchors)
    assert {f"shape-{name}" for name in told["components"]["schemas"]} <= set(anchors)
    assert "<script" not in answer.text
    assert (await api.ask("GET", "/reference.css")).headers["content-type"].startswith("text/css")
