"""Everything that reaches Temporal is encrypted, and bound to the run and the call it belongs to.

A payload is sealed with AES-256-GCM under a key derived for one workflow; namespace, workflow id and key id are its
associated data, so a ciphertext lifted from one run is not accepted by another. What goes to and from an activity is
bound to the activity's type and id and to the side that wrote it as well: whoever polls a task queue without the keys
cannot complete one activity with the recorded result of another (ADR 0007 says what is not bound).

Nothing plain is passed through: what cannot be opened becomes a tombstone, which the payload converter refuses as an
`ApplicationError` of type `TOMBSTONE`. The codec itself never raises on a message, because a raising codec leaves a
run deaf for ever.

What a refused payload does, by where it arrives (each has a test):

* signal: dropped, and logged by the worker; update: rejected; query: fails; start: the run fails at once;
* activity argument: the activity fails; activity or child result: the run fails at once; update result: raised
  where it is awaited.

The SDK gives a serialization context for every payload but two. Headers set by a *client* interceptor are encoded
without one; memos read through `list_workflows` are decoded without one. A payload without a context is bound to
namespace and key id only, and is never accepted where a workflow's payload is expected, nor the other way round. So
memos are read through `describe`, and client interceptors set no headers. Schedules are encoded under the id's
prefix, and are not used. A `Replayer` must be given the namespace of the recorded run, or it reads only tombstones.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import temporalio.converter._data_converter as sdk_data_converter
import temporalio.worker._command_aware_visitor as sdk_visitor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.common import HeaderCodecBehavior
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverter,
    PayloadCodec,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from temporalio.exceptions import ApplicationError, FailureError
from typing_extensions import TypedDict

from watchfloor.regions.keys import KeyRing

ENCODING = b"binary/watchfloor-aes256gcm-v2"
TOMBSTONE_ENCODING = b"watchfloor/tombstone"
TOMBSTONE = "tombstone"
"""`ApplicationError.type` of a payload that could not be opened here."""
BAD_PAYLOAD = "bad_payload"
"""`ApplicationError.type` of a payload that opened but is not of the declared shape."""
NONCE_BYTES = 12


class ClientEncryption(TypedDict):
    """Options that a `temporalio.client.Client` and its workers need; splat them into `Client.connect`."""

    data_converter: DataConverter
    header_codec_behavior: HeaderCodecBehavior


Unopened = Callable[[str], None]
"""Told of each payload that could not be opened, with why; again when the run is read again. Must not raise."""


def _nobody_is_told(reason: str) -> None:
    return


INPUT, RESULT = "input", "result"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run a payload belongs: what is written there, and what is read there."""

    address: tuple[str, ...]
    writes: str
    reads: tuple[str, ...]


IN_THE_RUN = Place((), "message", ("message",))
"""Start, signals, updates, queries, memo, the run's own result: the SDK names none of them to a codec."""


def _place_of(context: ActivitySerializationContext) -> Place:
    """The place of one activity's payloads, seen from the run or from the activity.

    The run's context names no activity id unless the code chose one; the SDK then uses the command's number, which
    it keeps beside the payloads it visits. Only the run's side has such a number, so it tells the sides apart too.
    The activity reads its own earlier heartbeats, which it wrote as it writes a result.
    """
    command = sdk_visitor.current_command_info.get()
    id_ = context.activity_id or (str(command.command_seq) if command is not None else "")
    address = ("activity", context.activity_type or "", id_)
    if command is not None:
        return Place(address, INPUT, (RESULT,))
    return Place(address, RESULT, (INPUT, RESULT))


