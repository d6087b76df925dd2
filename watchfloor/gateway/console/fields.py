"""The fields of a form that carries many of one name, such as the incidents of a bulk."""

from fastapi import Request

from watchfloor.gateway.console.gate import Visitor, require_token

MOST_FIELDS = 400
LONGEST = 12_000


async def read_fields(request: Request, visitor: Visitor) -> dict[str, list[str]]:
    """Every value of each field, in the order sent; no files.

    Raises:
        Problem: 403 sent by another site, or not of this session.
    """
    said = await request.form(max_files=0, max_fields=MOST_FIELDS)
    fields: dict[str, list[str]] = {}
    for name, value in said.multi_items():
        fields.setdefault(name, []).append(str(value)[:LONGEST])
    require_token(request, visitor, (fields.get("csrf") or [""])[0])
    return fields
