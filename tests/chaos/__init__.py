"""Each promise of reliability and security, broken on purpose by a naive switch beside it."""
