"""Other runbooks, for `run` steps: read through what the caller hands in, compiled once, never round in a circle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from schemas.plan import Plan
from watchfloor.language import codes
from watchfloor.language.findings import Finding

MAX_DEPTH = 6
"""Runs within one another, the outermost included."""

Text: TypeAlias = tuple[str, bytes]
"""A runbook's file as findings name it, and its contents."""

Compile: TypeAlias = Callable[[Text, "Runbooks"], tuple[Plan | None, tuple[Finding, ...]]]


@dataclass(frozen=True, slots=True)
class Child:
    """What became of another runbook: its plan, or what is the trouble with it."""

    plan: Plan | None
    trouble: Literal["unknown", "cycle", "deep", "wrong"] | None = None
    chain: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Runbooks:
    """The library as one compile sees it. Children share what was compiled before.

    Attributes:
        texts: runbook id -> its file; reading it may do I/O, which is the caller's affair.
        compile: how a text becomes a plan.
        chain: ids of the runbooks that are being compiled, outermost first.
    """

    texts: Mapping[str, Text]
    compile: Compile
    chain: tuple[str, ...] = ()
    done: dict[str, Child] = field(default_factory=dict)

    def names(self) -> list[str]:
        return sorted(self.texts)

    def child(self, name: str, own: str) -> Child:
        """The plan of another runbook.

        Args:
            name: its id.
            own: the id of the runbook that starts it.
        """
        chain = (*self.chain, own)
        if name in chain:
            return Child(None, "cycle", (*chain[chain.index(name) :], name))
        if name in self.done:
            return self.done[name]
        if len(chain) >= MAX_DEPTH:
            return Child(None, "deep", (*chain, name))
        text = self.texts.get(name)
        if text is None:
            return Child(None, "unknown")
        plan, findings = self.compile(text, Runbooks(self.texts, self.compile, chain, self.done))
        if plan is not None:
            self.done[name] = Child(plan)
            return self.done[name]
        round_ = next((each for each in findings if each.code == codes.ROUND.number), None)
        if round_ is not None:
            # kept: what reaches a circle reaches it wherever one comes from, and a web of circles has no end of ways
            self.done[name] = Child(None, "cycle", (*chain, name), (round_,))
            return self.done[name]
        self.done[name] = Child(None, "wrong", (), findings)
        return self.done[name]
