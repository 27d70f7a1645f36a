"""The documentation's pages, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt

PROJECT = Path(__file__).resolve().parents[1]
DOCS = PROJECT / "app" / "docs"

_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    def __str__(self):
        return str(self.path.relative_to(PROJECT))

    @cached_property
    def text(self):
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def _tokens(self):
        return _MARKDOWN.parse(self.text)

    @property
    def _inline(self):
        return [child for token in self._tokens for child in token.children or ()]

    def blocks(self, language):
        """Give the content of the fenced blocks of a language, in order."""
        fences = [token for token in self._tokens if token.type == "fence"]
        return [token.content for token in fences if token.info == language]

    def commands(self):
        """Give what the console blocks show as typed, a list for each block."""
        return [_typed(block) for block in self.blocks("console")]

    def code(self):
        """Give every piece of code that stands in a line of text."""
        return [child.content for child in self._inline if child.type == "code_inline"]

    def links(self):
        return [child.attrGet("href") for child in self._inline if child.type == "link_open"]

    def headings(self):
        """Give the headings without their mark-up."""
        starts = [n for n, token in enumerate(self._tokens) if token.type == "heading_open"]
        return [self._tokens[n + 1].content.replace("`", "") for n in starts]

    def anchors(self):
        """Give what a link may name behind a hash: headings as GitHub spells them there."""
        kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in self.headings()]
        return {heading.replace(" ", "-") for heading in kept}

    def section(self, heading):
        """Give the text between a heading and the next one of any level."""
        pattern = rf"^#+ `?{re.escape(heading)}`?$(.*?)(?=^#|\Z)"
        return re.search(pattern, self.text, re.MULTILINE | re.DOTALL)[1].strip()

    def rows(self):
        """Give the cells of every row of every table, as they are written."""
        rows = []
        for n, token in enumerate(self._tokens):
            if token.type == "tr_open":
                rows.append([])
            elif token.type in {"td_open", "th_open"}:
                rows[-1].append(self._tokens[n + 1].content)
        return rows


def _typed(block):
    lines, goes_on = [], False
    for line in block.splitlines():
        if goes_on:
            lines[-1] += "\n" + line
        elif line.startswith("$ "):
            lines.append(line.removeprefix("$ "))
        goes_on = bool(lines) and lines[-1].endswith("\\")
    return lines


README = Page(PROJECT / "README.md")
CHANGELOG = Page(PROJECT / "CHANGELOG.md")
PAGES = [
    README,
    CHANGELOG,
    Page(PROJECT / "CONTRIBUTING.md"),
    Page(PROJECT / "RELIABILITY.md"),
    Page(PROJECT / "SECURITY.md"),
    Page(PROJECT / "models_weights" / "README.md"),
    *(Page(path) for path in sorted(DOCS.rglob("*.md"))),
]


def page(name):
    """Give a page of the documentation by its name, such as ``api``."""
    return Page(DOCS / f"{name}.md")
