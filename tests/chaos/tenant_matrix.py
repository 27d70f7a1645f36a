"""Every operation of the service, who may call it, and how it is called properly."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO

from factories import image_bytes

from app.domain.access import Scope
from app.domain.compreface import ServiceType
from tests.chaos.tenant_world import OTHER_MODEL, PHOTO

_IMAGE = image_bytes()


@dataclass(frozen=True)
class Row:
    """How to call an operation: who may, and with what beside the path."""

    #: The least scope of an API key, or the type of a service with CompreFace's API.
    needs: Scope | ServiceType
    json: object = None
    photo: bool = False
    query: dict[str, str] = field(default_factory=dict)
    #: Members of the query or of the body that name a thing, each with the parameter it stands for.
    references: dict[str, str] = field(default_factory=dict)

    def options(self):
        """Give the call's arguments for a test client."""
        options = {"query_string": dict(self.query)}
        if self.photo and isinstance(self.needs, ServiceType):
            fields = _PHOTOGRAPHS[self.needs]
            options["data"] = {name: (BytesIO(_IMAGE), "a.jpg") for name in fields}
        elif self.photo:
            options |= PHOTO
        elif self.json is not None:
            options["json"] = self.json
        return options


_PHOTOGRAPHS = {
    ServiceType.RECOGNITION: ["file"],
    ServiceType.DETECTION: ["file"],
    ServiceType.VERIFY: ["source_image", "target_image"],
}
_READ, _WRITE, _ADMIN = Scope.READ, Scope.WRITE, Scope.ADMIN
_RECOGNITION = ServiceType.RECOGNITION
_HOOK = {"url": "https://hooks.example/a", "events": ["job.failed"]}
_VECTOR = {"embeddings": [[0.0] * 127 + [1.0]]}
_HOME = "/v1/collections/<collection>"
_CONSENTS = f"{_HOME}/subjects/<subject>/consents"
_CHANGE = f"{_HOME}/reembeddings/<uuid:reembedding_id>"
_HOOKS = "/v1/webhooks/<uuid:endpoint_id>"
_SENT = f"{_HOOKS}/deliveries/<uuid:delivery_id>"
_COMPREFACE = "/api/v1/recognition"
_APPLICATION = "/admin/app/<app_id>"
_MODEL = f"{_APPLICATION}/model/<model_id>"

