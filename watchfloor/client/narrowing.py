"""What a person leaves out of an action, as typed, made into what is left of its inputs."""

import json
from collections.abc import Mapping, Sequence

from schemas.decision import OpenAsk, RefusalType
from schemas.json_value import Json
from watchfloor.client.errors import Refused
from watchfloor.signing.narrowing import find_fault


def read_narrowing(ask: OpenAsk, to: Mapping[str, Sequence[str]], leave_out: Sequence[str]) -> dict[str, Json]:
    """What is to be left of an ask's inputs.

    Args:
        to: input -> its items that stay, or the one smaller scope, as typed.
        leave_out: items as typed; each is in one list that can be narrowed.

    Raises:
        Refused: the ask has nothing of the kind, or it would not be less.
    """
    narrows = ask["narrows"]["inputs"] if "narrows" in ask else {}
    if not narrows:
        raise Refused(
            RefusalType.UNKNOWN_OPTION, f"nothing at `{ask['step']}` can be narrowed; approve it, or say no and why"
        )
    left: dict[str, Json] = {}
    for name, texts in to.items():
        asked = ask["inputs"].get(name)
        left[name] = _pick(name, asked, texts) if isinstance(asked, list) else _one(name, texts)
    for text in leave_out:
        name = _find_list(ask, list(narrows), text)
        items = left.get(name, ask["inputs"][name])
        assert isinstance(items, list)
        left[name] = [one for one in items if _typed(one) != text]
    if not left:
        can = ", ".join(narrows)
        raise Refused(
            RefusalType.BAD_VALUE, f"say what is left (--to INPUT=VALUE) or left out (--leave-out); narrowable: {can}"
        )
    fault = find_fault(narrows, ask["inputs"], {"inputs": left})
    if fault:
        raise Refused(RefusalType.BAD_VALUE, fault)
    return left


def _pick(name: str, asked: Sequence[Json], texts: Sequence[str]) -> list[Json]:
    """The items that were typed, in the order in which they are asked for."""
    known = {_typed(one) for one in asked}
    strange = [text for text in texts if text not in known]
    if strange:
        raise Refused(
            RefusalType.BAD_VALUE, f"`{name}` has no `{strange[0]}`; narrowing leaves items out and adds none"
        )
    return [one for one in asked if _typed(one) in texts]


def _one(name: str, texts: Sequence[str]) -> str:
    if len(texts) != 1:
        raise Refused(RefusalType.BAD_VALUE, f"`{name}` is one value and not a list; give it once")
    return texts[0]


def _find_list(ask: OpenAsk, names: Sequence[str], text: str) -> str:
    lists = {name: value for name in names if isinstance(value := ask["inputs"].get(name), list)}
    found = [name for name, items in lists.items() if any(_typed(one) == text for one in items)]
    if len(found) != 1:
        where = " and ".join(found) or "none of: " + (", ".join(lists) or "no list can be narrowed here")
        raise Refused(RefusalType.BAD_VALUE, f"`{text}` is in {where}; say what is left with --to INPUT=VALUE")
    return found[0]


def _typed(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)
