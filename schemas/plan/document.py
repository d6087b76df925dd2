"""A plan as a whole: what it is given, what it comes to know, its clocks, tracks, phases and outputs."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.json_value import Json
from schemas.plan.clocks import ClockPlan
from schemas.plan.steps import Step
from schemas.plan.values import Expr, TypeSpec, Value

PLAN_FORMAT = 1
"""Bumped when a plan of the old format could be read wrongly by a new engine, or the other way round."""


class FactSpec(TypedDict):
    """`sources` names who may set it: `inputs.x`, `steps.<id>`, `trigger.known_at` or
    `trigger.received_at`, or a system or role by name. `revise` or null."""

    type: TypeSpec
    sources: list[str]
    revise: dict[str, Json] | None


class Watch(TypedDict):
    """A track that runs again and again: first when `start` is there, then every `every`, for `length` seconds."""

    start: Expr
    every: float
    length: float


class Track(TypedDict):
    """Fires once when `when` becomes true. With `on_fact` it fires when that fact is recorded, each time if `each`
    (the firing's value is the variable `fact`, its path `alongside/<id>[n]`). With `watch` it repeats. `detached`
    tracks outlive the incident: they are runs of their own, linked."""

    id: str
    when: Expr
    steps: list[Step]
    on_fact: NotRequired[str | None]
    each: NotRequired[bool]
    watch: NotRequired[Watch | None]
    detached: NotRequired[bool]


class Phase(TypedDict):
    name: str
    steps: list[Step]


class Floor(TypedDict):
    when: Expr
    at_least: str


class OutputSpec(TypedDict):
    """What a runbook gives to the one that ran it, evaluated when it closes."""

    type: TypeSpec
    value: Expr


class TriggerSpec(TypedDict):
    """How an incident of this runbook may start. `map` gives each input from `event` (the delivery's JSON); `dedup` the
    key under which the same thing never starts twice; `where` whether the delivery starts anything at all."""

    kind: Literal["manual", "webhook", "schedule"]
    source: str
    where: Expr | None
    map: dict[str, Value]
    dedup: Value | None
    every: float | None
    content: NotRequired[Value]
    """A content hash or a list of them; what an open incident of the runbook has too is merged into that one."""
    account: NotRequired[Value]
    """An account's opaque id or a list of them; incidents that share one are linked."""
    known_at: NotRequired[Value]
    """When it was first known; may lie in the past."""


class Plan(TypedDict):
    format: int
    language: int
    engine: int
    cel: int
    id: str
    version: int
    title: str
    source_digest: str
    owners: list[str]
    harm: str
    mode: Literal["incident", "case"]
    compartment: str
    command: str
    allowed_regions: list[str]
    handoff_allowed: bool
    severity: str
    floors: list[Floor]
    inputs: dict[str, TypeSpec]
    facts: dict[str, FactSpec]
    clocks: dict[str, ClockPlan]
    tracks: list[Track]
    phases: list[Phase]
    close_when: Expr | None
    step_outputs: dict[str, dict[str, str]]
    """Step id -> output name -> CEL type; how the engine knows which outputs are timestamps."""
    score: NotRequired[dict[str, Expr]]
    """The six dimensions I, H, V, R, C, E as whole numbers 0 to 5; `severity` is then the level while one is absent.
    score = 5*I + 5*H + 3*V + 3*R + 2*C + 2*E; S0 from 75, S1 from 55, S2 from 35, S3 from 15 (domain model)."""
    jurisdictions: NotRequired[dict[str, Expr]]
    """Role (`schemas.runbook.JURISDICTION_ROLES`) -> a text or a list of texts: where that is."""
    unverified: NotRequired[Expr]
    """While this holds what is known is doubtful: the run is tagged, and S0 and S1 do not fall by themselves."""
    mode_when: NotRequired[Expr | None]
    """A case becomes an incident as soon as this holds, and stays one."""
    outputs: NotRequired[dict[str, OutputSpec]]
    triggers: NotRequired[list[TriggerSpec]]
    library: NotRequired[dict[str, str]]
    """Plan digest -> packed plan (`watchfloor.signing.pack`) of every runbook that a `run:` step of this plan starts; a
    child's own library is inside its plan, cycles are refused. So the parent's digest covers what its children do."""
