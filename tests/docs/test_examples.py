"""What the pages show is typed in, and what they promise comes out."""

from __future__ import annotations

import json

import pytest
from pages import PAGES, README, page

#: Figures on the pages are rounded, and another engine gives others in the third decimal.
_CLOSE = 0.02


def _assert_holds(answer, shown):
    """Hold what is shown against the answer, which may have more members."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            _assert_holds(answer[name], value)
    elif isinstance(shown, float):
        assert answer == pytest.approx(shown, abs=_CLOSE)
    else:
        assert answer == shown


def test_the_curl_of_the_readme_gets_the_answer_that_stands_below_it(type_in):
    typed = "\n".join(README.commands()[1])
    (shown,) = README.blocks("json")
    assert "curl" in typed
    _assert_holds(json.loads(type_in(typed)), json.loads(shown))


def test_the_curls_of_the_quick_start_recognise_who_was_enrolled(type_in):
    (script,) = page("quickstart").blocks("bash")
    *_, last = type_in(script).replace('}{"id"', '}\n{"id"').splitlines()
    face = json.loads(last)["result"]["images"][0]["faces"][0]
    assert (face["decision"], face["candidates"][0]["subject"]) == ("match", "Jerry Seinfeld")


def test_the_python_of_the_quick_start_prints_what_stands_below_it(run_python):
    quickstart = page("quickstart")
    printed = run_python("\n".join(quickstart.blocks("python")))
    assert printed == "".join(quickstart.blocks("text"))


def test_the_commands_of_the_operations_page_run(type_in):
    (script,) = page("operations").blocks("bash")
    printed = type_in(script)
    assert '{"status":"live"}' in printed
    assert '"database":true' in printed
    assert "vultus_jobs{" in printed


def test_the_command_line_makes_and_lists_keys_as_described(type_beside_service, service):
    (block,) = [block for block in page("operations").commands() if "app.cli keys" in block[0]]
    create, listing = block
    key = type_beside_service(create).strip()
    with service.client() as http:
        assert http.get("/v1/keys", headers={"x-api-key": key}).status_code == 200
    assert "rescue" in type_beside_service(listing)


@pytest.mark.parametrize("shown", PAGES, ids=str)
def test_every_json_block_is_json(shown):
    for block in shown.blocks("json"):
        json.loads(block)


@pytest.mark.parametrize("shown", PAGES, ids=str)
def test_every_block_is_of_a_kind_that_is_looked_at(shown):
    kinds = ("console", "bash", "python", "text", "json")
    assert sum(len(shown.blocks(kind)) for kind in kinds) == shown.text.count("```") / 2
