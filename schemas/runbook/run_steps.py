"""Steps beyond this run: actions, waits, holds, handoffs, other runbooks, reviews, and its end."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.runbook.effects import DoubtRule, RetryRule, UndoRule
from schemas.runbook.gates import Approval, Review, Seats, Steps
from schemas.runbook.step_keys import StepCommon
from schemas.runbook.words import Document, Dotted, Duration, Expression, Name, Seat, Span


class ActionStep(StepCommon):
    """Runs one registered action."""

    action: Dotted = Field(description="The action's name in the catalogue.")
    with_: dict[Name, Any] = Field(
        default={},
        alias="with",
        description="Inputs. One that is left out is taken from the run's input of the same name, if there is one.",
    )
    retry: RetryRule | None = Field(default=None, description="Attempts and pauses.")
    attempt_timeout: Span | None = Field(default=None, description="The longest one attempt may take.")
    approval: Approval | None = Field(default=None, description="Who says yes before it acts.")
    undo: UndoRule | None = Field(default=None, description="What takes it back, and on which facts.")
    doubt: DoubtRule | None = Field(default=None, description="Who is asked when it is unknown whether it happened.")
    review: Review | None = Field(default=None, description="Who looks at it after it was done.")
    expires: Duration | None = Field(default=None, description="After how long the undo runs by itself.")


class WaitBody(Document):
    for_: Duration | None = Field(default=None, alias="for", description="For how long.")
    until: Expression | None = Field(default=None, description="Until a condition holds or an instant comes.")
    fact: Name | None = Field(default=None, description="Until this fact is recorded.")
    within: Duration | None = Field(default=None, description="How long to wait for the condition or the fact.")
    on_timeout: Literal["fail", "continue"] | Steps | None = Field(default=None, description="What then (fail).")


class WaitStep(StepCommon):
    """Waits for a duration, an instant, a condition, or a fact from outside."""

    wait: WaitBody


class HoldBody(Document):
    basis: Dotted = Field(description="The row of the clock register (min_retention) that demands it.")
    scope: dict[Name, Expression] = Field(min_length=1, description="Exactly what is held, by list.")
    sources: list[Name] = Field(min_length=1, description="Custodians whose deletion is frozen.")
    storage: Literal["governance", "compliance"] = Field(default="governance", description="Kind of write-once lock.")
    release: Seats | None = Field(default=None, description="Who releases it; never fewer than two people.")


class HoldStep(StepCommon):
    """Places a legal hold that outlives the incident."""

    hold: HoldBody


class HandoffBody(Document):
    to: Name = Field(description="The receiving region.")
    mode: Literal["assist", "command"] = Field(default="assist", description="Help, or pass the command.")
    share: list[Expression] = Field(max_length=50, description="Everything that crosses, and nothing else.")
    accept_within: Duration = Field(description="How long the other region has.")
    from_: Seats | None = Field(default=None, alias="from", description="Who may accept there (its desk).")
    fallback: Literal["keep", "fail"] | Steps | None = Field(
        default=None, description="What no acceptance leads to; `keep` goes on here."
    )


class HandoffStep(StepCommon):
    """Offers the incident, or a part, to another region."""

    handoff: HandoffBody


class PostmortemBody(Document):
    facilitator: Seat = Field(description="Who leads the review.")
    within: Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?(s|m|h|d|bd)$")] = Field(
        description="When it is due: 10bd, 7d."
    )


class PostmortemStep(StepCommon):
    """Drafts the review from the ledger and assigns it."""

    postmortem: PostmortemBody


class StopBody(Document):
    outcome: Name = Field(description="How the run ends.")


class StopStep(StepCommon):
    """Ends the run."""

    stop: StopBody


class EachRun(Document):
    """One run per member of a list."""

    item: Name = Field(description="The name of the member in expressions.")
    in_: Expression = Field(alias="in", description="The list; an input needs max_items.")
    at_once: int | None = Field(default=None, ge=1, le=200, description="How many runs at the same time (10).")


class RunStep(StepCommon):
    """Another runbook as a linked run of its own."""

    run: str = Field(pattern=r"^[a-z][a-z0-9-]{1,63}$", description="The other runbook's id, from the library.")
    with_: dict[Name, Any] = Field(
        default={},
        alias="with",
        description="Its inputs. One that is left out is taken from this run's input of the same name and type.",
    )
    wait: bool | None = Field(default=None, description="False goes on when it has started (true).")
    each: EachRun | None = Field(default=None, description="One run per member of a list.")
    key: Expression | None = Field(default=None, description="Its dedup key: the same key never starts it twice.")
    known_at: Expression | None = Field(default=None, description="Since when its cause was known; may be past.")
    reroute: bool | None = Field(
        default=None, description="Moves the incident itself: clocks and compartment go along, this run stops."
    )


class UseStep(Document):
    """Stands for the steps of a fragment."""

    id: Name = Field(description="Prefix of the fragment's step ids: `<id>_<step>`.")
    use: Name = Field(description="The fragment, as declared under `fragments`.")
    with_: dict[Name, Any] = Field(default={}, alias="with", description="Values of its parameters.")
    if_: Expression | None = Field(default=None, alias="if", description="Use it only when this holds.")
