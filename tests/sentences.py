"""The style of errors: full sentences in plain words, from a capital letter to a full stop."""

from __future__ import annotations

import re

#: A text begins with a capital, a number, a quotation, a JSON pointer, or a value (``{}``).
_BEGIN = re.compile(r"""["'(]?[A-Z0-9]|#|\{\}""")
#: It ends with a full stop, before a closing quote too, or with a value after one or on a new line.
_END = re.compile(r"""\.["'`)]?$|(\n|\. )\{\}$""")
#: Words of an older style, each of which a plainer one replaces.
_STILTED = re.compile(
    r"\b(whoever|whomever|nobody|wish\w*|told|hereby|likewise|in vain|need be|as may|to be had)\b",
    re.IGNORECASE,
)


def faults_of_style(text):
    """Give what is wrong with an error's text, in which ``{}`` stands for values."""
    faults = []
    if not _BEGIN.match(text):
        faults.append("begins without a capital letter")
    if not _END.search(text):
        faults.append("ends without a full stop")
    return faults + _STILTED.findall(text)
