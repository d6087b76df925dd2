"""Which search attributes a region's namespace has: one that is not there must not be set, or the run would fail."""

from weakref import WeakKeyDictionary

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

from watchfloor.client.face import Face

_KNOWN: WeakKeyDictionary[Client, frozenset[str]] = WeakKeyDictionary()
"""Asked once for each connection: an operator who adds one restarts what starts runs."""


async def has_attribute(face: Face, name: str) -> bool:
    """Whether the namespace has this attribute; False as well when it does not say."""
    known = _KNOWN.get(face.client)
    if known is None:
        try:
            request = ListSearchAttributesRequest(namespace=face.namespace)
            answer = await face.client.operator_service.list_search_attributes(request, timeout=face.answer_within)
        except RPCError:
            return False
        known = _KNOWN[face.client] = frozenset(answer.custom_attributes)
    return name in known
