"""Every text that an error is raised with is written in one style."""

from __future__ import annotations

import ast
import builtins

import pytest
from pages import PROJECT
from sentences import faults_of_style

from app.domain import errors

_FOLDERS = ("app", "workers", "tasks", "deploy")
#: Errors whose texts are CompreFace's own: its clients know them as they are.
_COMPREFACE = PROJECT / "app" / "compat" / "compreface"
_OURS = {*vars(errors), *vars(builtins)}
#: Functions that end a program, or the reading of its arguments, with a text.
_ENDS = {"exit", "fail"}
#: How many texts there are at least: fewer means that they are not found any more.
_LEAST_TEXTS = 250


def _text(node):
    """Give the text of an expression with ``{}`` for its values, or ``None`` for any other."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            texts = _text(left), _text(right)
            return None if texts == (None, None) else "".join(text or "{}" for text in texts)
        case _:
            return None


def _name(call):
    return ast.unparse(call.func).rpartition(".")[2]


def texts_of_errors(source, *, known=None):
    """Give the line and the text of every error that a source makes; ``known`` names its kinds."""
    tree = ast.parse(source)
    raised = {id(node.exc) for node in ast.walk(tree) if isinstance(node, ast.Raise)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node)
        is_error = name.endswith("Error") or name in {"Fault", *_ENDS}
        if id(node) not in raised and not is_error:
            continue
        if known is not None and name not in known:
            continue
        stated = [*node.args, *(one.value for one in node.keywords if one.arg != "pointer")]
        for text in map(_text, stated):
            if text and (is_error or " " in text):  # a word alone is an argument of a helper
                yield node.lineno, text


def _every_text():
    for folder in _FOLDERS:
        for path in sorted(PROJECT.glob(f"{folder}/**/*.py")):
            known = _OURS if path.is_relative_to(_COMPREFACE) else None
            for line, text in texts_of_errors(path.read_text(encoding="utf-8"), known=known):
                yield f"{path.relative_to(PROJECT)}:{line}", text


def test_every_text_of_an_error_is_a_plain_sentence():
    found = list(_every_text())
    faults = [(where, text, wrong) for where, text in found if (wrong := faults_of_style(text))]
    assert faults == []
    assert len(found) > _LEAST_TEXTS


@pytest.mark.parametrize(
    "error",
    [
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.VultusError)
    ],
    ids=lambda error: error.__name__,
)
def test_the_text_that_an_error_has_by_default_is_a_plain_sentence(error):
    first_line = error.__doc__.strip().splitlines()[0]
    assert faults_of_style(first_line) == []
    assert faults_of_style(f"{error.title}.") == []


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ('raise ConflictError("the job has ended.")', ["begins without a capital letter"]),
        ('raise ConflictError("The job has ended")', ["ends without a full stop"]),
        ('raise ConflictError(f"{name} is taken")', ["ends without a full stop"]),
        ('raise ConflictError("Whoever sent it was told.")', ["Whoever", "told"]),
        ('Fault(detail="is missing.", pointer="#/name")', ["begins without a capital letter"]),
        ('sys.exit("Nothing " + "runs")', ["ends without a full stop"]),
        ('raise type(error)(f"image {n}.") from error', ["begins without a capital letter"]),
        ('raise DemoError(f"The program failed:\\n{output}")', []),
        ("raise ConflictError(f'{name} is taken. Choose \"another\".')", []),
    ],
)
def test_a_text_in_another_style_is_found(source, faults):
    ((_, text),) = texts_of_errors(source)
    assert faults_of_style(text) == faults
