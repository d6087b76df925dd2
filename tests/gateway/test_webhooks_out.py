"""The gateway's own part in webhooks out: which receivers, one sender at a time, what it says when it cannot."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from temporalio.common import MetricMeter
from temporalio.envconfig import ClientConnectConfig

from schemas.ledger import EntryKind
from tests.outgoing.floor import SECRET, A, B, Floor, Listener, listening, until
from watchfloor.gateway import rereading, webhooks
from watchfloor.gateway.webhooks import Figures, keep_telling
from watchfloor.outgoing.book import Attempt
from watchfloor.outgoing.refusal import read_refusal
from watchfloor.runtime.settings import RegionSettings

TEXT = """
version: 1
sandbox: true
base: ${{TARGET}}
allow_hosts: ["${{TARGET}}"]
actions: {{}}
subscriptions:
  case_tool: {{region: eu, url: "${{TARGET}}/hooks", secret: {{env: EU_SECRET}}, events: ["*"]}}
  us_tool: {{region: us, url: "${{TARGET}}/us", secret: {{env: US_SECRET}}, events: ["*"]}}
{more}
"""


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "EVERY", 0.01)
    monkeypatch.setattr(webhooks, "REST", 0.01)
    monkeypatch.setattr(rereading, "EVERY", 0.01)


def settings_of(folder: Path, url: str, *, more: str = "") -> RegionSettings:
    (folder / "bindings.yaml").write_text(TEXT.format(more=more))
    return RegionSettings(
        region="eu",
        home=folder,
        directory=folder,
        embedded=False,
        namespace="eu",
        task_queue="q",
        connect=ClientConnectConfig(target_host="127.0.0.1:1"),
        bindings_path=folder / "bindings.yaml",
        people_path=folder / "people.yaml",
        rotas_path=folder / "rotas.yaml",
        gateway_url=None,
        ui_url=None,
        variables={"TARGET": url},
        peers={},
    )


def start(settings: RegionSettings) -> asyncio.Task[None]:
    return asyncio.create_task(keep_telling(settings, MetricMeter.noop))


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_gateway_tells_its_own_regions_receivers_and_needs_no_secret_of_another(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EU_SECRET", SECRET)
    monkeypatch.delenv("US_SECRET", raising=False)
    async with listening() as there:
        settings = settings_of(tmp_path, there.url.removesuffix("/hooks"))
        task = start(settings)
        await until(lambda: bool(floor.book.began()))
        floor.open(A)
        await until(lambda: there.ids() == [f"{A}:1", f"{A}:2"])
        assert {path.split()[1] for path in there.paths} == {"/hooks"}
        # what was taken and not noted as such when the gateway stops is sent again, with its id
        await until(lambda: len(floor.book.attempts()) == 2)
        await stop(task)
        floor.phases(A, 2)
        task = start(settings)
        await until(lambda: there.ids() == [f"{A}:{number}" for number in (1, 2, 3, 4)])
        await stop(task)


async def test_of_two_gateways_one_sends_and_the_other_takes_over(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EU_SECRET", SECRET)
    async with listening() as there:
        settings = settings_of(tmp_path, there.url.removesuffix("/hooks"))
        first = start(settings)
        await until(lambda: bool(floor.book.began()))
        second = start(settings)
        floor.open(A)
        floor.phases(A, 50)
        await until(lambda: len(there.taken) == 52)
        assert there.ids() == [f"{A}:{number}" for number in range(1, 53)], "nothing twice"
        await stop(first)
        floor.open(B)
        await until(lambda: there.ids(B) == [f"{B}:1", f"{B}:2"])
        await stop(second)


@pytest.mark.parametrize(
    ("secret", "said"),
    [("", "EU_SECRET is not set"), ("whsec_c2hvcnQ=", "no Standard Webhooks secret"), ("not base64!", "no Standard")],
)
async def test_without_a_good_secret_nothing_is_sent_and_the_log_says_why(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, said: str
) -> None:
    monkeypatch.setenv("EU_SECRET", secret)
    settings = settings_of(tmp_path, "http://127.0.0.1:1")
    with structlog.testing.capture_logs() as logs:
        task = start(settings)
        await until(lambda: read_refusal(tmp_path, "subscriptions") is not None)
        await asyncio.sleep(0.05)
        await stop(task)
    (line,) = [line for line in logs if line["event"] == "no webhooks are sent"]
    assert said in line["found"][0]
    assert "c2hvcnQ" not in str(logs), "never the secret itself"


async def test_a_gateway_without_subscriptions_makes_no_book_and_gives_up_what_waited(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EU_SECRET", SECRET)
    there = Listener(answer=lambda event: (500, {}, b""))
    async with listening(there):
        settings = settings_of(tmp_path, there.url.removesuffix("/hooks"))
        task = start(settings)
        await until(lambda: bool(floor.book.began()))
        floor.open(A)
        await until(lambda: bool(there.got))
        await stop(task)
    text = settings.bindings_path.read_text()
    settings.bindings_path.write_text(text.split("subscriptions:")[0])
    task = start(settings)
    await until(lambda: len(floor.book.dead()) == 2)
    await stop(task)
    elsewhere = replace(settings, directory=tmp_path / "elsewhere")
    task = start(elsewhere)
    await asyncio.sleep(0.05)
    await stop(task)
    assert not elsewhere.webhooks_path.exists()


async def test_a_subscription_that_is_added_while_the_gateway_runs_is_told_and_one_that_is_kept_loses_nothing(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EU_SECRET", SECRET)
    async with listening() as first, listening() as second:
        host = first.url.removesuffix("/hooks")
        settings = settings_of(tmp_path, host)
        task = start(settings)
        await until(lambda: bool(floor.book.began()))
        floor.open(A)
        await until(lambda: len(first.taken) == 2)
        line = f'  desk: {{region: eu, url: "{second.url}", secret: {{env: EU_SECRET}}, events: ["*"]}}'
        text = TEXT.format(more=line).replace("${TARGET}", host)
        settings.bindings_path.write_text(
            text.replace("allow_hosts: [", f'allow_hosts: ["{second.url.removesuffix("/hooks")}", ')
        )
        await until(lambda: set(floor.book.began()) == {"case_tool", "desk"})
        floor.open(B)
        await until(
            lambda: second.ids() == [f"{B}:1", f"{B}:2"],
        )
        await until(lambda: first.ids() == [f"{A}:1", f"{A}:2", f"{B}:1", f"{B}:2"])
        assert read_refusal(tmp_path, "subscriptions") is None
        await stop(task)


async def test_bindings_that_are_refused_while_the_gateway_runs_are_said_and_the_old_ones_stay_in_use(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EU_SECRET", SECRET)
    monkeypatch.delenv("NOT_THERE", raising=False)
    async with listening() as there:
        settings = settings_of(tmp_path, there.url.removesuffix("/hooks"))
        good = settings.bindings_path.read_text()
        with structlog.testing.capture_logs() as logs:
            task = start(settings)
            await until(lambda: bool(floor.book.began()))
            settings.bindings_path.write_text(good.replace("EU_SECRET", "NOT_THERE"))
            await until(lambda: read_refusal(tmp_path, "subscriptions") is not None)
            floor.open(A)
            await until(lambda: there.ids() == [f"{A}:1", f"{A}:2"])
            said = read_refusal(tmp_path, "subscriptions")
            assert said is not None
            assert "NOT_THERE is not set" in said.problems[0]
            settings.bindings_path.write_text(good)
            await until(lambda: read_refusal(tmp_path, "subscriptions") is None)
            await stop(task)
    events = [line["event"] for line in logs]
    assert events.count("bindings refused, what was read before stays in use") == 1, "it is said once"


async def test_a_fault_in_the_task_is_logged_and_webhooks_go_on(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EU_SECRET", SECRET)
    failed = 0
    original = webhooks.tell

    async def faulty(*arguments: Any) -> None:
        nonlocal failed
        failed += 1
        if failed == 1:
            raise RuntimeError("canary of a fault")
        await original(*arguments)

    monkeypatch.setattr(webhooks, "tell", faulty)
    async with listening() as there:
        with structlog.testing.capture_logs() as logs:
            task = start(settings_of(tmp_path, there.url.removesuffix("/hooks")))
            await until(lambda: bool(floor.book.began()))
            floor.open(A)
            await until(lambda: len(there.taken) == 2)
            await stop(task)
    assert [line["event"] for line in logs].count("webhooks failed") == 1


async def test_figures_are_told_by_subscription(floor: Floor) -> None:
    told: list[tuple[str, Any, Any]] = []

    class Meter:
        def create_counter(self, name: str, *_: Any) -> Any:
            return self._made(name)

        create_gauge = create_histogram_timedelta = create_counter

        def _made(self, name: str) -> Any:
            class Made:
                def add(self, value: Any, labels: Any) -> None:
                    told.append((name, value, labels))

                set = record = add

            return Made()

    figures = Figures(Meter())  # type: ignore[arg-type]
    took = timedelta(milliseconds=12)
    figures.seen("dead", Attempt("case_tool", A, 1, EntryKind.OPENED, 3, floor.clock(), took, None, "no answer"))
    floor.book.meet(["case_tool"], {}, floor.clock())
    figures.stand(floor.book.accounts())
    labels = {"subscription": "case_tool"}
    assert told == [
        ("watchfloor_webhook_attempts", 1, {**labels, "state": "dead", "status": "none"}),
        ("watchfloor_webhook_took", took, labels),
        ("watchfloor_webhook_waiting", 0, labels),
        ("watchfloor_webhook_dead", 0, labels),
        ("watchfloor_webhook_disabled", 0, labels),
    ]


@pytest.fixture
def floor(tmp_path: Path) -> Any:
    made = Floor(tmp_path)
    yield made
    made.close()