ROWS = {
    ("GET", "/v1/collections"): Row(_READ),
    ("POST", "/v1/collections"): Row(_WRITE, json={"name": "another"}),
    ("GET", _HOME): Row(_READ),
    ("PATCH", _HOME): Row(_WRITE, json={"retention_days": 9}),
    ("DELETE", _HOME): Row(_WRITE),
    ("GET", f"{_HOME}/subjects"): Row(_READ),
    ("POST", f"{_HOME}/subjects"): Row(_WRITE, json={"name": "Bob"}),
    ("GET", f"{_HOME}/subjects/<subject>"): Row(_READ),
    ("PATCH", f"{_HOME}/subjects/<subject>"): Row(_WRITE, json={"name": "Cleo"}),
    ("DELETE", f"{_HOME}/subjects/<subject>"): Row(_WRITE),
    ("GET", _CONSENTS): Row(_READ),
    ("POST", _CONSENTS): Row(_WRITE, json={"purpose": "door", "text_version": "1"}),
    ("POST", f"{_CONSENTS}/<uuid:consent_id>/withdraw"): Row(_WRITE),
    ("GET", f"{_HOME}/subjects/<subject>/legal-hold"): Row(_ADMIN),
    ("PUT", f"{_HOME}/subjects/<subject>/legal-hold"): Row(_ADMIN, json={"reference": "case-1"}),
    ("DELETE", f"{_HOME}/subjects/<subject>/legal-hold"): Row(_ADMIN),
    ("GET", f"{_HOME}/legal-hold"): Row(_ADMIN),
    ("PUT", f"{_HOME}/legal-hold"): Row(_ADMIN, json={"reference": "case-1"}),
    ("DELETE", f"{_HOME}/legal-hold"): Row(_ADMIN),
    ("GET", f"{_HOME}/faces"): Row(_READ, references={"subject": "subject"}),
    ("POST", f"{_HOME}/faces"): Row(_WRITE, photo=True),
    ("GET", f"{_HOME}/faces/<uuid:face_id>"): Row(_READ),
    ("PATCH", f"{_HOME}/faces/<uuid:face_id>"): Row(_WRITE, json={"subject": "Bob"}),
    ("DELETE", f"{_HOME}/faces/<uuid:face_id>"): Row(_WRITE),
    ("GET", f"{_HOME}/faces/<uuid:face_id>/image"): Row(_READ),
    ("POST", f"{_HOME}/recognitions"): Row(_READ, photo=True),
    ("GET", f"{_HOME}/trainings"): Row(_READ),
    ("POST", f"{_HOME}/trainings"): Row(_WRITE),
    ("GET", f"{_HOME}/reembeddings"): Row(_READ),
    ("POST", f"{_HOME}/reembeddings"): Row(_WRITE, json={"model": OTHER_MODEL}),
    ("GET", _CHANGE): Row(_READ),
    ("POST", f"{_CHANGE}/pause"): Row(_WRITE),
    ("POST", f"{_CHANGE}/resume"): Row(_WRITE),
    ("POST", f"{_CHANGE}/activate"): Row(_WRITE, json={}),
    ("POST", f"{_CHANGE}/rollback"): Row(_WRITE),
    ("POST", f"{_CHANGE}/finish"): Row(_WRITE),
    ("POST", f"{_CHANGE}/cancel"): Row(_WRITE),
    ("POST", "/v1/verifications"): Row(_READ, photo=True),
    ("POST", "/v1/detections"): Row(_READ, photo=True),
    ("POST", "/v1/embeddings"): Row(_READ, photo=True),
    ("GET", "/v1/models"): Row(_READ),
    ("GET", "/v1/jobs"): Row(_READ),
    ("GET", "/v1/jobs/<uuid:job_id>"): Row(_READ),
    ("DELETE", "/v1/jobs/<uuid:job_id>"): Row(_READ),
    ("GET", "/v1/jobs/<uuid:job_id>/images/<int:number>"): Row(_READ),
    ("POST", "/v1/jobs/<uuid:job_id>/cancel"): Row(_READ),
    ("POST", "/v1/jobs/<uuid:job_id>/requeue"): Row(_READ),
    ("GET", "/v1/webhooks"): Row(_READ),
    ("POST", "/v1/webhooks"): Row(_WRITE, json=_HOOK),
    ("GET", _HOOKS): Row(_READ),
    ("PATCH", _HOOKS): Row(_WRITE, json={"enabled": False}),
    ("DELETE", _HOOKS): Row(_WRITE),
    ("POST", f"{_HOOKS}/redeliver"): Row(_WRITE, json={"since": "2026-01-01T00:00:00Z"}),
    ("POST", f"{_HOOKS}/rotate"): Row(_WRITE),
    ("POST", f"{_HOOKS}/test"): Row(_WRITE),
    ("GET", f"{_HOOKS}/deliveries"): Row(_READ),
    ("GET", _SENT): Row(_READ),
    ("GET", f"{_SENT}/attempts"): Row(_READ),
    ("POST", f"{_SENT}/redeliver"): Row(_WRITE),
    ("GET", "/v1/keys"): Row(_ADMIN),
    ("POST", "/v1/keys"): Row(
        _ADMIN, json={"name": "n", "scope": "read"}, references={"collection": "collection"}
    ),
    ("GET", "/v1/keys/<uuid:key_id>"): Row(_ADMIN),
    ("DELETE", "/v1/keys/<uuid:key_id>"): Row(_ADMIN),
    ("POST", "/v1/keys/<uuid:key_id>/rotate"): Row(_ADMIN, json={"overlap_s": 60}),
    # Refusals repeat the ids that their caller asked for, so these are others.
    ("GET", "/v1/audit"): Row(_ADMIN, query={"action": "key.create"}),
    ("GET", "/metrics"): Row(_READ),
    ("POST", "/api/v1/detection/detect"): Row(ServiceType.DETECTION, photo=True),
    ("POST", "/api/v1/verification/verify"): Row(ServiceType.VERIFY, photo=True),
    ("POST", "/api/v1/verification/embeddings/verify"): Row(
        ServiceType.VERIFY, json={"source": [1.0] * 128, "targets": [[1.0] * 128]}
    ),
    ("POST", "/api/v1/migrate"): Row(_RECOGNITION),
    ("POST", f"{_COMPREFACE}/recognize"): Row(_RECOGNITION, photo=True),
    ("POST", f"{_COMPREFACE}/embeddings/recognize"): Row(_RECOGNITION, json=_VECTOR),
    ("POST", f"{_COMPREFACE}/embeddings/faces/<image_id>/verify"): Row(_RECOGNITION, json=_VECTOR),
    ("GET", f"{_COMPREFACE}/faces"): Row(_RECOGNITION),
    ("POST", f"{_COMPREFACE}/faces"): Row(_RECOGNITION, photo=True, query={"subject": "Bob"}),
    ("DELETE", f"{_COMPREFACE}/faces"): Row(_RECOGNITION, query={"subject": "nobody"}),
    ("POST", f"{_COMPREFACE}/faces/delete"): Row(_RECOGNITION, json=[]),
    ("DELETE", f"{_COMPREFACE}/faces/<image_id>"): Row(_RECOGNITION),
    ("GET", f"{_COMPREFACE}/faces/<image_id>/img"): Row(_RECOGNITION),
    ("POST", f"{_COMPREFACE}/faces/<image_id>/verify"): Row(_RECOGNITION, photo=True),
    ("GET", f"{_COMPREFACE}/subjects"): Row(_RECOGNITION),
    ("POST", f"{_COMPREFACE}/subjects"): Row(_RECOGNITION, json={"subject": "Dan"}),
    ("DELETE", f"{_COMPREFACE}/subjects"): Row(_RECOGNITION),
    ("PUT", f"{_COMPREFACE}/subjects/<path:subject>"): Row(_RECOGNITION, json={"subject": "Eve"}),
    ("DELETE", f"{_COMPREFACE}/subjects/<path:subject>"): Row(_RECOGNITION),
    ("GET", "/api/v1/faces"): Row(_RECOGNITION),
    ("POST", "/api/v1/faces"): Row(_RECOGNITION, photo=True, query={"subject": "Bob"}),
    ("DELETE", "/api/v1/faces"): Row(_RECOGNITION, query={"subject": "nobody"}),
    ("DELETE", "/api/v1/faces/<image_id>"): Row(_RECOGNITION),
    ("POST", "/api/v1/recognize"): Row(_RECOGNITION, photo=True),
    ("GET", "/api/v1/retrain"): Row(_RECOGNITION),
    ("POST", "/api/v1/retrain"): Row(_RECOGNITION),
    ("DELETE", "/api/v1/retrain"): Row(_RECOGNITION),
    ("GET", "/admin/apps"): Row(_ADMIN),
    ("POST", "/admin/app"): Row(_ADMIN, json={"name": "yard"}),
    ("GET", _APPLICATION): Row(_ADMIN),
    ("PUT", _APPLICATION): Row(_ADMIN, json={"name": "garden"}),
    ("GET", f"{_APPLICATION}/models"): Row(_ADMIN),
    ("POST", f"{_APPLICATION}/model"): Row(_ADMIN, json={"name": "gate", "type": "VERIFY"}),
    ("GET", _MODEL): Row(_ADMIN),
    ("GET", f"{_MODEL}/statistics"): Row(_ADMIN),
    ("POST", _MODEL): Row(_ADMIN, json={"name": "copy"}),
    ("PUT", _MODEL): Row(_ADMIN, json={"name": "window"}),
    ("PUT", f"{_MODEL}/apikey"): Row(_ADMIN),
    ("DELETE", _MODEL): Row(_ADMIN),
    ("DELETE", _APPLICATION): Row(_ADMIN),
}

