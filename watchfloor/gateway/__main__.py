"""`python -m watchfloor.gateway --region us --port 8480`: the gateway of one region, until SIGTERM or SIGINT."""

import argparse
import asyncio
import os
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvicorn

from activities.registry import CATALOG, INTERNAL
from watchfloor.authorisation import PoliciesRefused
from watchfloor.cases import CaseIndex
from watchfloor.client.face import Face, face_over
from watchfloor.connections.loading import BindingsRefused, load_bindings, read_secrets
from watchfloor.gateway.api import ApiDesk
from watchfloor.gateway.api.doors import Doors
from watchfloor.gateway.app import build_app
from watchfloor.gateway.console import ConsoleDesk
from watchfloor.gateway.console.company import open_company
from watchfloor.gateway.console.gate import Gate
from watchfloor.gateway.console.sessions import Sessions
from watchfloor.gateway.console.touching import open_keys
from watchfloor.gateway.delivery import keep_delivering
from watchfloor.gateway.driving import Driver, keep_driving
from watchfloor.gateway.heads import HeadTimedProtocol
from watchfloor.gateway.hooks import HookDesk
from watchfloor.gateway.inbox import Inbox, open_inbox
from watchfloor.gateway.indexing import Indexer
from watchfloor.gateway.looking_in import keep_looking_in
from watchfloor.gateway.pagers import PagerDesk, open_pagers
from watchfloor.gateway.rereading import Found, Part, files_of
from watchfloor.gateway.schedules import Schedules
from watchfloor.gateway.senders import Sender, open_senders
from watchfloor.gateway.senders.proofs import SecretRefused
from watchfloor.gateway.triggers import Plans
from watchfloor.gateway.webhooks import keep_telling
from watchfloor.identity.contact_list import FILE_NAME as CONTACTS_FILE
from watchfloor.identity.machines import Machines
from watchfloor.identity.people import PeopleRefused
from watchfloor.identity.reaching import reach
from watchfloor.identity.sign_in_file import SignInFile
from watchfloor.intake import Claims
from watchfloor.intake.deliveries import Deliveries
from watchfloor.intake.sealed import Sealer
from watchfloor.intake.sweep import keep_sweeping
from watchfloor.intake.watchdog import Watchdog
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.keys import KeysRefused
from watchfloor.regions.residency import ResidencyRefused
from watchfloor.runtime.assembly import open_connections_of, open_people
from watchfloor.runtime.connection import connect, make_runtime
from watchfloor.runtime.interrupts import heed_interrupts
from watchfloor.runtime.leaving import leave
from watchfloor.runtime.logging import configure_logging
from watchfloor.runtime.packages import require_own_packages
from watchfloor.runtime.processes import PRIVATE
from watchfloor.runtime.refusal import Refused
from watchfloor.runtime.settings import RegionSettings, load
from watchfloor.wellness import CapsRefused

LOOPBACK = "127.0.0.1"
MAX_CONNECTIONS = 4000
"""Connections at once: far more than what is served at once (`admission.Places`), so that who is turned away is told
when to come again."""
_OTHER_FILES = 200
"""Files beside connections: stores, logs, the engine."""

Callers = tuple[dict[str, Sender], dict[str, str]]
"""Who may trigger incidents, and what verifies the callbacks of paging services."""

log = structlog.get_logger(__name__)


