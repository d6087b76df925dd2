"""What a stubbed action gives: outputs synthesised from its contract, or the failure that the scenario names."""

from collections.abc import Mapping
from datetime import datetime

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from schemas.actions import ActionCall, ActionContract, FieldSpec
from schemas.json_value import Json
from watchfloor.client.inputs import read_instant
from watchfloor.scenarios.model import FAILURES, Stub
from watchfloor.signing import digest, render_instant


class StubbedActions:
    """Answers calls of actions in the order the scenario gives. A stub `for` certain inputs goes first."""

    def __init__(self, contracts: Mapping[str, ActionContract], stubs: Mapping[str, tuple[Stub, ...]]) -> None:
        self._contracts = contracts
        self._queues: dict[str, list[_Queue]] = {name: _queues(each) for name, each in stubs.items()}

    def answer(self, call: ActionCall, now: datetime) -> dict[str, Json]:
        """The outputs of one call.

        Raises:
            ApplicationError: the failure that the scenario gives to this call.
        """
        contract = self._contracts[call["action"]]
        stub = self._next(call)
        if stub is not None and stub.fails is not None:
            kind, final = FAILURES[stub.fails]
            raise ApplicationError(
                f"the scenario lets it fail: {stub.fails}",
                type=kind,
                non_retryable=final,
                category=ApplicationErrorCategory.BENIGN,
            )
        outputs = {
            name: _sample(spec, call, now) for name, spec in contract["outputs"].items() if not spec.get("optional")
        }
        for name, value in (stub.returns or {}).items() if stub is not None else ():
            outputs[name] = _given(contract["outputs"][name], value, now)
        return outputs

    def _next(self, call: ActionCall) -> Stub | None:
        for queue in self._queues.get(call["action"], []):
            if all(call["inputs"].get(name) == value for name, value in queue.matching.items()):
                return queue.take()
        return None


class _Queue:
    """The stubs for the same calls, in the order written; the last one answers for ever."""

    def __init__(self, matching: Mapping[str, Json]) -> None:
        self.matching = matching
        self.stubs: list[Stub] = []
        self._left = 0
        self._at = -1

    def take(self) -> Stub:
        if self._left == 0 and self._at < len(self.stubs) - 1:
            self._at += 1
            self._left = self.stubs[self._at].times
        self._left = max(0, self._left - 1)
        return self.stubs[self._at]


def _queues(stubs: tuple[Stub, ...]) -> list[_Queue]:
    queues: list[_Queue] = []
    for stub in stubs:
        queue = next((one for one in queues if one.matching == stub.matching), None)
        if queue is None:
            queue = _Queue(stub.matching)
            queues.append(queue)
        queue.stubs.append(stub)
    return sorted(queues, key=lambda queue: -len(queue.matching))


def _sample(spec: FieldSpec, call: ActionCall, now: datetime) -> Json:
    if "sample" in spec:
        return spec["sample"]
    match spec["type"]:
        case "bool":
            return True
        case "int" | "number" | "duration":
            return 0
        case "timestamp":
            return render_instant(now)
        case "list":
            return []
        case "map":
            return {}
        case "url":
            return "https://example.test/"
        case "ref":
            return digest({"stub": call["key"]})
    return f"{call['action']}-{call['key'][:8]}"


def _given(spec: FieldSpec, value: Json, now: datetime) -> Json:
    if spec["type"] == "timestamp" and isinstance(value, str):
        return render_instant(read_instant(value, now))
    return value
