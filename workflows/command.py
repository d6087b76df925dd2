"""Who commands: exactly one, fenced by a number that grows with each passing.

Command passes when a handoff in mode `command` that this run offered under the current fence is accepted. An
acceptance under an older fence passes nothing.
"""

from schemas.incident import Report
from schemas.ledger import EntryKind
from workflows.run import Run


def pass_command(run: Run, report: Report) -> bool:
    """Pass command to the person who accepted, if this report says so; True when it passed."""
    data, commander = report["data"], run.state["commander"]
    if report["kind"] != "handoff" or report["state"] != "accepted" or data.get("mode") != "command":
        return False
    person, region = data.get("person") or data.get("by"), data.get("region") or data.get("to_region")
    if data.get("fence") != commander["fence"]:
        return False
    if not isinstance(person, str) or not person or not isinstance(region, str) or not region:
        return False
    run.state["commander"] = {
        "region": region,
        "person": person,
        "since": run.now,
        "fence": commander["fence"] + 1,
    }
    run.note(
        EntryKind.COMMAND,
        path=report["path"],
        region=region,
        person=person,
        fence=commander["fence"] + 1,
        before=commander["person"],
    )
    return True
