"""The product's inference worker with stub models: ``celery -A tests.chaos.stub_worker worker``."""

from __future__ import annotations

import os
from pathlib import Path

from tasks import inference_worker
from tests.chaos.lost_pop import crash_when_asked
from tests.chaos.stub_models import StubPipeline, own_history

celery = inference_worker.celery
inference_worker.build_pipeline = lambda *_, **__: StubPipeline(own_history())
crash_when_asked(Path(os.environ["CHAOS_CRASH_AT_POP"]))
