"""The sources of a hold: each frozen, proved by a canary deletion that must be refused, and at the end released."""

from collections.abc import Mapping
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from schemas.actions import ActionCall, ActionReceipt, Effect, ErrorType, Grant
from schemas.hold import HoldStart, SourceState
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.signing import action_digest, calls_digest, effect_key, render_instant
from workflows.journal import Journal

RELEASE = "release"
"""Path of the ask that lets a hold go."""

FREEZE, CANARY, UNFREEZE = "hold.freeze", "hold.canary", "hold.unfreeze"
NOT_REFUSED = "canary_not_refused"
"""Why a source failed: it would have deleted the canary although it says that it froze deletion."""

_ATTEMPT = timedelta(seconds=60)
_PATIENCE = timedelta(minutes=5)
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


class Custody:
    """What the sources of one hold have been told and have proved.

    Durable: `sources` and `effects` are carried over continue-as-new. A call may be sent twice; its key is made of
    hold, plan, path, source and the number of the freeze or canary, so the target sees one. A freeze gets a new number
    only after a canary has shown that the last one does not work.
    """

    def __init__(
        self,
        start: HoldStart,
        journal: Journal,
        sources: dict[str, SourceState],
        effects: dict[str, int],
        terms: dict[str, Json] | None = None,
    ) -> None:
        self._start = start
        self._journal = journal
        self._terms = terms
        self.sources = sources
        self.effects = effects

    @property
    def unproved(self) -> list[str]:
        """Sources whose freeze is not proved now."""
        return [name for name, state in self.sources.items() if state["state"] in {"freezing", "frozen", "failed"}]

    @property
    def kept(self) -> list[str]:
        """Sources that still hold back deletion, as far as is known."""
        return [name for name, state in self.sources.items() if state["state"] != "released" and state["reference"]]

    async def prove(self, source: str) -> bool:
        """Freeze a source unless it is frozen, then let it refuse the canary; False when it did not."""
        state = self.sources[source]
        if (not state["reference"] or f"{source}!again" in self.effects) and not await self._freeze(source, state):
            return False
        return await self._try_canary(source, state)

    def set_terms(self, terms: dict[str, Json] | None) -> None:
        """What is claimed from now on; each source that keeps such terms is frozen again with them when next proved."""
        self._terms = terms
        if terms is None:
            return
        for source in self.kept:
            self.effects[source] = self.effects.get(source, 1) + 1
            self.effects[f"{source}!again"] = 1

    async def release(self, source: str, decided: Grant) -> bool:
        """Let a source delete again, under the grant of the release; False when it could not be told."""
        state = self.sources[source]
        inputs = self._release_inputs(source)
        key = self._key(UNFREEZE, source, inputs, 0)
        receipt = await self._act(UNFREEZE, source, inputs, key, effect="restricts", grant=decided)
        if isinstance(receipt, str):
            state["detail"] = receipt
            return False
        state["state"], state["detail"] = "released", ""
        return True

    def release_calls(self) -> list[str]:
        """The digest of every call that a release will let through, with its exact inputs."""
        calls = []
        for source in self.kept:
            inputs = self._release_inputs(source)
            calls.append(action_digest(UNFREEZE, self._key(UNFREEZE, source, inputs, 0), inputs))
        return calls

    def release_digest(self) -> str:
        """What the decision to release is bound to."""
        return calls_digest(self.release_calls())

    async def _freeze(self, source: str, state: SourceState) -> bool:
        start = self._start
        inputs: dict[str, Json] = {
            "source": source,
            "basis": start["basis"],
            "scope": start["scope"],
            "hold": start["hold"],
        }
        if self._terms is not None:
            inputs["terms"] = self._terms
        key = self._key(FREEZE, source, inputs, self.effects.setdefault(source, 1))
        state["state"] = "freezing"
        receipt = await self._act(FREEZE, source, inputs, key, effect="restricts")
        if isinstance(receipt, str):
            return self._fail(source, state, receipt)
        state["state"], state["detail"] = "frozen", ""
        state["reference"] = str(receipt["outputs"]["reference"])
        self.effects.pop(f"{source}!again", None)
        self._note(EntryKind.HOLD_PLACED, source, {"reference": state["reference"], "key": key})
        return True

    async def _try_canary(self, source: str, state: SourceState) -> bool:
        inputs = {"source": source, "hold": self._start["hold"]}
        number = self.effects.get(f"{source}!canary", 0) + 1
        self.effects[f"{source}!canary"] = number
        receipt = await self._act(CANARY, source, inputs, self._key(CANARY, source, inputs, number), effect="reads")
        if isinstance(receipt, str):
            return self._fail(source, state, receipt)
        if receipt["outputs"].get("refused") is not True:
            state["reference"] = ""
            self.effects[source] = self.effects.get(source, 1) + 1
            return self._fail(source, state, NOT_REFUSED)
        state["state"], state["detail"] = "verified", ""
        state["verified_at"] = render_instant(workflow.now())
        self._note(EntryKind.HOLD_VERIFIED, source, {"reference": state["reference"], "canary": number})
        return True

    def _fail(self, source: str, state: SourceState, why: str) -> bool:
        state["state"], state["detail"] = "failed", why
        self._note(EntryKind.HOLD_FAILED, source, {"why": why})
        return False

    def _note(self, kind: str, source: str, data: dict[str, Json]) -> None:
        self._journal.note(kind, step="hold", path=source, data={"hold": self._start["hold"], "source": source, **data})

    def _release_inputs(self, source: str) -> dict[str, Json]:
        return {"source": source, "reference": self.sources[source]["reference"], "hold": self._start["hold"]}

    def _key(self, action: str, source: str, inputs: Mapping[str, Json], number: int) -> str:
        start = self._start
        return effect_key(
            region=start["region"],
            incident=start["hold"],
            plan=start["plan"],
            path=f"{source}/{action}",
            item=number,
            inputs=inputs,
            action=action,
        )

    async def _act(
        self,
        action: str,
        source: str,
        inputs: dict[str, Json],
        key: str,
        *,
        effect: Effect,
        grant: Grant | None = None,
    ) -> ActionReceipt | str:
        """Carry out one call; a text is the code of why it could not be done."""
        call: ActionCall = {
            "v": 1,
            "action": action,
            "region": self._start["region"],
            "incident": self._start["hold"],
            "plan": self._start["plan"],
            "step": "hold",
            "path": source,
            "key": key,
            "inputs": inputs,
            "effect": effect,
            "tier": "L",
            "gated": grant is not None,
            "grant": grant,
            "entries": [],
            "severity": "",
        }
        try:
            with self._journal.riding(RELEASE if grant is not None else "") as entries:
                call["entries"] = entries
                receipt: ActionReceipt = await workflow.execute_activity(
                    action,
                    call,
                    result_type=ActionReceipt,
                    start_to_close_timeout=_ATTEMPT,
                    schedule_to_close_timeout=_PATIENCE,
                    retry_policy=_RETRY,
                )
        except ActivityError as error:
            cause = error.cause
            return (
                (cause.type or ErrorType.UNAVAILABLE) if isinstance(cause, ApplicationError) else ErrorType.UNAVAILABLE
            )
        # as in `workflows.calls`: a receipt of another call proves nothing about this one
        return receipt if receipt["key"] == key else "bad_receipt"
