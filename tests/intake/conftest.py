"""A face of a region on a real server, with claims in a file."""

from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.client import Client

from tests.gateway.conftest import temporal
from watchfloor.client.face import Face
from watchfloor.identity.people import Directory
from watchfloor.intake import Claims
from watchfloor.regions.codec import client_encryption
from watchfloor.regions.keys import RegionKeys

__all__ = ["temporal"]


@pytest.fixture
def claims(tmp_path: Path) -> Claims:
    return Claims(tmp_path / "eu" / "claims.sqlite")


@pytest.fixture
async def face(temporal: str, claims: Claims) -> Face:
    keys = RegionKeys.generate()
    client = await Client.connect(temporal, namespace="eu", **client_encryption(keys.payload, "eu"))
    return Face(
        client=client,
        region="eu",
        namespace="eu",
        task_queue=f"intake-{id(claims)}",
        key=keys.face,
        secret=keys.secret,
        decision_keys=keys.decision_keys,
        people=Directory({}),
        reasons=cast(Any, None),
        claims=claims,
    )
