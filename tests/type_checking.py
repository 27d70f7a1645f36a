"""How annotations of ``workers`` are checked while tests run: as type checkers read them."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

#: An int is a float, as PEP 484 has it.
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
