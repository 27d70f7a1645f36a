"""The running service seals its audit trail by itself."""

from __future__ import annotations

from uuid import uuid4

from deploy.local.waiting import wait_until

PATIENCE_S = 120


def test_what_is_done_is_sealed_soon_and_the_trail_is_sound(service):
    name = f"trail {uuid4().hex}"
    with service.client() as http:
        made = http.post("/v1/collections", json={"name": name}).json()["id"]
        http.delete(f"/v1/collections/{made}").raise_for_status()

        def sealed():
            found = http.get("/v1/audit", params={"target_id": made}).json()["items"]
            return [one["action"] for one in found if one["sealed"]] == [
                "collection.delete",
                "collection.create",
            ]

        wait_until(sealed, PATIENCE_S, "the sweep to seal the records")
    head = service.run_cli("audit", "head")
    assert "records are unchanged" in service.run_cli("audit", "verify", "--head", head)
