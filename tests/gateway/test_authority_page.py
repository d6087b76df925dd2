"""The authority card in the console."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.boards import ask, board
from tests.gateway.apis import Api
from tests.gateway.consoles import INCIDENT, Seen, console_over
from tests.identity.test_authorities import CONTACTS
from watchfloor.client.library import plan_for_start
from watchfloor.gateway.console import authorities

AT = f"/console/incidents/{INCIDENT}/authority"


@pytest.fixture
async def console(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as seen:
        seen.knows(INCIDENT, plan_for_start("eu-tco-removal-order")[0])
        yield seen


async def test_a_card_has_number_words_read_back_and_what_not_to_do(console: Seen) -> None:
    task = ask(
        kind="task",
        path="alongside/imminent_threat/tell_authority",
        step="tell_authority",
        title="Tell them",
        options={"done": [{"any_of": ["le_liaison"]}]},
    )
    console.api.index.put(board(workflow=INCIDENT, asks=[task]), 1)
    async with console.signed_in("liaison-1") as browser:
        assert f'href="{AT}"' in (await browser.get(f"/console/incidents/{INCIDENT}")).text
        page = (await browser.get(AT)).text
    for words in (
        'say <span class="id">INC-ABCDEFGH</span>; nothing else names this incident outside',
        "No number: to be filled by Legal",
        "<b>112</b>",
        "Europe/Brussels",
        "Say your name, your company",
        "Have it read back",
        "call a number that came with an order",
        "Tell them",
        "Liaison here: liaison-1",
    ):
        assert words in page, words


async def test_the_companys_own_numbers_come_from_the_home_and_a_broken_list_is_said(
    api: Api, tmp_path: Path, console: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "contacts.yaml"
    read = authorities._read_contacts
    monkeypatch.setattr(authorities, "_read_contacts", lambda path: read(file))
    console.api.index.put(board(workflow=INCIDENT), 1)
    async with console.signed_in("liaison-1") as browser:
        file.write_text(CONTACTS, encoding="utf-8")
        assert "<b>+353 20 910 0199</b>" in (await browser.get(AT)).text
        file.write_text(CONTACTS.replace("IE", "<script>"), encoding="utf-8")
        page = (await browser.get(AT)).text
    assert "its numbers are not below" in page
    assert "+353" not in page
    assert "<script>" not in page


async def test_a_card_of_a_compartment_is_not_there_for_those_outside(console: Seen) -> None:
    console.api.index.put(board(workflow=INCIDENT, compartment="terror"), 1)
    async with console.signed_in("liaison-1") as outside:
        assert (await outside.get(AT)).status_code == 404


async def test_a_runbook_that_speaks_with_nobody_has_no_card(console: Seen) -> None:
    plan = plan_for_start("eu-tco-removal-order")[0]
    console.knows(INCIDENT, {**plan, "clocks": {}, "tracks": []})
    console.api.index.put(board(workflow=INCIDENT), 1)
    async with console.signed_in("liaison-1") as browser:
        assert AT not in (await browser.get(f"/console/incidents/{INCIDENT}")).text
        assert "speaks with no authority that the register knows" in (await browser.get(AT)).text
