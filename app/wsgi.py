from __future__ import annotations

from app.bootstrap import build_container
from app.factory import create_app
from app.observability import configure_logging
from app.settings import Settings
from app.storage.database.tenancy import DatabaseRole

settings = Settings.load()
configure_logging(settings.log_level)
application = create_app(build_container(settings, role=DatabaseRole.WEB))
