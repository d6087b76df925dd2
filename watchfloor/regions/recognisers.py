"""Recognisers for what must not slip across a region in free text: addresses, numbers and names of people.

A recogniser errs on the side of refusing. The texts of an ordinary packet (URLs of items, instants, content hashes,
ids) pass, because they are known by their whole shape before the rules for free text are asked.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from schemas.json_value import Json
from watchfloor.regions.residency import is_instant

Recogniser: TypeAlias = Callable[[str], bool]

_HASH = re.compile(r"^(sha256:)?[0-9a-f]{64}$")
_EMAIL = re.compile(r"[\w.+-]@[^\s@]|\(at\)|\[at\]", re.IGNORECASE)
_HANDLE = re.compile(r"(?<!\w)@\w")
_LONG_DIGITS = re.compile(r"\d{9,}")
_PHONE = re.compile(
    r"(?<![\w-])\+\s?\d[\d\s().-]{6,}\d"  # +44 20 7946 0000
    r"|(?<!\d)\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}(?!\d)"  # 555-010-9999
    r"|(?<![\w-])\(?0\d{1,4}\)?[\s./-]\d[\d\s./-]{4,}\d"  # 030 123 4567
)
_QUAD = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
_COLONS = re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def _has_ip(text: str) -> bool:
    return any(_is_ip(found) for pattern in (_QUAD, _COLONS) for found in pattern.findall(text))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _hides(text: str) -> bool:
    return any(unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs", "Cn"} for char in text)


RECOGNISERS: dict[str, Recogniser] = {
    "an e-mail address": lambda text: bool(_EMAIL.search(text)),
    "an account's handle": lambda text: bool(_HANDLE.search(text)),
    "an IP address": _has_ip,
    "a telephone number": lambda text: bool(_PHONE.search(text)),
    "a run of nine or more digits": lambda text: bool(_LONG_DIGITS.search(text)),
    "invisible or control characters": _hides,
}

_IN_URLS = ("an e-mail address", "an IP address", "invisible or control characters")
"""In a URL digits are ids of items and `@` may begin the public name of a channel; the rest is searched for."""


def recognise(text: str) -> str | None:
    """What a text seems to hold that must not cross; None when nothing was recognised.

    Full-width and other compatibility forms are read as the characters they look like (NFKC), URLs percent-decoded.
    """
    if is_instant(text) or _HASH.match(text):
        return None
    plain = unicodedata.normalize("NFKC", text)
    if _is_url(plain):
        plain = unicodedata.normalize("NFKC", unquote(unquote(plain)))
        if urlsplit(plain).username is not None:
            return "a user name in a URL"
        asked: Iterable[str] = _IN_URLS
    else:
        asked = RECOGNISERS
    return next((name for name in asked if RECOGNISERS[name](plain) or RECOGNISERS[name](text)), None)


def texts_in(value: Json, where: str) -> Iterator[tuple[str, str]]:
    """Every text inside a value, keys included, with the place where it stands; numbers as they are written."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield where, str(value)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from texts_in(part, f"{where}[{index}]")
    elif isinstance(value, dict):
        for index, (key, part) in enumerate(value.items()):
            yield f"{where} (key {index})", str(key)
            yield from texts_in(part, f"{where}{{{index}}}")


def _is_url(text: str) -> bool:
    if not text.startswith(("https://", "http://")) or re.search(r"\s", text):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False
