"""The binding document: which call an abstract action makes at this company. Pure shapes; `loading` reads them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.actions import Idempotency
from schemas.events import KINDS
from watchfloor.connections.templates import names_in
from watchfloor.language.findings import nearest

_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s|m|h)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
FORBIDDEN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "accept-encoding"}
)
"""Headers that the connection itself sets; a binding that sets one could smuggle a second request."""


def _seconds(value: object) -> object:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration such as `500ms`, `10s`, `2m` is expected")
    return float(match[1]) * _UNITS[match[2]]


def _header_name(name: str) -> str:
    if name.lower() in FORBIDDEN_HEADERS:
        raise ValueError(f"`{name}` is set by the connection itself; leave it out")
    return name


def _header_value(value: str) -> str:
    if not value.isprintable() or not value.isascii():
        raise ValueError("a header's value is printable ASCII on one line")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=3600)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$"), AfterValidator(_header_name)]
HeaderValue = Annotated[str, Field(max_length=1024), AfterValidator(_header_value)]
BodyPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", max_length=200)]
"""Where a value stands in a JSON body: names and list indexes joined by dots."""
RequestPath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9/._~{}?-]*$", max_length=500)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Secret(Strict):
    """Where a secret is: the name of an environment variable, or a file only its owner may read. Never the secret.

    `sandbox` may hold it literally, and only in a sandbox file: it protects nothing there.
    """

    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    file: str | None = None
    sandbox: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "Secret":
        if sum(value is not None for value in (self.env, self.file, self.sandbox)) != 1:
            raise ValueError("exactly one of `env`, `file`, `sandbox` is expected")
        return self


class Auth(Strict):
    """A credential in a header: `value` with `{secret}` in it."""

    header: HeaderName = "Authorization"
    value: HeaderValue = "Bearer {secret}"
    secret: Secret

    @model_validator(mode="after")
    def _uses_it(self) -> "Auth":
        if "{secret}" not in self.value:
            raise ValueError("`value` has no `{secret}` in it, so the secret would not be sent")
        return self


class Success(Strict):
    """What must stand in the body of a 2xx answer for it to be one: a target may say 200 and have failed."""

    at: BodyPath
    equals: bool | int | str | None = None
    one_of: list[bool | int | str] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Success":
        if ("equals" in self.model_fields_set) == (self.one_of is not None):
            raise ValueError("exactly one of `equals`, `one_of` is expected")
        return self

    def holds(self, found: object) -> bool:
        wanted = self.one_of if self.one_of is not None else [self.equals]
        # `1 == True` in Python, but not in an answer
        return any(type(found) is type(value) and found == value for value in wanted)


class Rate(Strict):
    """At most `per_second` calls on average, `burst` at once, per worker process."""

    per_second: Annotated[float, Field(gt=0, le=10_000)]
    burst: Annotated[int, Field(ge=1, le=10_000)]


class Lookup(Strict):
    """How to ask the target what became of a key. 404, or `found` not holding, says that it never took effect."""

    method: Literal["GET", "POST"] = "GET"
    path: RequestPath
    query: dict[str, str] = {}
    body: Any = None
    settle: Seconds
    found: Success | None = None
    outputs: dict[Name, BodyPath] = {}


class Binding(Strict):
    """One action's call. Placeholders `{name}` take the action's inputs and `key`, `incident`, `region`, `step`."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    base: str | None = None
    path: RequestPath
    query: dict[str, str] = {}
    headers: dict[HeaderName, HeaderValue] = {}
    body: Any = None
    auth: Auth | None = None
    idempotency: Idempotency = "none"
    key_header: HeaderName | None = None
    timeout: Seconds | None = None
    success: Success | None = None
    outputs: dict[Name, BodyPath] = {}
    rate: Rate | None = None
    cap: Annotated[int, Field(ge=1)] | None = None
    """Different effects per hour over all workers of the region."""
    enabled: bool = True
    """The kill switch: false stops every call of this action."""
    lookup: Lookup | None = None
    max_response: Annotated[int, Field(ge=1, le=64 * 1024 * 1024)] = 1024 * 1024

    @model_validator(mode="after")
    def _agrees(self) -> "Binding":
        if (self.idempotency == "lookup") != (self.lookup is not None):
            raise ValueError("`idempotency: lookup` and a `lookup:` belong together; one of them is missing")
        if self.idempotency == "body" and "key" not in names_in(self.body):
            raise ValueError("`idempotency: body` needs `{key}` in the body; the target could not tell a repeat")
        if self.key_header is not None and self.idempotency not in {"header", "lookup"}:
            raise ValueError("`key_header` is sent only with `idempotency: header` or `lookup`")
        if self.lookup is not None and "key" not in names_in([self.lookup.path, self.lookup.query, self.lookup.body]):
            raise ValueError("the `lookup` needs `{key}` in its path, query or body")
        if self.method == "GET" and self.body is not None:
            raise ValueError("a GET has no body; use `query`")
        return self


