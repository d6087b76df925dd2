"""Addresses of the processes that an incident starts. Deterministic, so that a retry never makes two."""

import hashlib


def child_id(prefix: str, incident: str, path: str) -> str:
    """The workflow id of the hold, handoff or postmortem that a step starts.

    Args:
        prefix: `hold`, `hand` or `post`.
        incident: workflow id of the incident.
        path: full runtime path of the step, iterations included.
    """
    seed = incident + "\n" + path
    return f"{prefix}-{hashlib.sha256(seed.encode()).hexdigest()[:20]}"
