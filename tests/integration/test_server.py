"""The front, on real sockets: what it cuts, what it refuses, and whom that must not harm."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from app.observability import JsonFormatter
from app.server import build_server
from app.web.edge import HEADERS

PATIENCE_S = 60
MAX_BODY = 100_000


def application(environ, start_response):
    body = environ["wsgi.input"].read()
    match environ["PATH_INFO"].encode("latin-1").decode():
        case "/header/李":
            start_response("200 OK", [("Link", "</李>")])
            return [b"x"]
        case "/raise/李":
            raise ValueError("李")
        case "/late/李":
            start_response("200 OK", [("Content-Length", "6")])
            return late()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(body)).encode()]


def late():
    yield b"abc"
    raise ValueError("李")


@pytest.fixture(scope="module")
def server():
    running = build_server(application, listen="127.0.0.1:0", threads=4, max_body_bytes=MAX_BODY)
    running.grace_s = 1.0
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    yield running
    running.close()
    running.task_dispatcher.shutdown()


@contextmanager
def connected(server):
    address = ("127.0.0.1", int(server.effective_port))
    with socket.create_connection(address, timeout=PATIENCE_S) as client:
        yield client


def answered(client):
    """Read until the server closes; return the status and what came behind the headers."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(65536)
        if not piece:
            break
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += client.recv(65536)
    return int(head.split()[1]), body


def is_closed(client):
    """Tell whether the server is gone, and with it perhaps a byte that it has not read."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_complete_request_is_served(server):
    with connected(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        assert answered(client) == (200, b"5")


@pytest.mark.parametrize(
    "beginning",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Half-A-Head",
    ],
)
def test_a_request_that_drips_is_cut_with_an_answer_and_the_others_are_served(server, beginning):
    deadline = time.monotonic() + PATIENCE_S
    with connected(server) as slow:
        slow.sendall(beginning)
        slow.settimeout(0.1)
        while time.monotonic() < deadline:
            with suppress(ConnectionError):  # it may be cut just now
                slow.sendall(b"a")
            with connected(server) as other:
                other.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert answered(other) == (200, b"0")
            try:
                status, body = answered(slow)
            except TimeoutError:
                continue
            break
        assert status == 408
        assert json.loads(body)["type"] == "/problems/request-timeout"
        assert json.loads(body)["detail"].startswith("The request did not arrive in time")
        assert is_closed(slow)


def test_a_request_that_arrives_fast_enough_may_take_longer_than_the_grace(server):
    with connected(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 95000\r\n\r\n")
        client.sendall(b"a" * 60_000)  # for which it would have four seconds at the least rate
        for _ in range(35):
            client.sendall(b"a" * 1_000)
            time.sleep(0.05)
        assert answered(client) == (200, b"95000")


SLUGS = {
    400: "invalid-request",
    408: "request-timeout",
    413: "request-too-large",
    431: "request-header-fields-too-large",
}
BOTH = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n", 413),
        (BOTH, 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: %b\r\n\r\n" % (b"a" * 70_000), 431),
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ],
)
def test_what_is_no_proper_request_is_refused_as_a_problem_document(server, head, status):
    with connected(server) as client:
        client.sendall(head)
        found, body = answered(client)
    assert found == status
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["type"] == f"/problems/{SLUGS[status]}"
    assert problem["title"]
    assert problem["detail"].endswith(".")


def test_a_body_that_never_says_how_long_it_is_ends_at_the_limit(server):
    with connected(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(11):
            client.sendall(b"2710\r\n%b\r\n" % (b"a" * 10_000))
        status, _ = answered(client)
    assert status == 413


def test_the_fronts_own_refusals_have_the_headers_of_all_answers(server):
    with connected(server) as client:
        client.sendall(b"nonsense\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head and (piece := client.recv(65536)):
            head += piece
    lines = head.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert lines[0].split()[1] == "400"
    assert {f"{name}: {value}" for name, value in HEADERS.items()} <= set(lines)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 50000", b"x" * 50_000),
        (b"Transfer-Encoding: chunked", b"c350\r\n" + b"x" * 50_000 + b"\r\n0\r\n\r\n"),
    ],
)
def test_a_body_that_the_disk_has_no_room_for_is_read_and_answered(
    server, monkeypatch, tmp_path, head, body
):
    monkeypatch.setattr(server.adj, "inbuf_overflow", 1_000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with connected(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n" + body)
        status, document = answered(client)
    assert status == 507
    assert json.loads(document)["type"] == "/problems/insufficient-storage"
    monkeypatch.undo()
    with connected(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n" + body)
        assert answered(client) == (200, b"50000")


def heads_of(client):
    received = b""
    while b"\r\n\r\n" not in received and (piece := client.recv(65536)):
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    while len(body) < int(headers["Content-Length"]) and (piece := client.recv(65536)):
        body += piece
    return int(lines[0].split()[1]), headers, body


@pytest.mark.parametrize("kind", ["header", "raise"])
@pytest.mark.parametrize("stated", ["mine-1", "two words", ""])
def test_what_fails_beneath_the_application_is_a_problem_with_the_requests_id(
    server, caplog, kind, stated
):
    path = f"/{kind}/%E6%9D%8E".encode()
    with connected(server) as client:
        client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n" % path)
        client.sendall(f"X-Request-Id: {stated}\r\n\r\n".encode())
        status, headers, body = heads_of(client)
    problem = json.loads(body)
    assert (status, problem["status"]) == (500, 500)
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == "/problems/internal-error"
    assert headers.keys() >= HEADERS.keys()
    given = headers["X-Request-Id"]
    assert (given == stated) if stated == "mine-1" else len(given) == 36
    records = [record for record in caplog.records if getattr(record, "request_id", 0) == given]
    assert [record.levelname for record in records] == ["ERROR"]
    assert "李" not in JsonFormatter().format(records[0])
    for record in caplog.records:
        assert "李" not in record.getMessage()
        assert "%E6" not in record.getMessage()


def test_an_answer_that_breaks_off_ends_its_connection_without_a_word_of_the_request(
    server, caplog
):
    with connected(server) as client:
        client.sendall(b"GET /late/%E6%9D%8E HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while piece := client.recv(65536):
            received += piece
    assert received.endswith(b"abc")
    assert "a request failed" in caplog.text
    assert all("李" not in record.getMessage() for record in caplog.records)


def test_a_bad_request_is_answered_and_logged_with_an_id(server, caplog):
    caplog.set_level("INFO")
    with connected(server) as client:
        client.sendall(b"GET /%b HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n" % "李".encode())
        status, headers, _ = heads_of(client)
    assert status == 400
    [record] = [one for one in caplog.records if hasattr(one, "request_id")]
    assert record.request_id == headers["X-Request-Id"]
    assert "李" not in record.getMessage()


def test_a_caller_who_leaves_is_logged_without_a_word_of_the_request(server, caplog):
    caplog.set_level("INFO")
    for _ in range(20):
        with connected(server) as client:
            client.sendall(b"GET /%E6%9D%8E HTTP/1.1\r\nHost: x\r\n\r\n")
    with connected(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answered(client)[0] == 200
    assert all("李" not in record.getMessage() for record in caplog.records)
