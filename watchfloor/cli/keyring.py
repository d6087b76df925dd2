"""The keys under which a region's faces sign: list, rotate, revoke, and what was said under one."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import JsonFlag, Looking, Region
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.cli.keyring_files import RegionKeyring
    from watchfloor.client.revocation import Told
    from watchfloor.ledger.spoken import Spoken

PANEL = "People and permission"

keys_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The keys that sign people's statements.")

RootFile = Annotated[
    Path | None,
    typer.Option("--root", metavar="FILE", help="The region's private root, where it is not kept beside its keys."),
]
Kid = Annotated[str, typer.Argument(metavar="KID", help="Id of the key, as `keys list` shows it.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(keys_app, list_keys, PANEL, name="list")
    register(keys_app, rotate_key, PANEL, name="rotate")
    # `-2h` as a value is an instant, not an option
    register(keys_app, revoke_key, PANEL, name="revoke", context_settings={"ignore_unknown_options": True})
    register(keys_app, list_decisions, PANEL, name="decisions")
    app.add_typer(keys_app, name="keys", rich_help_panel=PANEL)


def list_keys(context: typer.Context, region: Region = None, as_json: JsonFlag = False) -> None:
    """Each face key: since when, until when, whether it signs now, whether it was revoked. No engine is needed.

    Example:
      watchfloor keys list
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.keyring_files import keyrings, list_all

        rings = keyrings(context.obj, region)
        rows = [row for ring in rings for row in list_all(ring)]
        if as_json:
            print_json(
                {
                    "roots": [
                        {"region": ring.region, "kid": ring.root_kid, "private_half_here": ring.has_root}
                        for ring in rings
                    ],
                    "keys": rows,
                }
            )
            return
        for ring in rings:
            where = "its private half is here" if ring.has_root else "its private half is kept elsewhere"
            typer.echo(f"{ring.region}: root {ring.root_kid}, {where}" if ring.root_kid else f"{ring.region}: no root")
            for row in rows:
                if row.region == ring.region:
                    typer.echo(f"  {row.kid}  {row.not_before} to {row.not_after}  {row.in_words}")


def rotate_key(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How long the new key is valid.")] = 365,
    root: RootFile = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Although open runs will take nothing that the new key signs.")
    ] = False,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a new face key. Open runs accept it at once; what the old one signed goes on verifying until its end.

    The private half of the old key is gone afterwards. Runs from before the region had a root pin the old
    key itself and would take nothing more: while such runs are open, this is refused without --anyway.

    Example:
      watchfloor keys rotate --region eu --days 90
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.keyring_files import one_keyring, rotate_in
        from watchfloor.client.errors import Refused

        ring = one_keyring(context.obj, region)
        rootless = () if anyway else _find_rootless(context.obj, ring.region)
        if rootless:
            raise Refused(
                "pinned",
                f"{len(rootless)} open runs pin the old key itself ({', '.join(rootless[:3])}): they would take "
                "nothing that a new key signs; rotate when they have closed, or now with --anyway",
            )
        fresh = rotate_in(ring, root, timedelta(days=days))
        if as_json:
            print_json(fresh)
            return
        typer.echo(f"{fresh['kid']} signs for the faces of {ring.region} now, until {fresh['not_after']}")


def revoke_key(
    context: typer.Context,
    kid: Kid,
    reason: Annotated[str, typer.Option(help="Why, in a sentence. Kept in the region's evidence store.")],
    since: Annotated[
        str, typer.Option(help="From when on nothing it signed counts: an instant, `now`, `-2h`.")
    ] = "now",
    root: RootFile = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Revoke a face key that somebody else may hold, and tell every open run.

    From then on effects and runs refuse it. Runs void the open answers it signed since that instant, ask again
    and tell people. If it is the key in use, a new one is made first. Given again, it tells the runs again.

    Example:
      watchfloor keys revoke 3f9a0c1d2e4b5a67 --since -2h --reason "laptop stolen"
    """
    with edge(as_json):
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.cli.keyring_files import find_keyring, revoke_in
        from watchfloor.client.revocation import tell_runs

        ring = find_keyring(context.obj, region, kid)
        done = revoke_in(ring, kid, root, since=since, reason=reason)

        async def go(here: Here) -> "Told":
            return await tell_runs(here.face(ring.region), done.envelope)

        told = with_faces(context.obj, ring.region, go)
        suspects = [one for one in _spoken(ring, kid) if one.suspect]
        if as_json:
            from watchfloor.cli.console import print_json

            print_json(
                {
                    "kid": kid,
                    "region": ring.region,
                    "since": done.since,
                    "new_key": done.new_kid,
                    "told": told.told,
                    "cannot_be_told": told.rootless,
                    "recorded_since": len(suspects),
                }
            )
            return
        typer.echo(f"revoked: key {kid} of {ring.region}; nothing counts that it signed since {done.since}")
        if done.new_kid:
            typer.echo(f"  {done.new_kid} signs from now on")
        typer.echo(f"  {len(told.told)} open runs told")
        if told.rootless:
            typer.echo(
                f"  {len(told.rootless)} of them are from before there was a root and cannot refuse it; what it lets "
                f"them do is refused at the effect: {', '.join(told.rootless)}"
            )
        if suspects:
            typer.echo(
                f"  {len(suspects)} statements were recorded under it since then: watchfloor keys decisions {kid}"
            )


def list_decisions(
    context: typer.Context,
    kid: Kid,
    suspect: Annotated[bool, typer.Option("--suspect", help="Only those since the compromise.")] = False,
    person: Looking = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Every decision, fact and other statement recorded under a key. From the ledgers; no engine is needed.

    Example:
      watchfloor keys decisions 3f9a0c1d2e4b5a67 --suspect
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.keyring_files import find_keyring
        from watchfloor.cli.sight import Sight
        from watchfloor.cli.stores import RegionStore

        ring = find_keyring(context.obj, region, kid)
        found = [one for one in _spoken(ring, kid) if one.suspect or not suspect]
        if person:
            sight, store = Sight(context.obj, person), RegionStore(ring.region, ring.ledger_path.parent)
            shown = set(sight.pick(store, sorted({one.chain for one in found})))
            found = [one for one in found if one.chain in shown]
        if as_json:
            print_json(found)
            return
        for one in found:
            when = "VOID " if one.void else "AFTER" if one.suspect else "     "
            typer.echo(f"{one.at}  {when}  {one.chain}  {one.what} at {one.step or '-'} by {one.person} as {one.role}")
        after = sum(one.suspect for one in found)
        typer.echo(f"{len(found)} statements under {kid}, {after} of them since its compromise")


def _spoken(ring: "RegionKeyring", kid: str) -> "list[Spoken]":
    from watchfloor.ledger.spoken import find_spoken

    if not ring.ledger_path.exists():
        return []
    with ring.ledger() as ledger:
        return list(find_spoken(ledger, kid, ring.book.revoked().get(kid)))


def _find_rootless(home: Path | None, region: str) -> tuple[str, ...]:
    from watchfloor.cli.faces import Here, with_faces
    from watchfloor.client.revocation import find_rootless, list_open

    async def go(here: Here) -> tuple[str, ...]:
        face = here.face(region)
        return tuple(await find_rootless(face, await list_open(face)))

    return with_faces(home, region, go)