#: What CompreFace does to users and their roles: refused to everyone, whatever the path names.
_REFUSED = (
    "/admin/user/<path:_>",
    f"{_APPLICATION}/roles",
    f"{_APPLICATION}/assign-roles",
    f"{_APPLICATION}/invite",
    f"{_APPLICATION}/role",
    f"{_APPLICATION}/user/<path:_>",
    f"{_APPLICATION}/apikey",
)

#: What answers everyone, and tells of nobody's things.
OPEN = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/health/working"),
    ("GET", "/problems/<slug>"),
    ("GET", "/v1/"),
    ("GET", "/v1/docs"),
    ("GET", "/v1/docs/<name>"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/swagger.json"),
    ("GET", "/api/v1/config"),
    ("GET", "/api/v1/consistence/status"),
    # The key stands in the path.
    ("GET", "/api/v1/static/<api_key>/images/<image_id>"),
    ("GET", "/admin/status"),
    ("GET", "/admin/config"),
    # The key stands in the form, or there is nothing to know.
    ("POST", "/admin/oauth/token"),
    ("DELETE", "/admin/oauth/token"),
    *(
        (method, path)
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        for path in ("/api/v1/<path:_>", "/admin/<path:_>")
    ),
    *((method, path) for method in ("DELETE", "GET", "POST", "PUT") for path in _REFUSED),
}

#: Parameters that name nothing of anybody's.
PLACES = {"number": "0"}


def operations(app):
    """Give (method, rule) of everything that the application answers."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
