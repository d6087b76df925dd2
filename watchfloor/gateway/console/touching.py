"""The two ceremonies of WebAuthn: registering a security key, and having it touched for one decision.

`webauthn` verifies; this module says what must hold: this origin and no other, this relying party, the person verified
by the key itself (PIN or finger), a challenge of ours made for exactly this, a counter that goes forward. What the key
signed is kept whole in the region's evidence store, with all that is needed to verify it again without Watchfloor.
"""

import asyncio
import json
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import structlog
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from schemas.decision import StepUp
from watchfloor.client.face import Face, ReasonStore
from watchfloor.evidence import EvidenceError
from watchfloor.identity.security_keys import Challenge, KeyRefused, Purpose, SecurityKey, SecurityKeys
from watchfloor.identity.sign_in_file import SignInFile
from watchfloor.runtime.settings import RegionSettings
from watchfloor.signing import canonical, render_instant

MAX_ANSWER = 5000
"""Characters of what a key answers."""
SECONDS = 110
"""How long a browser waits for the key; the challenge is good for a little longer."""
_MALFORMED = (
    WebAuthnException,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
    struct.error,
)
"""What the library raises over hostile bytes."""

log = structlog.get_logger("watchfloor.gateway")


class KeyDesk:
    """Security keys at the console of one region. `origin` is letter by letter what stands in people's browsers."""

    def __init__(self, keys: SecurityKeys, origin: str, evidence: ReasonStore) -> None:
        self.keys = keys
        self._origin = origin
        self._host = urlsplit(origin).hostname or ""
        self._evidence = evidence

    async def offer_registration(self, person: str, session: str) -> dict[str, Any]:
        """What a browser needs to make a new key.

        Raises:
            SignInUnavailable: the store does not answer.
        """
        known = await asyncio.to_thread(self.keys.list, person)
        challenge = await asyncio.to_thread(self.keys.challenge, person, session, "register", "")
        options = generate_registration_options(
            rp_id=self._host,
            rp_name="Watchfloor",
            user_name=person,
            # the same for all keys of a person, and no word of who they are
            user_id=sha256(f"watchfloor.person.v1\0{self._host}\0{person}".encode()).digest(),
            challenge=challenge.value,
            timeout=SECONDS * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.DISCOURAGED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential) for one in known],
        )
        return dict(json.loads(options_to_json(options)))

    async def register(self, person: str, session: str, name: str, answer: str) -> None:
        """Take the key that a browser made.

        Raises:
            KeyRefused: it is not taken.
            SignInUnavailable: the store does not answer.
        """
        said = _read(answer)
        challenge = await self._take(said, person, session, "register", "")
        try:
            found = verify_registration_response(
                credential=said,
                expected_challenge=challenge.value,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _MALFORMED as error:
            raise await self._refuse(person, error) from error
        await asyncio.to_thread(
            self.keys.add, person, found.credential_id, found.credential_public_key, found.sign_count, name
        )

    async def offer_touch(self, person: str, session: str, over: str) -> dict[str, Any]:
        """What a browser needs to have a key touched for a decision.

        Raises:
            KeyRefused: `none`: the person has no key.
            SignInUnavailable: the store does not answer.
        """
        known = await asyncio.to_thread(self.keys.list, person)
        if not known:
            raise KeyRefused("none", "you have no security key here; register one under Security keys first")
        challenge = await asyncio.to_thread(self.keys.challenge, person, session, "decide", over)
        options = generate_authentication_options(
            rp_id=self._host,
            challenge=challenge.value,
            timeout=SECONDS * 1000,
            allow_credentials=[PublicKeyCredentialDescriptor(id=one.credential) for one in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return dict(json.loads(options_to_json(options)))

    async def touch(self, person: str, session: str, over: str, answer: str) -> StepUp:
        """Verify that a key of this person was touched for this, keep what it signed, and say so.

        Raises:
            KeyRefused: it was not.
            SignInUnavailable: the store does not answer.
        """
        said = _read(answer)
        challenge = await self._take(said, person, session, "decide", over)
        key = await self._find(person, said)
        try:
            found = verify_authentication_response(
                credential=said,
                expected_challenge=challenge.value,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=key.public,
                # judged below, where it can be told from a malformed answer
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except _MALFORMED as error:
            raise await self._refuse(person, error) from error
        if (found.new_sign_count or key.count) and found.new_sign_count <= key.count:
            await asyncio.to_thread(self.keys.note_refused, person, "counter")
            raise KeyRefused(
                "counter",
                "the counter of this key went back, as if somebody had copied it; nothing was decided. Remove the key, "
                "tell whoever looks after security, and use another",
            )
        await asyncio.to_thread(self.keys.used, person, key, found.new_sign_count, over)
        kept = {
            "v": 1,
            "kind": "watchfloor.assertion.v1",
            "person": person,
            "over": over,
            "nonce": bytes_to_base64url(challenge.nonce),
            "origin": self._origin,
            "rp_id": self._host,
            "credential": bytes_to_base64url(key.credential),
            "public_key": bytes_to_base64url(key.public),
            "client_data": said["response"]["clientDataJSON"],
            "authenticator_data": said["response"]["authenticatorData"],
            "signature": said["response"]["signature"],
        }
        try:
            assertion = await asyncio.to_thread(self._evidence.put, canonical(kept))
        except EvidenceError as error:
            raise KeyRefused(
                "evidence", f"what your key signed could not be kept, so nothing was decided: {error}"
            ) from error
        return {"credential": key.id, "over": over, "at": render_instant(datetime.now(UTC)), "assertion": assertion}

    async def _find(self, person: str, said: Mapping[str, Any]) -> SecurityKey:
        try:
            credential = base64url_to_bytes(said["rawId"])
        except _MALFORMED as error:
            raise await self._refuse(person, error) from error
        for one in await asyncio.to_thread(self.keys.list, person):
            if one.credential == credential:
                return one
        await asyncio.to_thread(self.keys.note_refused, person, "foreign")
        raise KeyRefused("foreign", "this key is not one of yours; use a key that you registered")

    async def _take(self, said: Mapping[str, Any], person: str, session: str, purpose: Purpose, over: str) -> Challenge:
        try:
            data = json.loads(base64url_to_bytes(said["response"]["clientDataJSON"]))
            value, framed = base64url_to_bytes(data["challenge"]), data.get("crossOrigin", False)
        except _MALFORMED as error:
            raise await self._refuse(person, error) from error
        found = await asyncio.to_thread(self.keys.take, value, person, session, purpose, over)
        if framed:
            raise KeyRefused("origin", "the key was touched inside a page of another site; nothing was done")
        return found

    async def _refuse(self, person: str, error: Exception) -> KeyRefused:
        log.warning("security key refused", found=type(error).__name__)
        await asyncio.to_thread(self.keys.note_refused, person, "answer")
        return KeyRefused(
            "answer",
            "what the key answered does not hold: another address, another key, no PIN or finger, or a spoiled answer; "
            "nothing was done. Touch it again, on this page",
        )


def _read(answer: str) -> dict[str, Any]:
    try:
        said = json.loads(answer) if len(answer) < MAX_ANSWER else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("response"), dict):
        raise KeyRefused("answer", "the browser sent no answer of a security key; touch it again")
    return said


def open_keys(settings: RegionSettings, face: Face) -> KeyDesk | None:
    """The security keys of a region's console; None where it has no name that a browser could keep a key for."""
    origin = settings.console_url
    host = urlsplit(origin).hostname if origin else None
    if origin is None or not host or host.replace(".", "").isdigit() or ":" in host:
        return None
    return KeyDesk(SecurityKeys(SignInFile(settings.sign_in_path)), origin, face.reasons)
