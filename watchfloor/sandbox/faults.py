"""Fault rules: how a test makes the platform slow, busy, broken or lying."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from watchfloor.sandbox.store import Store


class Match(BaseModel):
    """Which calls. `url` looks at the body's `url` and `urls` and the query's `url`, `where` at the body's fields."""

    model_config = ConfigDict(extra="forbid")

    path: str
    method: str | None = None
    url: str | None = None
    where: dict[str, Any] = Field(default_factory=dict)


class Fault(BaseModel):
    """What happens to a matching call, `times` times (null: always).

    `delay` waits first. `status` and `body` are answered instead of carrying the call out, or, with `after_effect`,
    instead of the true answer after it was carried out. `drop_after_effect` carries it out and cuts the connection
    without a byte. A 429 or 503 says `Retry-After: <retry_after>`.
    """

    model_config = ConfigDict(extra="forbid")

    match: Match
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    body: Any = None
    delay: Annotated[float, Field(ge=0, le=600)] = 0
    retry_after: Annotated[int, Field(ge=0, le=3600)] | None = None
    after_effect: bool = False
    drop_after_effect: bool = False
    times: Annotated[int, Field(ge=1)] | None = 1

    @model_validator(mode="after")
    def _does_something(self) -> "Fault":
        answers = self.status is not None or self.body is not None
        if not (answers or self.delay or self.drop_after_effect):
            raise ValueError("a fault needs one of `status`, `body`, `delay`, `drop_after_effect`")
        if self.drop_after_effect and answers:
            raise ValueError("a dropped connection answers nothing: leave `status` and `body` out")
        if self.after_effect and not answers:
            raise ValueError("`after_effect` needs the `status` or `body` that is answered")
        if self.retry_after is not None and self.status not in {429, 503}:
            raise ValueError("`retry_after` belongs to status 429 or 503")
        return self

    @property
    def answer_status(self) -> int | None:
        """The status to answer with, or None where the call gets its own answer."""
        if self.status is not None:
            return self.status
        return None if self.body is None else 200


@dataclass(frozen=True, slots=True)
class Call:
    """What rules look at."""

    method: str
    path: str
    query_url: str | None
    body: Any

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.body if isinstance(self.body, dict) else {}

    @property
    def subject(self) -> str | None:
        """What the call is about, for the journal."""
        for name in ("url", "account", "stream", "hold", "order_id", "about"):
            if isinstance(value := self.fields.get(name), str):
                return value
        return self.query_url


def _matches(match: Match, call: Call) -> bool:
    if match.path != call.path or (match.method or call.method) != call.method:
        return False
    if match.url is not None:
        listed = call.fields.get("urls")
        urls = {call.query_url, call.fields.get("url"), *(listed if isinstance(listed, list) else ())}
        if match.url not in urls:
            return False
    return all(name in call.fields and call.fields[name] == value for name, value in match.where.items())


def take_fault(store: Store, call: Call) -> tuple[int, Fault] | None:
    """The oldest rule that applies, one of its times spent."""
    for n, rule, _left in store.faults():
        fault = Fault.model_validate(rule)
        if _matches(fault.match, call):
            store.spend_fault(n)
            return n, fault
    return None
