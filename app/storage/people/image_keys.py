"""Photographs are stored under a key each, so that one that loses its key is gone.

The keys are in a table of their own: a scrub can rewrite that one in no time, and need not touch
the photographs. This does not protect from a reader of both tables.
"""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32

#: A key is used once, and so is its nonce.
_NONCE = bytes(12)


def new_key() -> bytes:
    """Draw the key of one photograph."""
    return secrets.token_bytes(KEY_BYTES)


def encrypt(photograph: bytes, key: bytes) -> bytes:
    """Return what is stored of a photograph: AES-256-GCM, 16 bytes longer."""
    return AESGCM(key).encrypt(_NONCE, photograph, None)


def decrypt(stored: bytes, key: bytes | None) -> bytes:
    """Return the photograph; without a key it is one that was stored as it is.

    Raises: InvalidTag: it is another key's, or was changed.
    """
    return stored if key is None else AESGCM(key).decrypt(_NONCE, stored, None)
