"""The verbs `ack` (somebody has taken a page) and `status` (somebody has told where it stands)."""

from schemas.decision import RefusalType
from schemas.json_value import Json
from schemas.paging import Page
from watchfloor.signing import Refusal
from workflows.cadence import note_status
from workflows.pages import PageDesk, acknowledge
from workflows.run import COMMANDER, Run
from workflows.verbs import Verb

COMMANDING = (COMMANDER, "deputy", "exec_sponsor")
PAGER = "pager"
"""The role in which a face hands on what a paging service said; no person holds it."""
MOST = 100
"""Pages that one statement may name."""


def _named(run: PageDesk, body: dict[str, Json]) -> list[Page] | Refusal:
    about = body.get("about")
    ids = about.get("pages") if isinstance(about, dict) else None
    if not isinstance(ids, list) or not ids or len(ids) > MOST or not all(isinstance(one, str) for one in ids):
        return Refusal(RefusalType.BAD_VALUE, f"`about.pages` names 1 to {MOST} pages by their ids, such as `p3`")
    if isinstance(about, dict) and set(about) != {"pages"}:
        return Refusal(RefusalType.BAD_VALUE, "`about` of an acknowledgement holds `pages` and nothing else")
    pages = run.state.get("pages", {})
    for one in ids:
        if one not in pages:
            return Refusal(RefusalType.NOT_WAITING, f"no page `{str(one)[:40]}` is open; look at the board")
    return [pages[str(one)] for one in dict.fromkeys(ids)]


def refuse_ack(run: PageDesk, body: dict[str, Json]) -> Refusal | None:
    """What speaks against an acknowledgement: not open, taken already, not theirs."""
    named = _named(run, body)
    if isinstance(named, Refusal):
        return named
    for page in named:
        taken = page.get("acknowledged")
        if taken is not None:
            return Refusal(
                RefusalType.NOT_WAITING, f"`{page['id']}` was acknowledged by {taken['by']} at {taken['at']}"
            )
        if body["role"] not in {*page["told"], *COMMANDING, PAGER}:
            who = ", ".join(page["told"])
            return Refusal(RefusalType.WRONG_ROLE, f"`{page['id']}` went to {who}; you spoke as {body['role']}")
    return None


def take_ack(run: PageDesk, body: dict[str, Json], mark: str) -> None:
    """Stop the climbing of the pages named."""
    named = _named(run, body)
    assert not isinstance(named, Refusal)  # `refuse_ack` has just said so
    how = "pager" if body["role"] == PAGER else "statement"
    for page in named:
        acknowledge(
            run,
            page,
            {"how": how, "by": str(body["person"]), "role": str(body["role"]), "at": run.now},  # type: ignore[typeddict-item]
            mark,
        )


def _refuse_status(run: Run, body: dict[str, Json]) -> Refusal | None:
    policy = run.start.get("paging")
    wanted = (policy["status_role"] if policy else "comms_lead", *COMMANDING)
    if body["role"] not in wanted:
        return Refusal(RefusalType.WRONG_ROLE, f"{' or '.join(wanted)} may do this; you spoke as {body['role']}")
    return None


PAGE_VERBS: dict[str, Verb] = {
    "ack": Verb(take_ack, check=refuse_ack, reasoned=False, ending=True),
    "status": Verb(note_status, check=_refuse_status, ending=True),
}