async def serve(
    settings: RegionSettings,
    inbox: Inbox,
    host: str,
    port: int,
    tls: tuple[Path, Path] | None,
    metrics_address: str | None = None,
) -> None:
    """Serve until asked to stop."""
    runtime = make_runtime(metrics_address)
    client = await connect(settings, inbox.keys, identity=f"gateway/{settings.region}", runtime=runtime)
    face = face_over(settings, inbox.keys, client)
    plans = Plans()
    callers = Part(settings, "senders", read_callers)
    senders, pagers = callers.require()
    ledger = SqliteLedger(settings.ledger_path)
    indexer = Indexer(face, ledger, CaseIndex(settings.cases_path))
    doors = Doors(Machines(settings.machines_path))
    company = open_company(settings, face, os.environ)
    secure = tls is not None or (settings.console_url or "").startswith("https://")
    gate = Gate(
        face,
        Sessions(settings.sessions_path),
        secure=secure,
        company=company,
        file=None if settings.sign_in and not settings.sign_in.terminals else SignInFile(settings.sign_in_path),
    )
    sealer = Sealer(inbox.keys.payload, settings.region, settings.namespace)
    driver = Driver(face, Deliveries(settings.received_path), sealer, plans=plans)
    hooks, pager_desk = HookDesk(driver, senders), PagerDesk(face, pagers)
    console = ConsoleDesk(
        face,
        indexer.index,
        indexer.changes,
        gate,
        keys=open_keys(settings, face),
        webhooks_path=settings.webhooks_path,
        driver=driver,
        ledger_keys=dict(inbox.keys.public.ledger),
        contacts_path=settings.home / CONTACTS_FILE,
    )
    api = ApiDesk(
        *(face, indexer.index, indexer.changes, ledger, doors),
        plans=plans,
        deliveries=driver.deliveries,
        webhooks_path=settings.webhooks_path,
    )
    config = uvicorn.Config(
        build_app(inbox, client, hooks, api, pager_desk, console),
        host=host,
        port=port,
        http=HeadTimedProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=allow_connections(),
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    log.info("gateway started", region=settings.region, host=host, port=port, peers=sorted(inbox.peers))
    beside = [
        asyncio.create_task(look_after(settings, face)),
        asyncio.create_task(keep_delivering(settings, inbox, client)),
        asyncio.create_task(keep_driving(driver)),
        asyncio.create_task(keep_believing(callers, hooks, pager_desk)),
        asyncio.create_task(hooks.keep_counting()),
        asyncio.create_task(Schedules(face, plans=plans).run()),
        asyncio.create_task(indexer.run()),
        asyncio.create_task(keep_sweeping(face, Claims(settings.claims_path))),
        asyncio.create_task(watch(settings, face)),
        asyncio.create_task(keep_telling(settings, runtime.metric_meter)),
    ]
    try:
        await uvicorn.Server(config).serve()
    finally:
        for task in beside:
            task.cancel()
        if company is not None:
            await company.provider.close()


def allow_connections() -> int:
    """As many as this process may hold files for, `MAX_CONNECTIONS` at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _OTHER_FILES
    if 0 <= soft < wanted:
        soft = wanted if hard < 0 else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_CONNECTIONS if soft < 0 else max(100, min(MAX_CONNECTIONS, soft - _OTHER_FILES))


async def look_after(settings: RegionSettings, face: Face) -> None:
    """See to what is owed to people, for ever. Without channels nobody can be paged, and that is said."""
    try:
        connections = open_connections_of(settings, os.environ)
    except Refused as refusal:
        log.error("nobody looks in on people", found=refusal.found)
        return
    try:
        await keep_looking_in(face, connections.notifier)
    finally:
        await connections.close()


async def watch(settings: RegionSettings, face: Face) -> None:
    """Watch the region's runs from outside, for ever. Without channels or people it cannot tell, and says so."""
    try:
        connections = open_connections_of(settings, os.environ)
    except Refused as refusal:
        log.error("the watchdog does not run", found=refusal.found)
        return
    try:
        people, rotas = open_people(settings, connections.notifier.destinations())
        await Watchdog(
            face,
            connections.notifier,
            lambda role: reach(role, settings.region, datetime.now(UTC), rotas=rotas.now(), people=people),
        ).run()
    except Refused as refusal:
        log.error("the watchdog does not run", found=refusal.found)
    finally:
        await connections.close()


async def keep_believing(callers: Part[Callers], hooks: HookDesk, pagers: PagerDesk) -> None:
    """Take in for ever who may call, as the bindings change."""
    while True:
        await callers.changed()
        if callers.content is not None:
            senders, secrets = callers.content
            hooks.use(senders)
            pagers.use(secrets)


def read_callers(settings: RegionSettings) -> Found[Callers]:
    """Who may trigger incidents of this region and which paging services call back, with what verifies them.

    Raises:
        BindingsRefused, SecretRefused: the bindings file or a secret of it cannot be used.
    """
    catalog = {**CATALOG, **INTERNAL}
    document = load_bindings(settings.bindings_path, variables=settings.variables, catalog=catalog)
    folder = settings.bindings_path.parent
    secret = read_secrets(document, folder=folder, environ=os.environ)
    return Found(
        (open_senders(document, secret), open_pagers(document, secret)), files_of(document.secrets().values(), folder)
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m watchfloor.gateway", description="The gateway of one region.")
    parser.add_argument("--region", required=True, help="the region to serve, such as us or eu")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on; without TLS only the loopback one")
    parser.add_argument("--home", type=Path, default=None, help="home directory (WATCHFLOOR_HOME, else .watchfloor)")
    parser.add_argument("--tls-cert", type=Path, default=None, help="certificate chain, PEM")
    parser.add_argument("--tls-key", type=Path, default=None, help="private key of the certificate, PEM")
    parser.add_argument("--metrics-port", type=int, default=None, help="serve Prometheus metrics on this loopback port")
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    given = parser.parse_args(arguments)
    if (given.tls_cert is None) != (given.tls_key is None):
        parser.error("--tls-cert and --tls-key belong together")
    tls = (given.tls_cert, given.tls_key) if given.tls_cert else None
    if tls is None and given.host != LOOPBACK:
        parser.error(
            f"without --tls-cert the gateway listens on {LOOPBACK} only; put it behind TLS or give it a certificate"
        )
    os.umask(PRIVATE)
    heed_interrupts()
    try:
        require_own_packages()
        settings = load(given.region, given.home)
        folder = settings.log_path if settings.embedded or sys.stderr.isatty() else None
        configure_logging(f"gateway-{given.region}", folder, level=given.log_level)
        metrics = f"{LOOPBACK}:{given.metrics_port}" if given.metrics_port else None
        asyncio.run(serve(settings, open_inbox(settings), given.host, given.port, tls, metrics))
    except (
        Refused,
        KeysRefused,
        ResidencyRefused,
        BindingsRefused,
        SecretRefused,
        PeopleRefused,
        PoliciesRefused,
        CapsRefused,
    ) as error:
        print(f"the gateway of `{given.region}` does not start: {error}", file=sys.stderr)
        return 3
    except Exception:  # the edge of the process: the log gets types and places, never an error's text
        log.exception("gateway failed", region=given.region)
        return 3
    return 0


if __name__ == "__main__":
    leave(main())
