"""The JSON value type shared by all shapes."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A JSON-compatible value: null, bool, int, float, str, list or str-keyed dict of the same.

`Any` because a recursive alias makes every access in the interpreter a cast; the places where values enter
(`schemas.plan`, the codec, the gateway) check them.
"""
