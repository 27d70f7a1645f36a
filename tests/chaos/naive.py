"""What one writes first: images in messages, Celery as it comes, effects as they fall.

``NAIVE_LATE`` is the second attempt, with late acknowledgement, as the web recommends it.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import psycopg
from celery import Celery

from tests.chaos.lost_pop import crash_when_asked
from tests.chaos.orders import picture
from tests.chaos.stub_models import obey, own_history, vector_of

celery = Celery("naive", broker=os.environ.get("CHAOS_BROKER", ""))
if os.environ.get("NAIVE_LATE") == "1":
    celery.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        broker_transport_options={
            "visibility_timeout": 2,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
        },
    )
if "NAIVE_CRASH_AT_POP" in os.environ:
    crash_when_asked(Path(os.environ["NAIVE_CRASH_AT_POP"]))


@celery.task(name="naive.enrol")
def enrol(number, image):
    data = base64.b64decode(image)
    obey(data, own_history())
    with psycopg.connect(os.environ["CHAOS_DATABASE"]) as connection:
        connection.execute("INSERT INTO naive_faces VALUES (%s, %s)", [number, os.getpid()])
        vector_of(data)


def picture_of(number: int, *order) -> bytes:
    """Return a picture that no job of the product has."""
    return picture(1_000_000 + number, *order)


def submit(app: Celery, number: int, *order) -> None:
    """What the request handler does."""
    image = base64.b64encode(picture_of(number, *order)).decode()
    app.send_task("naive.enrol", args=[number, image], retry=False)
