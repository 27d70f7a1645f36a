"""Enrol one person and recognise two photographs, by the generated Python client.

Reads a plan from standard input and prints what it found. What the client gives is used by its
types alone, which the test has mypy check.
"""

import json
import sys
from io import BytesIO
from pathlib import Path
from uuid import uuid4

from httpx import Timeout
from vultus_client import AuthenticatedClient
from vultus_client.api.collections import create_collection
from vultus_client.api.faces import create_face
from vultus_client.api.jobs import get_job
from vultus_client.api.recognitions import create_recognition
from vultus_client.models import (
    AnyRecognitionJob,
    CollectionRequest,
    CollectionResource,
    EnrolmentForm,
    EnrolmentJob,
    EnrolmentResult,
    ProblemResource,
    RecognitionForm,
    RecognitionJob,
    RecognitionResult,
)
from vultus_client.types import File


def upload(path: str) -> File:
    return File(payload=BytesIO(Path(path).read_bytes()), file_name="a.jpg", mime_type="image/jpeg")


plan = json.load(sys.stdin)
client = AuthenticatedClient(base_url=plan["base_url"], token=plan["key"], timeout=Timeout(60))
collection = create_collection.sync(client=client, body=CollectionRequest(name=f"py {uuid4()}"))
assert isinstance(collection, CollectionResource), collection

enrolment = create_face.sync(
    str(collection.id),
    client=client,
    wait=30,
    body=EnrolmentForm(image=[upload(path) for path in plan["enrol"]], subject="Ann"),
)
assert isinstance(enrolment, EnrolmentJob), enrolment
assert isinstance(enrolment.result, EnrolmentResult), enrolment

answer = create_recognition.sync(
    str(collection.id),
    client=client,
    prefer="wait=30",
    body=RecognitionForm(image=[upload(path) for path in plan["recognise"]], limit=1),
)
assert isinstance(answer, RecognitionJob), answer
assert isinstance(answer.result, RecognitionResult), answer
again = get_job.sync(answer.id, client=client)
assert isinstance(again, AnyRecognitionJob), again
missing = get_job.sync(uuid4(), client=client)
assert isinstance(missing, ProblemResource), missing

found = {
    "quality_gate": collection.quality_gate.value,
    "enrolled": len(enrolment.result.face_ids),
    "decisions": [[face.decision.value for face in image.faces] for image in answer.result.images],
    "subjects": [
        [face.candidates[0].subject for face in image.faces] for image in answer.result.images
    ],
    "similar": all(face.candidates[0].similarity > 0.5 for face in answer.result.images[0].faces),
    "same_again": isinstance(again.result, RecognitionResult)
    and again.result.to_dict() == answer.result.to_dict(),
    "missing": missing.type_,
}
json.dump(found, sys.stdout)
