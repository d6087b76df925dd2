"""What is asked of the policies: a person, a verb, what it is about, and how the person speaks."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from watchfloor.identity.people import Person

Verb = Literal[
    "decide",
    "abstain",
    "withdraw",
    "release_hold",
    "reveal",
    "control",
    "send_fact",
    "view",
    "export",
    "start",
    "delegate",
    "question",
    "answer",
    "narrow",
]
VERBS: tuple[str, ...] = get_args(Verb)
MOTIONS = frozenset({"abstain", "withdraw", "delegate", "question", "answer", "narrow"})
"""What is said at an ask besides an answer; it is about all options, so none is named."""
ABOUT_ASKS = MOTIONS | {"decide", "release_hold", "reveal"}


@dataclass(frozen=True, slots=True)
class Resource:
    """An ask or a run as policies see it; the fields are those of `schema.cedar`."""

    id: str
    kind: str
    runbook: str
    region: str
    severity: str = ""
    compartment: str = ""
    requester: str = ""
    commander: str = ""
    excluded: tuple[str, ...] = ()
    step: str = ""
    action: str = ""
    effect: str = ""
    tier: str = ""
    seats: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    """Roles in which this person fills somebody else's seat, because it was given to them in this ask."""


@dataclass(frozen=True, slots=True)
class Question:
    """May this person do this?"""

    person: Person
    verb: str
    resource: Resource
    role: str = ""
    option: str = ""
    signed_in: str = "dev"
    on_this_machine: bool = False
    methods: tuple[str, ...] = ()
    """What the provider says of how they proved who they are (`amr`)."""

    def request(self) -> dict[str, Any]:
        """The question as Cedar takes it."""
        return {
            "principal": f"Person::{_quoted(self.person.id)}",
            "action": f"Action::{_quoted(self.verb)}",
            "resource": f"{self._type}::{_quoted(self.resource.id)}",
            "context": {
                "role": self.role,
                "option": self.option,
                "signed_in": self.signed_in,
                "on_this_machine": self.on_this_machine,
                "amr": list(self.methods),
            },
        }

    def entities(self) -> list[dict[str, Any]]:
        """The person and the resource with their attributes."""
        return [
            {"uid": {"type": "Person", "id": self.person.id}, "attrs": self._principal(), "parents": []},
            {"uid": {"type": self._type, "id": self.resource.id}, "attrs": self._attributes(), "parents": []},
        ]

    def find(self, variable: str, name: str) -> object:
        """What `principal.roles` and its like are in this question, for words."""
        place = {"principal": self._principal, "resource": self._attributes}.get(variable)
        return (place() if place else self.request()["context"]).get(name, "nothing")

    @property
    def _type(self) -> str:
        return "Ask" if self.verb in ABOUT_ASKS else "Run"

    def _principal(self) -> dict[str, Any]:
        one = self.person
        return {
            "id": one.id,
            "roles": list(one.roles),
            "entity": one.entity,
            "region": one.region,
            "clearances": sorted(one.clearances),
            "languages": list(one.languages),
            "covered_person": one.covered_person,
        }

    def _attributes(self) -> dict[str, Any]:
        one = self.resource
        shared: dict[str, Any] = {
            "id": one.id,
            "kind": one.kind,
            "runbook": one.runbook,
            "region": one.region,
            "compartment": one.compartment,
            "severity": one.severity,
            "requester": one.requester,
            "commander": one.commander,
            "excluded": list(one.excluded),
        }
        if self._type == "Run":
            return shared
        return {
            **shared,
            "step": one.step,
            "action": one.action,
            "effect": one.effect,
            "tier": one.tier,
            "seats": list(one.seats),
            "given": list(one.given),
        }


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