class Defaults(Strict):
    timeout: Seconds = 10.0
    key_header: HeaderName = "Idempotency-Key"
    rate: Rate | None = None


class Smtp(Strict):
    """The mail server. `starttls` is required but for a sandbox on loopback."""

    host: str
    port: Annotated[int, BeforeValidator(lambda value: int(value) if str(value).isdecimal() else value), Field(gt=0)]
    sender: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$", max_length=200)]
    starttls: bool = True
    user: str | None = None
    password: Secret | None = None
    timeout: Seconds = 10.0


class _Channel(Strict):
    """What every destination of notices may say: how often it takes one."""

    rate: Rate = Rate(per_second=10.0, burst=50)


class WebhookChannel(_Channel):
    """A receiver of Standard Webhooks; `secret` signs."""

    kind: Literal["webhook"]
    base: str | None = None
    path: RequestPath
    secret: Secret
    auth: Auth | None = None


class PagerChannel(_Channel):
    """A plain JSON receiver that deduplicates by `Idempotency-Key`."""

    kind: Literal["pager"]
    base: str | None = None
    path: RequestPath
    auth: Auth | None = None


class EmailChannel(_Channel):
    """One address, through `smtp`."""

    kind: Literal["email"]
    to: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$", max_length=200)]


class SlackChannel(_Channel):
    """A Slack channel by its id.

    `token` is a bot's, with `chat:write` and, to look for what it may have posted before it posts again,
    `channels:history` (`groups:history` for a private one).
    """

    kind: Literal["slack"]
    base: str = "https://slack.com"
    channel: Annotated[str, Field(pattern=r"^[CGD][A-Z0-9]{2,20}$")]
    token: Secret
    rate: Rate = Rate(per_second=1.0, burst=3)
    """Slack takes about one message a second in a channel, and short bursts."""


class PagerDutyChannel(_Channel):
    """A service of PagerDuty by its Events API v2 integration key. `webhook_secret` verifies what PagerDuty calls back
    with (webhooks v3), so that an acknowledgement there counts here."""

    kind: Literal["pagerduty"]
    base: str = "https://events.pagerduty.com"
    routing_key: Secret
    webhook_secret: Secret | None = None
    rate: Rate = Rate(per_second=2.0, burst=20)


Channel = Annotated[
    WebhookChannel | PagerChannel | EmailChannel | SlackChannel | PagerDutyChannel, Field(discriminator="kind")
]
"""A destination of notices."""


class _Sender(Strict):
    """A system that may trigger incidents here. While its secret is being changed, `old_secret` verifies too."""

    secret: Secret
    old_secret: Secret | None = None
    rate: Rate = Rate(per_second=20.0, burst=200)
    patience: Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=7 * 86_400)] = 900.0
    """For how many seconds what could not be started is tried again before it is a dead letter."""


class StandardSender(_Sender):
    """Standard Webhooks: `secret` verifies its signatures. The kind where none is named."""

    kind: Literal["standard_webhooks"] = "standard_webhooks"


class AlertmanagerSender(_Sender):
    """Prometheus Alertmanager, webhook version 4, which signs nothing: `secret` is a bearer token, or with `user` the
    password of basic auth."""

    kind: Literal["alertmanager"]
    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    resolved_fact: Name | None = None
    """The fact that a resolved group reports to the incidents it had started."""


class PagerDutySender(_Sender):
    """PagerDuty webhooks v3: `secret` is the subscription's."""

    kind: Literal["pagerduty"]
    resolved_fact: Name | None = None
    """The fact that a resolved incident of theirs reports to the incidents it had started here."""


class CoopSender(_Sender):
    """Coop's action callbacks: `secret` is where the public key is that Coop shows as its webhook signature
    verification key, in PEM."""

    kind: Literal["coop"]


class OspreySender(_Sender):
    """An output sink of Osprey that posts its results: signed as Standard Webhooks are, or with a bearer token."""

    kind: Literal["osprey"]
    proof: Literal["signature", "bearer"] = "signature"


class CloudEventsSender(_Sender):
    """CloudEvents 1.0 over HTTP: signed as Standard Webhooks are (structured mode), or with a bearer token (structured
    and binary mode)."""

    kind: Literal["cloudevents"]
    proof: Literal["signature", "bearer"] = "signature"


