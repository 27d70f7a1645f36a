"""What the manifest of weights says."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.domain.errors import WeightsError
from app.domain.model_card import ModelCard, Preprocessing

DEFAULT_WEIGHTS_DIR = Path(__file__).resolve().parents[2] / "models_weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsSource:
    """Where the original of a weights file comes from."""

    #: ``package``: inside an installed distribution; ``sdist``: inside a source archive of the
    #: package index; ``release``: a file of a project's release page.
    kind: Literal["package", "sdist", "release"]
    project: str
    version: str
    #: Path inside the distribution or archive, or the file's name on the release page.
    member: str
    #: Of the original file; absent where none was published.
    sha256: str | None = None
    bytes: int | None = None
    archive_sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsEntry:
    """One network's weights as the manifest describes them."""

    id: str
    network: Literal["pnet", "pnet-window", "rnet", "onet", "inception-resnet-v1"]
    #: Of the converted safetensors file; absent where the original could not be pinned.
    sha256: str | None = None
    bytes: int | None = None
    #: Fetched by default; the others are fetched by naming them.
    default: bool = False
    licence: str
    training_set: str
    input: str
    dimension: int | None = None
    input_size: int | None = None
    preprocessing: Preprocessing | None = None
    source: WeightsSource

    def card(self) -> ModelCard:
        """Describe an embedding model; raise WeightsError for any other network."""
        if self.dimension is None or self.input_size is None or self.preprocessing is None:
            raise WeightsError(f"{self.id} is not an embedding model. Choose one that is.")
        return ModelCard(
            id=self.id,
            dimension=self.dimension,
            input_size=self.input_size,
            preprocessing=self.preprocessing,
            licence=self.licence,
            training_set=self.training_set,
            source=f"{self.source.project} {self.source.version}: {self.source.member}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSource:
    """Photographs of a few public figures inside a source archive, for demonstrations."""

    project: str
    version: str
    archive_sha256: str
    #: Folder inside the archive holding ``train/<person>`` and ``val/<person>``.
    folder: str
    photographs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All weights by id."""

    weights: dict[str, WeightsEntry]
    samples: SampleSource

    def entry(self, weights_id: str) -> WeightsEntry:
        """Return one entry; raise WeightsError naming the known ids where there is none."""
        try:
            return self.weights[weights_id]
        except KeyError:
            known = ", ".join(sorted(self.weights))
            raise WeightsError(f'There are no weights "{weights_id}". Known are {known}.') from None


def read_manifest(weights_dir: Path) -> Manifest:
    """Read ``manifest.toml``; raise WeightsError where it is missing or not understood."""
    path = weights_dir / "manifest.toml"
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = [
            WeightsEntry(**{**table, "source": WeightsSource(**table["source"])})
            for table in document["weights"]
        ]
        return Manifest(
            weights={entry.id: entry for entry in entries},
            samples=SampleSource(**document["samples"]),
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise WeightsError(f"The weights manifest {path} cannot be read ({error}).") from error
