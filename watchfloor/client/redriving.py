"""Having many dead letters driven once more at once: each by itself, as one would, so that one keeps back no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from watchfloor.client.deliveries import Onlooker, Wanted, act_on, list_deliveries
from watchfloor.client.errors import EngineUnavailable, NotFound, Refused
from watchfloor.client.face import ReasonStore
from watchfloor.intake.deliveries import Deliveries
from watchfloor.intake.delivery import Delivery

MOST = 1000
"""Deliveries of one bulk; as many dead letters are kept for one sender."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of a bulk: what is driven once more, and for what is not the id and why."""

    done: tuple[Delivery, ...]
    left: tuple[tuple[str, str], ...]


def list_dead(store: Deliveries, onlooker: Onlooker, sender: str = "") -> list[str]:
    """Ids of the dead letters that somebody may see and that still hold what they said, the first received first.

    Raises:
        EngineUnavailable: the store cannot be read.
    """
    found = list_deliveries(store, onlooker, Wanted(("dead",), sender), most=MOST)
    return [one.id for one in reversed(found) if one.readable]


def redrive_each(
    store: Deliveries,
    onlooker: Onlooker,
    ids: Sequence[str],
    *,
    role: str | None,
    reason: str,
    reasons: ReasonStore,
    ledger_path: Path | None,
    now: datetime,
) -> Redriven:
    """Have each driven once more, in this order, with an entry of its own in the ledger before it. One that may not be,
    or was seen to meanwhile, is left and named; where the store or the ledger fails, so is all that comes after."""
    done, left = list[Delivery](), list[tuple[str, str]]()
    broken = ""
    for id_ in dict.fromkeys(ids[:MOST]):
        if broken:
            left.append((id_, broken))
            continue
        try:
            done.append(
                act_on(
                    store,
                    onlooker,
                    id_,
                    "redrive",
                    role=role,
                    reason=reason,
                    reasons=reasons,
                    ledger_path=ledger_path,
                    now=now,
                )
            )
        except (NotFound, Refused) as error:
            left.append((id_, str(error)))
        except EngineUnavailable as error:
            broken = str(error)
            left.append((id_, broken))
    return Redriven(tuple(done), tuple(left))
