"""What clients of the HTTP API are told when a run, a store or the engine says no."""

from collections.abc import Iterator
from contextlib import contextmanager

from schemas.decision import RefusalType
from watchfloor.cases import IndexUnavailable
from watchfloor.client.errors import EngineUnavailable, InputsRefused, NotFound, Refused, RunbookRefused
from watchfloor.gateway.problems import Problem
from watchfloor.identity.machines import MachinesUnavailable
from watchfloor.ledger import LedgerUnavailable

MOST_FIELDS = 50
"""Bad fields that one answer names."""
_STATUS = {
    "key_reused": 409,
    "lost": 409,
    "wrong_region": 404,
    "too_large": 413,
    RefusalType.UNKNOWN_FACT: 422,
    RefusalType.BAD_VALUE: 422,
    RefusalType.WRONG_SOURCE: 403,
    RefusalType.WRONG_ROLE: 403,
    RefusalType.REPEATED: 409,
    RefusalType.CLOSED: 410,
    RefusalType.BUSY: 503,
}


@contextmanager
def as_problems(missing: str) -> Iterator[None]:
    """Turn what the faces raise into problems; `missing` is the sentence for what is not there.

    Raises:
        Problem: in place of every error of `watchfloor.client` and of the stores.
    """
    try:
        yield
    except NotFound as error:
        raise Problem(404, "not_found", missing) from error
    except RunbookRefused as error:
        raise Problem(
            503, "runbook_refused", "the runbook does not compile, its findings say why; nothing was started"
        ) from error
    except InputsRefused as error:
        fields = [
            {"field": one.field, "expected": one.expected, "fix": one.fix} for one in error.problems[:MOST_FIELDS]
        ]
        raise Problem(422, "inputs", "the fields named do not fit; nothing was done", fields=fields) from error
    except Refused as error:
        raise Problem(_STATUS.get(error.type, 409), error.type, error.message) from error
    except EngineUnavailable as error:
        detail = "the engine does not answer; sending the same request again is safe"
        raise Problem(503, "unavailable", detail, retry_after=2) from error
    except (IndexUnavailable, LedgerUnavailable, MachinesUnavailable) as error:
        raise Problem(503, "unavailable", "a store does not answer; try again", retry_after=2) from error
