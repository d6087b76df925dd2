"""The packed form of a plan: base64 of zlib of its RFC 8785 bytes, beside the digest of the same bytes."""

import base64
import json
import zlib
from typing import cast

from schemas.json_value import Json
from watchfloor.signing.canonical import canonical, digest


def pack(plan: Json) -> tuple[str, str]:
    """Give a plan's digest and its packed form. The same plan always gives the same text.

    Args:
        plan: a plan as JSON values.
    """
    raw = canonical(plan)
    return digest(raw), base64.b64encode(zlib.compress(raw, 9)).decode()


def unpack(packed: str) -> Json:
    """What `pack` packed, by this process itself: a plan from elsewhere is checked against its digest."""
    return cast(Json, json.loads(zlib.decompress(base64.b64decode(packed))))
