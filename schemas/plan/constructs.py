"""Words that a plan and its engine share: types of failure, classes of exposure, constructs that are carried out."""

from typing import Literal, get_args

Failure = Literal[
    "outcome_unknown",
    "refused",
    "unavailable",
    "timed_out",
    "denied",
    "silent",
    "exhausted",
    "bad_input",
    "no_grant",
    "not_bound",
    "switched_off",
    "too_large",
    "failed",
    "any",
]
FAILURES: tuple[Failure, ...] = get_args(Failure)
"""What `catch` and a typed `on_error` may name: the codes a step fails with, and `any`."""

Exposure = Literal["text", "graphic", "csea", "terror", "selfharm"]
EXPOSURES: tuple[Exposure, ...] = get_args(Exposure)
"""Classes of what people may have to see, read or hear (domain model, responder wellness)."""

CONSTRUCTS = frozenset(
    {
        "blind",
        "break_glass",
        "catches",
        "clock.each",
        "clock.if",
        "clock.pause",
        "clock.renew",
        "expires",
        "mode.incident_when",
        "outputs",
        "review",
        "run",
        "run.each",
        "run.key",
        "run.known_at",
        "run.reroute",
        "severity.score",
        "task.exposure",
        "track.detached",
        "track.on_fact",
        "track.watch",
        "triggers",
        "try",
        "undo.deny",
        "undo.expires",
    }
)
"""Constructs of the language that an engine may or may not carry out, by the name a finding uses."""

CARRIED_OUT = CONSTRUCTS
"""Those of `CONSTRUCTS` that this engine carries out: all. An engine that carries out fewer takes them from here; the
compiler refuses the rest by name (WF128)."""
