"""Prometheus Alertmanager, its webhook of version 4.

It signs nothing: a receiver's `http_config` sends a bearer token or basic auth [V: `http_config` in Alertmanager's
docs/configuration.md]. The body is `{version: "4", groupKey, status, receiver, groupLabels, commonLabels, alerts:
[{status, labels, annotations, startsAt, endsAt, fingerprint}], truncatedAlerts}` [V: notify/webhook/webhook.go and
template/template.go of prometheus/alertmanager]. It has no id of its own: two Alertmanagers of one cluster may both
send, and what is not settled is sent anew every `repeat_interval`, so what identifies a message is its group and what
its alerts are doing. It answers 5xx with a repeat and 4xx with silence [V: the comment in webhook.go].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.json_value import Json
from watchfloor.gateway.senders.message import JSON, Message, read_json, require_text, shape
from watchfloor.gateway.senders.proofs import Token
from watchfloor.signing import digest, parse_instant, render_instant

VERSION = "4"
MOST_ALERTS = 1000


class _Alert(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    status: str = Field(pattern="^(firing|resolved)$")
    labels: dict[str, str]
    startsAt: str = Field(max_length=64)
    endsAt: str = Field("", max_length=64)
    fingerprint: str = Field("", max_length=64)


class _Group(BaseModel):
    """What must be there; what a later release adds is passed on to `triggers` unlooked at."""

    model_config = ConfigDict(extra="ignore", strict=True)

    version: str
    groupKey: str = Field(min_length=1, max_length=4096)
    status: str = Field(pattern="^(firing|resolved)$")
    alerts: list[_Alert] = Field(min_length=1, max_length=MOST_ALERTS)


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """Groups of alerts. A resolved group starts nothing; it says when the last of its alerts was over."""

    proof: Token

    @property
    def media(self) -> frozenset[str]:
        return JSON

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        self.proof.verify(headers, content)

    def read(self, headers: Mapping[str, str], content: bytes) -> Message:
        document = read_json(content)
        if document.get("version") != VERSION:
            raise shape("version", f'"{VERSION}", which Alertmanager has sent since 0.4')
        try:
            group = _Group.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            # a label's name is the sender's own text; places in the form itself are ours
            place = ".".join(str(part) for part in first["loc"][:3] if isinstance(part, int) or part in _PLACES)
            raise shape(place or "the body", "the webhook of version 4") from None
        require_text(group.groupKey, "groupKey", most=4096)
        started = [_instant(alert.startsAt, "alerts.startsAt") for alert in group.alerts]
        ended = [_instant(alert.endsAt, "alerts.endsAt") for alert in group.alerts if alert.status == "resolved"]
        names = [alert.fingerprint or digest(dict(alert.labels)) for alert in group.alerts]
        doing: list[Json] = sorted(
            f"{name} {alert.status} {at}" for name, alert, at in zip(names, group.alerts, started, strict=True)
        )
        id_ = digest([group.groupKey, group.status, doing])
        order = sorted(
            range(len(names)), key=lambda nth: (group.alerts[nth].status != "firing", started[nth], names[nth])
        )
        alerts: Any = document["alerts"]
        return Message(
            id_,
            id_,
            # the one that has fired longest comes first, whatever order they were sent in: `event.alerts[0]` names
            # the same alert in each message about it
            {**document, "alerts": [alerts[nth] for nth in order]},
            thread=group.groupKey,
            over_at=max(ended) if group.status == "resolved" and ended else "",
        )


_PLACES = frozenset({"version", "groupKey", "status", "alerts", "labels", "startsAt", "endsAt", "fingerprint"})


def _instant(text: str, place: str) -> str:
    try:
        return render_instant(parse_instant(text))
    except (ValueError, OverflowError):
        raise shape(place, "an instant such as 2026-11-22T03:10:00Z") from None
