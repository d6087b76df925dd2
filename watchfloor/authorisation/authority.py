"""Asking the policies, and saying why they refuse: which policy, what it wants, what was found, what to do."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cedarpy

from watchfloor.authorisation.policies_file import SCHEMA, SHIPPED, PoliciesRefused, Policy, PolicyFault, read_policies
from watchfloor.authorisation.questions import VERBS, Question

NOT_PERMITTED = "not_permitted"


_OPTION = "context.option = "


@dataclass(frozen=True, slots=True)
class Objection:
    """Why one policy does not let something happen. `found` are the values that it looked at."""

    policy: str
    place: str
    wants: str
    found: tuple[str, ...]
    fix: str
    refusal: str

    @property
    def is_of_another_option(self) -> bool:
        """Whether the policy would permit something, but not what was to be said or chosen here."""
        return any(one.startswith(_OPTION) for one in self.found)

    def __str__(self) -> str:
        seen = f"; found {', '.join(self.found)}" if self.found else ""
        return f"policy `{self.policy}` ({self.place}) wants {self.wants}{seen}; {self.fix}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. `permits` names the policies that allowed it, `objections` those that forbid it or, where none does
    and nothing permits it, each that might have permitted it."""

    allowed: bool
    permits: tuple[str, ...]
    objections: tuple[Objection, ...]

    @property
    def refusal(self) -> str:
        """The type of the refusal, empty when allowed."""
        if self.allowed:
            return ""
        return next((one.refusal for one in self.objections if one.refusal), NOT_PERMITTED)

    @property
    def reason(self) -> str:
        """The refusal in words: of those policies that speak of this very option, where any does."""
        if self.allowed:
            return ""
        near = [one for one in self.objections if not one.is_of_another_option]
        return (
            "; and ".join(map(str, near or self.objections))
            or "no policy speaks of it, and what none permits is refused"
        )


class Authority:
    """Policies, ready to be asked. Never widens: who asks must keep the engine's own rules as well."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.policies = tuple(policies)
        self._schema = cedarpy.Schema.from_str(SCHEMA.read_text(encoding="utf-8"))
        self._set = cedarpy.PolicySet.from_str("\n".join(policy.text for policy in policies))
        self._rules = [_rule(policy.text) for policy in policies]

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The policies as Cedar's own JSON, in their order."""
        return list(self._rules)

    def judge(self, question: Question) -> Verdict:
        """Ask all policies."""
        answer = cedarpy.is_authorized(question.request(), self._set, question.entities(), self._schema)
        reasons = [self.policies[_number(name)] for name in answer.diagnostics.reasons]
        if answer.allowed and not answer.diagnostics.errors:
            return Verdict(True, tuple(policy.id for policy in reasons), ())
        if reasons and not answer.allowed:
            return Verdict(False, (), tuple(self._object(policy, question, forbids=True) for policy in reasons))
        meant = [policy for policy, rule in zip(self.policies, self._rules, strict=True) if _permits(rule, question)]
        return Verdict(False, (), tuple(self._object(policy, question, forbids=False) for policy in meant))

    def _object(self, policy: Policy, question: Question, *, forbids: bool) -> Objection:
        rule = self._rules[self.policies.index(policy)]
        parts = [
            part
            for condition in rule["conditions"]
            for part in (_conjuncts(condition["body"]) if condition["kind"] == "when" else [condition["body"]])
            if forbids or self._fails(part, condition["kind"], question)
        ]
        looked_at = dict.fromkeys(name for part in parts for name in _names(part))
        found = tuple(f"{variable}.{name} = {_shown(question.find(variable, name))}" for variable, name in looked_at)
        return Objection(policy.id, policy.place, policy.wants, found, policy.fix, policy.refusal)

    def _fails(self, part: dict[str, Any], kind: str, question: Question) -> bool:
        """Whether this part of a permit is what speaks against it: asked alone, it does not permit."""
        alone = {
            "staticPolicies": {
                "alone": {
                    "effect": "permit",
                    "principal": {"op": "All"},
                    "action": {"op": "All"},
                    "resource": {"op": "All"},
                    "conditions": [{"kind": kind, "body": part}],
                }
            },
            "templates": {},
            "templateLinks": [],
        }
        asked = cedarpy.PolicySet.from_json_str(json.dumps(alone))
        return not cedarpy.is_authorized(question.request(), asked, question.entities()).allowed


@cache
def shipped_authority() -> Authority:
    """The policies that come with the product."""
    return Authority(read_policies(SHIPPED))


def load_authority(own: Path | None = None) -> Authority:
    """The shipped policies, with those of a region's own folder.

    Raises:
        PoliciesRefused: with every fault and its place.
    """
    if own is None or not own.is_dir():
        return shipped_authority()
    policies = read_policies(SHIPPED, own)
    try:
        return Authority(policies)
    except ValueError as error:  # cedarpy's word for a set that does not fit together
        raise PoliciesRefused([PolicyFault(str(own), 1, str(error))]) from error


def _rule(text: str) -> dict[str, Any]:
    (rule,) = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
    return dict(rule)


def _number(name: str) -> int:
    """Cedar names policies of a text `policy0`, `policy1` … in their order."""
    return int(name.removeprefix("policy"))


def _permits(rule: dict[str, Any], question: Question) -> bool:
    """Whether a policy could have permitted this verb."""
    if rule["effect"] != "permit":
        return False
    scope = rule["action"]
    listed = scope.get("entities") or ([scope["entity"]] if "entity" in scope else [])
    return scope["op"] == "All" or question.verb in {one["id"] for one in listed}


def _conjuncts(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if set(body) == {"&&"}:
        yield from _conjuncts(body["&&"]["left"])
        yield from _conjuncts(body["&&"]["right"])
    else:
        yield body


def _names(part: object) -> Iterator[tuple[str, str]]:
    """`principal.roles` and its like, in the order they are written."""
    if isinstance(part, list):
        for one in part:
            yield from _names(one)
    elif isinstance(part, dict):
        access = part.get(".")
        if isinstance(access, dict) and isinstance(access.get("left"), dict) and "Var" in access["left"]:
            yield access["left"]["Var"], access["attr"]
            return
        for one in part.values():
            yield from _names(one)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(str, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


__all__ = ["NOT_PERMITTED", "VERBS", "Authority", "Objection", "Verdict", "load_authority", "shipped_authority"]
