"""Tokens that say where a listing goes on, to this service alone.

A place may be a person's name, and tokens stand in URLs, which others log: they are encrypted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import zlib
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32
_NONCE_BYTES = 12
_DIGEST_BYTES = 16


class PageTokens:
    """Writes and reads tokens under one secret: AES-256-GCM with a nonce drawn for each."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(_derived(secret))

    def write(self, listing: str, position: list[str]) -> str:
        """Return a token of about four thirds of the position's bytes once these are compressed.

        So a name is never longer here than in the index that keeps it, which compresses too.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        document = zlib.compress(json.dumps(position, ensure_ascii=False).encode(), level=9)
        sealed = self._cipher.encrypt(nonce, _digest(listing) + document, None)
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def read(self, token: str) -> tuple[bytes, list[str]]:
        """Return the digest of the listing and the position. Raises: ValueError: it is not ours."""
        try:
            raw = base64.b64decode(
                token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True
            )
            opened = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
            document = zlib.decompress(opened[_DIGEST_BYTES:])
        except (binascii.Error, InvalidTag, ValueError, zlib.error) as error:
            raise ValueError("The token is not ours.") from error
        return opened[:_DIGEST_BYTES], json.loads(document)

    def is_of(self, listing: str, digest: bytes) -> bool:
        """Tell whether a token with that digest was given out by the listing."""
        return digest == _digest(listing)


def _digest(listing: str) -> bytes:
    return hashlib.sha256(listing.encode()).digest()[:_DIGEST_BYTES]


@cache
def _derived(secret: str) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"vultus page tokens").derive(secret.encode())
