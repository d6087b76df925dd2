"""Refusals of the sandbox, as RFC 9457 problem documents."""

from fastapi.responses import JSONResponse


class Refusal(Exception):
    """The request was understood and is not carried out. Nothing has changed; the key stays unused."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def problem(status: int, code: str, detail: str, *, headers: dict[str, str] | None = None) -> JSONResponse:
    document = {"type": f"urn:sandbox:{code}", "title": code.replace("_", " "), "status": status, "detail": detail}
    return JSONResponse(document, status, media_type="application/problem+json", headers=headers)
