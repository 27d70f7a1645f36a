"""Put a pipeline together from plain arguments."""

from pathlib import Path

import cv2
import numpy as np

from app.catalogue.manifest import DEFAULT_WEIGHTS_DIR, read_manifest
from app.domain.model_card import ModelCard
from app.imaging.inspect import ImageLimits
from workers.crops.alignment import CropRecipe
from workers.detectors.mtcnn.detector import DEFAULT_MIN_FACE_SIZE, MtcnnDetector
from workers.embedders.facenet import FaceNetEmbedder
from workers.embedders.shelf import EmbedderShelf
from workers.engines.choose import DeviceChoice, EngineChoice, PrecisionChoice, build_engine
from workers.heap import keep_freed_memory
from workers.images.decoder import ConfinedDecoder
from workers.pipeline import FacePipeline, PipelineOptions


def model_card(model_id: str, *, weights_dir: Path = DEFAULT_WEIGHTS_DIR) -> ModelCard:
    """Describe an embedding model without loading it; raise WeightsError if there is none."""
    return read_manifest(weights_dir).entry(model_id).card()


def build_pipeline(
    model_id: str,
    *,
    engine: EngineChoice = "auto",
    precision: PrecisionChoice = "auto",
    device: DeviceChoice = "auto",
    threads: int = 1,
    min_face_size: float = DEFAULT_MIN_FACE_SIZE,
    detection_threshold: float = 0.7,
    crop: CropRecipe = "aligned",
    flip: bool = False,
    early: bool = False,
    limits: ImageLimits | None = None,
    other_models: int = 1,
    weights_dir: Path = DEFAULT_WEIGHTS_DIR,
) -> FacePipeline:
    """Load the models and return a pipeline that is ready for its first image.

    Call it in the process that uses the pipeline, never before a fork. ``min_face_size`` is the
    side of the smallest face looked for, in pixels; ``threads`` are those of one process;
    ``flip`` embeds mirror images too, at twice the time; ``other_models`` are the models that are
    kept beside the one named, once something has asked for them. With ``early`` it is ready in a
    third of the time, and what only makes large batches faster is left to
    ``FacePipeline.finish_loading``.

    Raises: WeightsError: weights are missing or not those of the manifest.
        ConfigurationError: the engine cannot run here.
    """
    card = model_card(model_id, weights_dir=weights_dir)
    keep_freed_memory()
    cv2.setNumThreads(threads)
    chosen = build_engine(
        engine, precision=precision, device=device, threads=threads, weights_dir=weights_dir
    )

    def load(other: str) -> FaceNetEmbedder:
        embedder = FaceNetEmbedder(chosen, model_card(other, weights_dir=weights_dir), flip=flip)
        chosen.finish()
        return embedder

    decoder = ConfinedDecoder(limits or ImageLimits())
    decoder.start()  # it gets ready while the models are loaded
    pipeline = FacePipeline(
        decoder,
        MtcnnDetector(chosen, min_face_size=min_face_size),
        EmbedderShelf(FaceNetEmbedder(chosen, card, flip=flip), load, others=other_models),
        engine=chosen,
        options=PipelineOptions(crop=crop, detection_threshold=detection_threshold),
    )
    pipeline.analyse([_blank_image()])
    if not early:
        pipeline.finish_loading()
    return pipeline


def _blank_image() -> bytes:
    """Make an image whose way through a pipeline shows that all of it runs."""
    return cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