class RegionCodec(PayloadCodec, WithSerializationContext):
    """Encrypts under the ring's current key, decrypts under any key of the ring.

    Each run gets a subkey of its own (HMAC of the ring key over the associated data), so random 96-bit nonces stay far
    from their bound of 2**32 messages a key, however long a ring key lives (NIST SP 800-38D, 8.3).
    """

    def __init__(
        self,
        ring: KeyRing,
        namespace: str,
        workflow_id: str | None = None,
        place: Place = IN_THE_RUN,
        unopened: Unopened = _nobody_is_told,
    ) -> None:
        self._unopened = unopened
        self._ring = ring
        self._namespace = namespace
        self._workflow_id = workflow_id
        self._place = place

    def with_context(self, context: SerializationContext) -> Self:
        if isinstance(context, ActivitySerializationContext) and context.workflow_id:
            place = _place_of(context)
            return type(self)(self._ring, context.namespace, context.workflow_id, place, self._unopened)
        if isinstance(context, WorkflowSerializationContext) and context.workflow_id:
            return type(self)(self._ring, context.namespace, context.workflow_id, unopened=self._unopened)
        return type(self)(self._ring, self._namespace, unopened=self._unopened)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        kid = self._ring.current
        scope = self._scope(kid)
        nonce = os.urandom(NONCE_BYTES)
        bound = scope + _pack(self._place.writes, *self._place.address)
        box = _cipher(self._ring.keys[kid], scope).encrypt(nonce, payload.SerializeToString(), bound)
        return Payload(metadata={"encoding": ENCODING, "kid": kid.encode()}, data=nonce + box)

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return self._bury("it is not encrypted")
        kid = payload.metadata.get("kid", b"").decode("ascii", "replace")
        raw = self._ring.keys.get(kid)
        if raw is None:
            return self._bury("its key is not in this region's ring, or was destroyed")
        scope = self._scope(kid)
        nonce, box = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        for side in self._place.reads:
            try:
                bound = scope + _pack(side, *self._place.address)
                return Payload.FromString(_cipher(raw, scope).decrypt(nonce, box, bound))
            except (InvalidTag, ValueError, DecodeError):
                continue
        return self._bury("it was altered, or belongs to another run or call")

    def _bury(self, reason: str) -> Payload:
        self._unopened(reason)
        return _tombstone(reason)

    def _scope(self, kid: str) -> bytes:
        scope = ["run", self._namespace, self._workflow_id] if self._workflow_id else ["namespace", self._namespace]
        return _pack("watchfloor.payload.v2", kid, *scope)


class RegionPayloadConverter(PydanticPayloadConverter):
    """The pydantic converter, refusing tombstones and never quoting a value in an error."""

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        for payload in payloads:
            if payload.metadata.get("encoding") == TOMBSTONE_ENCODING:
                reason = payload.data.decode("ascii", "replace")
                raise ApplicationError(f"this payload is refused: {reason}", type=TOMBSTONE, non_retryable=True)
        try:
            return super().from_payloads(payloads, type_hints)
        except ValidationError as error:
            where = ", ".join(
                sorted({".".join(str(part) for part in found["loc"][:4]) for found in error.errors()})[:5]
            )
        except KeyError:
            where = "its encoding"
        # raised outside the handlers, so that the original error and the value it quotes are not chained to it
        raise ApplicationError(
            f"this payload is not of the declared shape (at {where or 'its root'})",
            type=BAD_PAYLOAD,
            non_retryable=True,
        )


class RegionFailureConverter(DefaultFailureConverter):
    """Messages and stack traces are moved into the encrypted part; a failure that cannot be read is still a failure."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        try:
            return super().from_failure(failure, payload_converter)
        except FailureError as error:
            return error


class RegionDataConverter(DataConverter):
    """Refuses references to external storage, which this product does not use, before the SDK raises on them."""

    async def _decode_reference_payload_sequence(self, payloads: Sequence[Payload]) -> list[Payload]:
        # The SDK raises on a reference ahead of the codec: one raw signal that carries it would stop a run for ever.
        def foreign(payload: Payload) -> bool:
            return sdk_data_converter._is_reference_payload(payload) or sdk_data_converter._has_reference_marker(
                payload
            )

        return [_tombstone("it refers to external storage") if foreign(payload) else payload for payload in payloads]


def data_converter(ring: KeyRing, namespace: str, unopened: Unopened = _nobody_is_told) -> DataConverter:
    """The converter every client and worker of a region uses.

    Args:
        ring: the region's payload keys.
        namespace: the region's Temporal namespace; binds the few payloads that the SDK converts without a context.
        unopened: told of what could not be opened.
    """
    return RegionDataConverter(
        payload_converter_class=RegionPayloadConverter,
        payload_codec=RegionCodec(ring, namespace, unopened=unopened),
        failure_converter_class=RegionFailureConverter,
    )


def client_encryption(ring: KeyRing, namespace: str, unopened: Unopened = _nobody_is_told) -> ClientEncryption:
    """What `Client.connect` must be given, the header codec included."""
    return {
        "data_converter": data_converter(ring, namespace, unopened),
        "header_codec_behavior": HeaderCodecBehavior.CODEC,
    }


def _pack(*texts: str) -> bytes:
    """Texts one after another, each with its length before it and their number in front: read in one way only."""
    parts = [text.encode() for text in texts]
    return len(parts).to_bytes(4, "big") + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _tombstone(reason: str) -> Payload:
    return Payload(metadata={"encoding": TOMBSTONE_ENCODING}, data=reason.encode())


@lru_cache(maxsize=4096)
def _cipher(raw: bytes, bound: bytes) -> AESGCM:
    return AESGCM(hmac.new(raw, b"watchfloor.payload.subkey.v2\n" + bound, hashlib.sha256).digest())
