"""Who a delivery comes from, in each product's own true way: verified first, then read, never the other way round."""

from watchfloor.gateway.senders.message import Message
from watchfloor.gateway.senders.opening import Sender, open_senders, refuse_unknown

__all__ = ["Message", "Sender", "open_senders", "refuse_unknown"]
