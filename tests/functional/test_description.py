"""What the API says of itself is valid, complete, and the same everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from description import DESCRIPTION, OPERATIONS, resolved, validator
from openapi_spec_validator import validate

from app.api.description.text import description_text
from app.api.http.problems import MEDIA_TYPE
from app.domain.job import JobType

PROJECT = Path(__file__).parents[2]
every_operation = pytest.mark.parametrize("name", OPERATIONS)


def test_the_description_is_valid():
    validate(DESCRIPTION)


def test_the_file_in_the_repository_is_what_the_service_serves(anyone):
    written = (PROJECT / "app" / "docs" / "openapi.json").read_text()
    assert written == description_text(), 'Run "make openapi" and commit app/docs/openapi.json.'
    served = anyone.get("/v1/openapi.json")
    assert served.content_type == "application/json"
    assert served.text == written


def test_every_route_of_version_1_is_described(app):
    served = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("v1.") and rule.rule != "/v1/"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {(method, path) for method, path, _ in OPERATIONS.values()}
    assert served == {(method, path) for method, path in described if path.startswith("/v1/")}
    beside = {path for _, path in described} - {path for _, path in served}
    assert beside == {
        "/health/live",
        "/health/ready",
        "/health/working",
        "/metrics",
        "/problems/{slug}",
    }


@every_operation
def test_every_problem_of_an_operation_is_a_problem_document(name):
    _, _, operation = OPERATIONS[name]
    problems = {int(status): answer for status, answer in operation["responses"].items()}
    statuses = {status for status in problems if status >= 400}
    needs_a_key = {401, 403} if operation["security"] else set()
    takes_a_body = {415} if "requestBody" in operation else set()
    assert statuses >= {400, 408, 413, 431, 500, 503, 507} | needs_a_key | takes_a_body
    for status in statuses:
        content = resolved(problems[status])["content"]
        assert content == {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemResource"}}}


@every_operation
def test_what_the_path_names_comes_first_and_the_collection_before_all(name):
    _, path, operation = OPERATIONS[name]
    in_path = re.findall(r"{(\w+)}", path)
    parameters = operation["parameters"]
    assert [one["name"] for one in parameters[: len(in_path)]] == in_path
    assert all(one["in"] != "path" for one in parameters[len(in_path) :])
    assert "collection" not in in_path[1:]
    if "collection" in in_path:
        assert parameters[0]["example"] == "staff"


@every_operation
def test_no_optional_parameter_has_an_example_that_a_page_would_send(name):
    _, _, operation = OPERATIONS[name]
    for parameter in operation["parameters"]:
        if not parameter.get("required"):
            assert "example" not in parameter
            assert not parameter["schema"].keys() & {"example", "examples"}


@every_operation
def test_a_body_has_one_example_which_its_schema_allows(name):
    _, _, operation = OPERATIONS[name]
    content = operation.get("requestBody", {}).get("content", {})
    with_example = [media for media in content.values() if "example" in media]
    assert len(with_example) == bool(content)
    for media in with_example:
        validator(media["schema"]).validate(media["example"])


def test_a_body_may_be_left_out_where_nothing_in_it_is_required():
    optional = {
        name
        for name, (_, _, operation) in OPERATIONS.items()
        if not operation.get("requestBody", {"required": True})["required"]
    }
    assert optional == {"activate_reembedding", "rotate_key"}
    for name, (method, _, operation) in OPERATIONS.items():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None and method == "post" and "required" not in resolved(body["schema"]):
            assert name in optional or len(operation["requestBody"]["content"]) > 1, name


def test_a_default_stands_once_so_that_no_generated_client_sends_a_parameter_twice():
    for name, (_, _, operation) in OPERATIONS.items():
        content = operation.get("requestBody", {}).get("content", {})
        in_bodies = {
            member
            for media in content.values()
            for member in resolved(media["schema"]).get("properties", {})
        }
        for parameter in operation["parameters"]:
            if parameter["name"] in in_bodies and parameter["in"] == "query":
                assert "default" not in parameter["schema"], (name, parameter["name"])


def test_a_change_has_no_defaults_so_that_no_generated_client_sends_them():
    for method, _, operation in OPERATIONS.values():
        if method == "patch":
            schema = resolved(operation["requestBody"]["content"]["application/json"]["schema"])
            assert not [name for name, one in schema["properties"].items() if "default" in one]


def test_several_files_may_come_in_one_form():
    for name in ("create_recognition", "create_face", "create_detection", "create_embedding"):
        content = OPERATIONS[name][2]["requestBody"]["content"]
        form = resolved(content["multipart/form-data"]["schema"])
        assert form["required"] == ["image"]
        assert form["properties"]["image"]["type"] == "array"
        assert form["properties"]["image"]["items"] == {"type": "string", "format": "binary"}
        assert {"image/*", "application/octet-stream"} <= content.keys()
    verification = OPERATIONS["create_verification"][2]["requestBody"]["content"]
    assert verification.keys() == {"application/json", "multipart/form-data"}
    for media in verification.values():
        assert resolved(media["schema"])["required"] == ["source", "target"]


def test_every_type_of_job_has_a_result_of_its_own():
    job = DESCRIPTION["components"]["schemas"]["JobResource"]
    assert job["discriminator"]["propertyName"] == "type"
    assert job["discriminator"]["mapping"].keys() == set(JobType)
    for kind, reference in job["discriminator"]["mapping"].items():
        schema = resolved({"$ref": reference})
        assert schema["properties"]["type"]["const"] == kind
        *results, nothing = schema["properties"]["result"]["anyOf"]
        assert nothing == {"type": "null"}
        assert results
        for result in results:
            assert resolved(result)["required"], kind
        assert schema["properties"]["error"]["anyOf"][0]["$ref"].endswith("/ProblemResource")


def test_the_former_address_leads_to_the_description(anyone):
    answer = anyone.get("/v1/swagger.json")
    assert answer.status_code == 308
    assert answer.headers["Location"] == "/v1/openapi.json"


def test_the_page_brings_everything_itself_and_runs_nothing_else(anyone):
    page = anyone.get("/v1/docs")
    assert page.status_code == 200
    brought = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(brought) == 4
    for name in brought:
        answer = anyone.get(f"/v1/{name}", buffered=True)
        assert answer.status_code == 200, name
        assert answer.data
    policy = dict(part.strip().split(" ", 1) for part in policy_of(page).split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "persistAuthorization: true" in anyone.get("/v1/docs/start.js", buffered=True).text


def policy_of(answer):
    return answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["page.html", "face.webp", "swagger-ui.js", "..%2fpages.py"])
def test_nothing_but_the_files_of_the_page_is_served(anyone, name):
    assert anyone.get(f"/v1/docs/{name}").status_code == 404
