import doctest
import importlib
import pkgutil

import pytest

import workers

MODULES = [module.name for module in pkgutil.walk_packages(workers.__path__, "workers.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name):
    module = importlib.import_module(name)

    assert doctest.testmod(module).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [
        found
        for name in MODULES
        for found in finder.find(importlib.import_module(name))
        if found.examples
    ]

    assert len(examples) >= 10
