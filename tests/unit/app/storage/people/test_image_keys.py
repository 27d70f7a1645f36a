from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from app.storage.people.image_keys import decrypt, encrypt, new_key

PHOTOGRAPH = b"a photograph " * 100


def test_a_photograph_is_read_with_its_own_key_alone():
    key = new_key()
    stored = encrypt(PHOTOGRAPH, key)
    assert decrypt(stored, key) == PHOTOGRAPH
    assert PHOTOGRAPH[:16] not in stored
    with pytest.raises(InvalidTag):
        decrypt(stored, new_key())


def test_one_that_was_stored_before_there_were_keys_is_read_as_it_is():
    assert decrypt(PHOTOGRAPH, None) == PHOTOGRAPH


def test_every_photograph_has_another_key():
    assert len({new_key() for _ in range(100)}) == 100
