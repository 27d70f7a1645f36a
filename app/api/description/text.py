"""The description as text: what the service serves, and what the repository keeps."""

from __future__ import annotations

import json
from functools import cache

from flask import Flask

from app.api import health, metrics, v1
from app.api.description.document import describe
from app.api.http import problems

#: Of the service; the description is of that version.
VERSION = "0.1.0"


@cache
def description_text() -> str:
    """Return the description of the API as a JSON document; it needs no settings and no server."""
    app = Flask(__name__, static_folder=None)
    for page in (health.page, metrics.page, problems.pages):
        app.register_blueprint(page)
    v1.register(app)
    return json.dumps(describe(app, version=VERSION), indent=2) + "\n"
