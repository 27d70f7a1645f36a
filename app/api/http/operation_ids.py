"""Operation ids that read well as the names of a generated client's methods."""

from __future__ import annotations

import re

_RESOURCE = re.compile(r"(?P<noun>[A-Z][a-z]+)(?P<kind>List|Collection|Versions|Item|Hold)")
_VERBS = {"get": "get", "post": "create", "patch": "update", "delete": "delete"}
_HOLD_VERBS = {"get": "get", "put": "place", "delete": "lift"}
_OTHERS = {
    "live": "get_liveness",
    "metrics": "get_metrics",
    "problem_type": "get_problem_type",
    "ready": "get_readiness",
    "working": "get_working_parts",
    "AttemptLog": "list_attempts",
    "ConsentWithdrawal": "withdraw_consent",
    "EndpointRotation": "rotate_endpoint_secret",
    "EndpointTest": "test_endpoint",
    "FaceImage": "get_face_image",
    "JobCancel": "cancel_job",
    "JobImage": "get_job_image",
    "JobRequeue": "requeue_job",
    "KeyRotation": "rotate_key",
    "Models": "list_models",
    "RangeRedelivery": "redeliver_range",
    "Redelivery": "redeliver",
    "ReembeddingActivation": "activate_reembedding",
    "ReembeddingCancel": "cancel_reembedding",
    "ReembeddingFinish": "finish_reembedding",
    "ReembeddingPause": "pause_reembedding",
    "ReembeddingResume": "resume_reembedding",
    "ReembeddingRollback": "roll_back_reembedding",
}


def operation_id(resource: str, method: str) -> str:
    """Name the operation that a method (in lower case) of a resource class, or a view, is.

    >>> operation_id("DeliveryList", "get"), operation_id("KeyItem", "delete")
    ('list_deliveries', 'delete_key')
    >>> operation_id("SubjectHold", "put")
    'place_subject_hold'
    """
    found = _RESOURCE.fullmatch(resource)
    if found is None:
        return _OTHERS[resource]
    noun = found["noun"].lower()
    if found["kind"] == "Hold":
        return f"{_HOLD_VERBS[method]}_{noun}_hold"
    if method == "get" and found["kind"] != "Item":
        return f"list_{noun[:-1]}ies" if noun.endswith("ry") else f"list_{noun}s"
    return f"{_VERBS[method]}_{noun}"
