"""Images as text, by one rule for every door: what any common encoder writes can be read."""

from __future__ import annotations

import base64
import re

_DATA_URI = re.compile(r"\s*data:[^,]{0,200};\s*base64,", re.IGNORECASE)
#: Editors and web pages leave these beside the white space that ``str.split`` knows.
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff]")
_URL_SAFE = str.maketrans("-_", "+/")


def data_uri_prefix(text: str) -> int:
    """Return the length of what a data URI has before its base64; 0 where the text is none."""
    prefix = _DATA_URI.match(text)
    return prefix.end() if prefix else 0


def decode_base64(text: str) -> bytes:
    """Decode base64 of either alphabet, padded or not, with white space anywhere.

    Raises: ValueError: it is something else.
    """
    bare = "".join(text.split())
    if not bare.isascii():
        bare = _INVISIBLE.sub("", bare)
    bare = bare.translate(_URL_SAFE).rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
