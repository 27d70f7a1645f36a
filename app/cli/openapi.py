from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import TextIO


@click.command()
@click.argument("file", type=click.File("w", atomic=True), default="-")
def openapi(file: TextIO) -> None:
    """Write the description of the API (OpenAPI 3.1) to FILE, or print it."""
    from app.api.description.text import description_text  # noqa: PLC0415 - it loads all of the API

    file.write(description_text())
