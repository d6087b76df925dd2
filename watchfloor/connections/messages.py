"""What a notice says at each kind of channel: ids, codes, roles and instants, and nothing else is there to say."""

import re
from collections.abc import Sequence
from email.message import EmailMessage

from schemas.json_value import Json
from watchfloor.connections.port import Notice
from watchfloor.signing import render_instant

EVENT = "watchfloor.notice"
EVENT_MANY = "watchfloor.notices"
_FRACTION = re.compile(r"\.\d+Z$")
LISTED = 20
"""Notices that a text lists; the rest it counts."""
PAGER_SEVERITY = {"S0": "critical", "S1": "critical", "S2": "error", "S3": "warning"}
_STATES = {"open": "", "acknowledged": "ACKNOWLEDGED ", "settled": "SETTLED "}


def body_of(notice: Notice) -> dict[str, Json]:
    """What a webhook or pager receives; the same on every repeat."""
    body: dict[str, Json] = {
        "type": EVENT,
        "about": notice.about,
        "severity": notice.severity,
        "region": notice.region,
        "incident": notice.incident,
        "step": notice.step,
        "path": notice.path,
        "roles": list(notice.roles),
        "due_at": notice.due_at,
    }
    if notice.page:
        body |= {"page": notice.page, "rung": notice.rung}
    return body


def bodies_of(notices: Sequence[Notice]) -> dict[str, Json]:
    """Several that wait, in one message that counts them."""
    if len(notices) == 1:
        return body_of(notices[0])
    return {
        "type": EVENT_MANY,
        "about": "many",
        "waiting": len(notices),
        "region": notices[0].region,
        "notices": [body_of(notice) for notice in notices],
    }


def line_of(notice: Notice) -> str:
    """One line that a person reads: how bad, what, where, for whom, until when."""
    about = f" {notice.about}" if notice.state == "open" else ""
    parts = [f"{_STATES[notice.state]}[{notice.region}] {notice.severity or '-'}{about}"]
    if notice.rung:
        parts[0] += f" (climbed {notice.rung}x)"
    parts.append(f"{notice.incident} {notice.step or notice.path}".strip())
    if notice.roles:
        parts.append("for " + ", ".join(notice.roles))
    if notice.due_at:
        parts.append(f"until {_FRACTION.sub('Z', notice.due_at)}")
    if notice.page and notice.state == "open":
        parts.append(f"watchfloor ack {notice.incident} {notice.page}")
    return " | ".join(parts)


def text_of(notices: Sequence[Notice]) -> str:
    """The text of a chat message: one line, or a count and the first lines."""
    if len(notices) == 1:
        return line_of(notices[0])
    lines = [f"{len(notices)} things wait", *(line_of(notice) for notice in notices[:LISTED])]
    if len(notices) > LISTED:
        lines.append(f"and {len(notices) - LISTED} more")
    return "\n".join(lines)


def mail_of(notices: Notice | Sequence[Notice], *, sender: str, to: str, delivery: str) -> EmailMessage:
    """The mail: plain text, one fact a line."""
    several = [notices] if isinstance(notices, Notice) else list(notices)
    first = several[0]
    subject = f"{first.about} {first.incident}" if len(several) == 1 else f"{len(several)} things wait"
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = f"[watchfloor {first.region}] {subject}"
    message["Message-ID"] = f"<{delivery}@watchfloor.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    parts = ["\n".join(_facts(notice)) for notice in several[:LISTED]]
    if len(several) > LISTED:
        parts.append(f"and {len(several) - LISTED} more")
    message.set_content("\n\n".join(parts) + "\n")
    return message


def _facts(notice: Notice) -> list[str]:
    return [
        f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in body_of(notice).items()
        if value
    ]


def alert_key(notice: Notice, alert: str) -> str:
    """The `dedup_key` of an alert at a paging service; `read_alert_key` reads it back."""
    return f"watchfloor/{notice.region}/{notice.incident}/{alert or notice.path}"[:255]


def read_alert_key(key: str) -> tuple[str, str, str] | None:
    """Region, incident and alert of a `dedup_key`; None for what is none of ours."""
    parts = key.split("/", 3)
    if len(parts) != 4 or parts[0] != "watchfloor" or not all(parts):
        return None
    return parts[1], parts[2], parts[3]


def alert_of(notice: Notice) -> dict[str, Json]:
    """The `payload` of an alert (PagerDuty's Common Event Format)."""
    return {
        "summary": line_of(notice)[:1024],
        "source": f"watchfloor/{notice.region}",
        "severity": PAGER_SEVERITY.get(notice.severity, "info"),
        "timestamp": render_instant(notice.at),
        "component": notice.step or notice.path,
        "group": notice.incident,
        "class": notice.about,
        "custom_details": body_of(notice),
    }
