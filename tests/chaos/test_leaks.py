"""T32: what the service was told in confidence turns up nowhere beside the database."""

from __future__ import annotations

import io
import json
import re
import secrets
from uuid import UUID, uuid4

import httpx
import psycopg
import redis
from celery import Celery
from PIL import Image
from receivers import Receiver, answer

from app.messaging.names import QueueName, TaskName
from deploy.local.paths import PROJECT
from tests.chaos.stack import wait_for

_PATH = re.compile(rb"/(?:usr|home|srv|opt|work|tmp|var|root)/[\w./-]+")
#: Numbers of EXIF.
_DESCRIPTION, _GPS, _AREA = 0x010E, 0x8825, 0x001C


class _Planted:
    """What is looked for, by what it is."""

    def __init__(self) -> None:
        self.words: dict[str, bytes] = {}

    def plant(self, kind: str, word: str | bytes) -> str:
        assert len(word) > 6, "a short word is everywhere"
        self.words[kind] = word if isinstance(word, bytes) else word.encode()
        return word

    def found_in(self, text: bytes) -> set[str]:
        return {kind for kind, word in self.words.items() if word in text}


def _photograph(data: bytes, planted: _Planted) -> bytes:
    """Give a photograph a place and a comment, as cameras write them."""
    target, exif = io.BytesIO(), Image.Exif()
    exif[_DESCRIPTION] = planted.plant("comment in the photograph", f"Photo{secrets.token_hex(8)}")
    place = planted.plant("place in the photograph", f"Place{secrets.token_hex(8)}")
    exif.get_ifd(_GPS).update({1: "N", 2: (47.0, 33.0, 17.48), _AREA: place.encode()})
    Image.open(io.BytesIO(data)).save(target, "JPEG", exif=exif, quality=95)
    photograph = target.getvalue()
    assert place.encode() in photograph
    planted.plant("bytes of the photograph", photograph[-3000:-2968])
    return photograph