def _named_kind(value: object) -> object:
    """Senders were all of one kind once; one that names none is of that kind still."""
    return {"kind": "standard_webhooks", **value} if isinstance(value, dict) else value


Sender = Annotated[
    Annotated[
        StandardSender | AlertmanagerSender | PagerDutySender | CoopSender | OspreySender | CloudEventsSender,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_named_kind),
]
"""A system that may trigger incidents here."""


def _event_pattern(text: str) -> str:
    groups = {f"{kind.partition('.')[0]}.*" for kind in KINDS}
    if text != "*" and text not in KINDS and text not in groups:
        near = nearest(text, [*sorted(KINDS), *sorted(groups)])
        raise ValueError(
            f"`{text[:60]}` is no event" + (f"; did you mean `{near}`?" if near else "; `incident.*`, `clock.breached`")
        )
    return text


EventPattern = Annotated[str, AfterValidator(_event_pattern)]
"""A kind of event, all of a group (`clock.*`), or `*`."""
Patience = Annotated[float, BeforeValidator(_seconds), Field(ge=60, le=14 * 86400)]


class Subscription(Strict):
    """A system that is told what happens to the incidents of one region, as signed webhooks.

    `region` is the region whose incidents it hears of, and no other's. `clearances` are the compartments of whose
    incidents it is told at all, and then only ids, states, severities and deadlines.
    """

    region: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    url: Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s?#]+$")]
    secret: Secret
    old_secret: Secret | None = None
    """While the secret is being changed, both sign."""
    events: Annotated[list[EventPattern], Field(min_length=1, max_length=60)]
    severities: Annotated[list[Literal["S0", "S1", "S2", "S3", "S4"]], Field(max_length=5)] = []
    runbooks: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=100)] = []
    clearances: Annotated[list[Name], Field(max_length=20)] = []
    give_up_after: Patience = 72 * 3600.0
    """How long an event is tried before it is a dead letter."""
    rate: Rate = Rate(per_second=50.0, burst=100)

    def wants(self, kind: str) -> bool:
        """Whether it asked for this kind of event."""
        return any(one in {"*", kind, f"{kind.partition('.')[0]}.*"} for one in self.events)


class Bindings(Strict):
    """The whole document."""

    version: Literal[1]
    sandbox: bool = False
    base: str
    allow_hosts: Annotated[list[str], Field(min_length=1, max_length=100)]
    allow_networks: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=20)] = []
    """The operator's own networks inside which a listed host may be; without one only public addresses are called."""
    defaults: Defaults = Defaults()
    actions: dict[Annotated[str, Field(pattern=r"^[a-z]+(\.[a-z_]+)?$")], Binding]
    smtp: Smtp | None = None
    channels: dict[Name, Channel] = {}
    senders: dict[Name, Sender] = {}
    subscriptions: Annotated[dict[Name, Subscription], Field(max_length=100)] = {}

    def timeout_of(self, binding: Binding) -> float:
        return binding.timeout if binding.timeout is not None else self.defaults.timeout

    def subscription_secrets(self, region: str | None = None) -> Mapping[tuple[str | int, ...], Secret]:
        """What signs events, by its place: of one region's subscriptions only, or of all.

        Apart from `secrets`: a worker sends no events, and no process reads what signs another region's.
        """
        found: dict[tuple[str | int, ...], Secret] = {}
        for name, one in self.subscriptions.items():
            if region in {None, one.region}:
                found["subscriptions", name, "secret"] = one.secret
                if one.old_secret is not None:
                    found["subscriptions", name, "old_secret"] = one.old_secret
        return found

    def secrets(self) -> Mapping[tuple[str | int, ...], Secret]:
        """Every secret by its place in the document."""
        found: dict[tuple[str | int, ...], Secret] = {}
        for name, binding in self.actions.items():
            if binding.auth is not None:
                found["actions", name, "auth", "secret"] = binding.auth.secret
        for name, channel in self.channels.items():
            for field in ("secret", "token", "routing_key", "webhook_secret"):
                secret = getattr(channel, field, None)
                if isinstance(secret, Secret):
                    found["channels", name, field] = secret
            auth = getattr(channel, "auth", None)
            if isinstance(auth, Auth):
                found["channels", name, "auth", "secret"] = auth.secret
        for name, sender in self.senders.items():
            found["senders", name, "secret"] = sender.secret
            if sender.old_secret is not None:
                found["senders", name, "old_secret"] = sender.old_secret
        if self.smtp is not None and self.smtp.password is not None:
            found["smtp", "password"] = self.smtp.password
        return found
