"""What the API takes and gives. Instants are RFC 3339 in UTC; ids are opaque."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.json_value import Json

Word = Annotated[str, Field(min_length=1, max_length=80)]


class Taken(BaseModel):
    """What is sent in: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


class Given(BaseModel):
    """What is sent out."""

    model_config = ConfigDict(extra="forbid")


class NewIncident(Taken):
    """An order to start an incident."""

    runbook: Word = Field(description="Id of a runbook of the library.", examples=["eu-tco-removal-order"])
    inputs: dict[str, Any] = Field(description="The runbook's inputs; references and ids, never material.")
    received_at: str | None = Field(
        default=None, max_length=40, description="When the order reached you; may lie in the past, never in the future."
    )


class StartedIncident(Given):
    """What became of an order."""

    state: Literal["started", "joined"] = Field(description="`joined`: this key had started it before.")
    incident: str
    region: str
    runbook: str
    url: str = Field(description="Where the incident is found from now on.")
    closed: bool = Field(default=False, description="It was started so long ago that the engine has forgotten it.")


class NewFact(Taken):
    """Something that happened. Its source is the name of the key that sends it."""

    fact: Word = Field(description="The fact as the runbook declares it.")
    value: Json = Field(description="Its value; for a timestamp an instant.")
    at: str | None = Field(
        default=None, max_length=40, description="When it was observed; left out: a timestamp's own value, else now."
    )


class TakenFact(Given):
    """`recorded`: the run has it, durably. `kept`: on disk, delivered until the ledger shows it."""

    state: Literal["recorded", "kept", "sent"]
    incident: str
    fact: str
    digest: str = Field(description="By this the ledger knows the statement.")


class Waiting(Given):
    """A question that waits on people."""

    path: str
    step: str
    kind: str
    roles: list[str]
    deadline_at: str | None
    on_silence: str


class ClockView(Given):
    """A legal clock or one of our own."""

    name: str
    state: str
    started_at: str | None
    due_at: str | None


class Summary(Given):
    """One line of the list."""

    incident: str
    runbook: str
    severity: str
    state: str
    phase: str
    outcome: str
    opened_at: str
    next_due_at: str | None = Field(description="The nearest deadline of a running clock or an open question.")
    waiting: list[Waiting]
    clocks: list[ClockView]
    revision: str = Field(description="Another one whenever anything of the incident has changed; says nothing else.")
    url: str


class Listing(Given):
    """A page of incidents, the latest opened first."""

    incidents: list[Summary]
    next: str | None = Field(description="Give it as `cursor` for the page after this one; null on the last.")
    revision: str = Field(
        description="How far this list goes: give it as `Last-Event-ID` to `/events` or as `since` to `/boards`."
    )


class Entry(Given):
    """One ledger entry as it stands in the chain."""

    seq: int
    id: str
    kind: str
    at: str
    actor: str
    step: str
    path: str
    data: dict[str, Any]
    hash: str
    prev: str


class Timeline(Given):
    """Ledger entries of one incident in their order."""

    incident: str
    entries: list[Entry]
    next: int | None = Field(description="Give it as `after` for what follows; null when there is no more now.")


class RunbookLine(Given):
    """A runbook of the library. Of one that does not compile nothing is known but its id and its findings."""

    id: str
    compiles: bool = Field(description="False while its findings keep it from starting anything.")
    version: int | None
    title: str
    harm: str
    command: str = Field(description="The region that commands its incidents.")
    digest: str = Field(description="Of the plan, as `plan` of a board.")
    triggers: list[str] = Field(description="What may start it beside this API: its sources by their names.")


class RunbookPage(RunbookLine):
    """A runbook with what it takes and the facts it knows."""

    inputs: dict[str, Any] = Field(description="Name -> type and limits: what `inputs` of an order must fit.")
    facts: dict[str, Any] = Field(description="Name -> type, and `from`: the sources that it takes the fact from.")
    findings: list[dict[str, Any]]


class FindingLine(Given):
    """One finding. Lines and columns count from 1; `watchfloor explain CODE` has the page of its code."""

    code: str
    severity: Literal["error", "warning", "hint"]
    line: int
    column: int
    end_column: int
    message: str
    expected: str
    found: str
    help: str


class Findings(Given):
    """What lint says about one runbook, in the order of the text."""

    runbook: str
    compiles: bool = Field(description="False while these findings keep it from starting anything.")
    version: int | None
    digest: str
    findings: list[FindingLine]


class ProblemField(BaseModel):
    """One thing that does not fit, and how to mend it."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(description="Where: `inputs.urls`, `query.limit`, `header.Idempotency-Key`.")
    expected: str
    fix: str


class ProblemBody(BaseModel):
    """RFC 9457 problem details. `code` is for programs and stable; `detail` is for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    fields: list[ProblemField] = Field(default=[], description="What does not fit, one by one; of 422.")
