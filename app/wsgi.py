from __future__ import annotations

from app.bootstrap import build_container
from app.factory import create_app
from app.settings import Settings

application = create_app(build_container(Settings.load()))