class _Traffic:
    """Enrols, searches, fails and is told of it, with planted words wherever some can be."""

    def __init__(self, service, photographs) -> None:
        self.service, self.planted = service, _Planted()
        self.problems: list[bytes] = []
        self.photograph = _photograph(photographs[0].read_bytes(), self.planted)
        state = service.state
        for name, password in json.loads((state / "secrets.json").read_text()).items():
            self.planted.plant(f"password {name}", password)
        self.planted.plant("first key", service.key.split("_", 2)[2])

    def run(self, hook: str) -> None:
        plant = self.planted.plant
        home = plant("name of a collection", f"Coll{secrets.token_hex(6)}")
        person = plant("name of a subject", f"Pers{secrets.token_hex(6)}")
        with self.service.client() as http:
            self.http = http
            http.post("/v1/collections", json={"name": home}).raise_for_status()
            self.home = http.get(f"/v1/collections/{home}").json()["id"]
            events = ["job.succeeded", "job.failed"]
            made = http.post("/v1/webhooks", json={"url": hook, "events": events})
            self.endpoint = made.raise_for_status().json()
            plant("secret of a webhook", self.endpoint["secret"].removeprefix("whsec_"))
            key = http.post(
                "/v1/keys",
                json={"name": plant("name of a key", f"Key{uuid4().hex}"), "scope": "read"},
            ).json()["key"]
            plant("secret of a key", key.split("_", 2)[2])
            faces, searches = (
                f"/v1/collections/{self.home}/{what}" for what in ("faces", "recognitions")
            )
            self.enrolled = self._ended(faces, self.photograph, subject=person)
            self._ended(searches, self.photograph)
            self._ended("/v1/embeddings", self.photograph)
            self._ended(faces, self.photograph[: len(self.photograph) // 3], subject=person)
            self._ended(faces, _blank(), subject=person)
            self._refused("POST", "/v1/collections", json={"name": home})
            self._refused("POST", faces, params={"subject": person}, content=b"no image")
            self._refused("POST", "/v1/keys", json={"name": person, "scope": person})
            self._refused("GET", "/v1/jobs", headers={"x-api-key": key[:-3] + "xyz"})
            self._refused("GET", "/v1/keys", headers={"x-api-key": key})
            self._refused("GET", f"/v1/jobs/{uuid4()}")
            self._refused("POST", "/v1/webhooks", json={"url": f"ftp://{person}", "events": events})
        self._fail_a_task()

    def _ended(self, path: str, photograph: bytes, **query: str) -> dict:
        job = self.http.post(
            path, params=query, files={"image": photograph}, headers={"prefer": "wait=60"}
        )
        assert job.status_code in {200, 422}, job.text
        if job.status_code == httpx.codes.OK and job.json()["error"]:
            self.problems.append(json.dumps(job.json()["error"]).encode())
        elif job.status_code != httpx.codes.OK:
            self.problems.append(job.content)
        return job.json()

    def _refused(self, method: str, path: str, **options) -> None:
        refusal = self.http.request(method, path, **options)
        assert 400 <= refusal.status_code < 500, refusal.text
        self.problems.append(refusal.content)

    def _fail_a_task(self) -> None:
        """Put a message whose task raises, with a planted word in its argument."""
        word = self.planted.plant("argument of a task", f"Arg{secrets.token_hex(8)}")
        celery = Celery("intruder", broker=self.service.redis_url(), set_as_current=False)
        celery.conf.broker_transport_options = {"global_keyprefix": "vultus:"}
        celery.conf.task_create_missing_queues = True
        with celery:
            celery.send_task(TaskName.RUN, args=[word], queue=QueueName.INFERENCE)
        log = self.service.state / "log" / "worker-inference.log"
        wait_for(lambda: "a task failed" in log.read_text(), what="the task to fail")

    def vectors(self) -> None:
        """Plant the vectors that the database has of the photograph by now."""
        query = "SELECT vector_send(embedding), embedding::text FROM faces WHERE collection_id = %s"
        with psycopg.connect(self.service.database_url()) as connection:
            [(raw, text), *_] = connection.execute(query, [UUID(self.home)]).fetchall()
        numbers = text.strip("[]").split(",")
        self.planted.plant("vector, raw", raw[4:36])
        self.planted.plant("vector, in hexadecimal", raw[4:36].hex())
        self.planted.plant("vector, written", ",".join(numbers[:3]))
        self.planted.plant("vector, in JSON", numbers[0])


def _blank() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (200, 200), "grey").save(target, "JPEG")
    return target.getvalue()


def test_planted_words_turn_up_nowhere(service, photographs, finding):
    with Receiver(answer(204)) as receiver:
        traffic = _Traffic(service, photographs)
        traffic.run(f"http://127.0.0.1:{receiver.port}/hook")
        traffic.vectors()
        wait_for(lambda: len(receiver.requests) >= 5, what="the webhooks")
        hooks = b"\n".join(request.body for request in receiver.requests)
        with service.client() as http:
            http.delete(f"/v1/webhooks/{traffic.endpoint['id']}")
    assert traffic.enrolled["state"] == "succeeded"
    logs = b"".join(file.read_bytes() for file in (service.state / "log").glob("*.log*"))
    places = {
        "redis": _redis(service.state),
        "flower": _flower(service),
        "problem documents": b"\n".join(traffic.problems),
        "webhooks": hooks,
        "audit": _audit(service),
    }
    planted = traffic.planted
    # The test itself has put this one into Redis: it stands for one that our messages never hold.
    allowed = {"redis": {"argument of a task"}}
    leaks = {
        (place, kind)
        for place, text in {**places, "logs": logs}.items()
        for kind in planted.found_in(text) - allowed.get(place, set())
    }
    # Frames in logs name files of the code.
    paths = {
        (place, path)
        for place, text in places.items()
        for path in _PATH.findall(text)
        if bytes(PROJECT) in path or b".py" in path
    }
    naive = _naive(service, planted)
    finding(
        test="T32",
        promise="Names, photographs, vectors and secrets turn up in no log, message or monitor",
        n=len(planted.words),
        figure=f"{len(leaks) + len(paths)} of {len(planted.words)} planted words and of paths in"
        f" {len(places) + 1} places: logs of {len(logs) // 1000} kB,"
        f" {', '.join(f'{place} {len(text) // 1000} kB' for place, text in places.items())}"
        f" {sorted(map(str, leaks | paths)) or ''}",
        passed=not leaks and not paths and all(places.values()),
        naive=f"a task with its data for arguments: {', '.join(sorted(naive))} in Redis",
        naive_failed=bool(naive),
    )


def _redis(state) -> bytes:
    """Return every command that Redis has written down."""
    return b"".join(f.read_bytes() for f in (state / "redis").rglob("*") if "aof" in f.name)


def _flower(service) -> bytes:
    access = json.loads((service.state / "access.json").read_text())
    login = (access["flower_user"], access["flower_password"])
    with httpx.Client(
        base_url=access["flower_url"], auth=login, timeout=30, trust_env=False
    ) as http:
        tasks = http.get("/api/tasks").json()
        pages = ["/", "/tasks", "/broker", "/metrics", "/api/tasks", "/api/workers?refresh=1"]
        pages += [f"/task/{task}" for task in list(tasks)[-20:]]
        return b"\n".join(http.get(page).raise_for_status().content for page in pages)


def _audit(service) -> bytes:
    with psycopg.connect(service.database_url()) as connection:
        rows = connection.execute("SELECT to_jsonb(r)::text FROM audit_records r").fetchall()
    return "\n".join(row for [row] in rows).encode()


def _naive(service, planted) -> set[str]:
    """Put what one puts first; return which planted words then stand in Redis' log."""
    broker = service.redis_url().rpartition("/")[0] + "/1"
    name = planted.words["name of a subject"].decode()
    celery = Celery("naive", broker=broker, set_as_current=False)
    with celery:
        celery.send_task("naive.enrol", args=[name], queue="naive")
    found = planted.found_in(_redis(service.state)) - {"argument of a task"}
    with redis.Redis.from_url(broker) as client:
        client.flushdb()
    return found
