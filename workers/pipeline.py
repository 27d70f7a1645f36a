"""From the bytes of images to faces and embeddings."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, UInt8

from app.domain.detection import AnalysedFace, Detection, ImageAnalysis
from app.domain.embedding import Embedding
from app.domain.errors import ImageError, VultusError
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from app.domain.model_card import ModelCard
from workers.analysers.quality import measure_quality
from workers.crops.alignment import CropRecipe, crop_faces, cropped_landmarks
from workers.embedders.shelf import EmbedderShelf
from workers.engines.ports import Engine
from workers.ports import DecodedImage, Decoder, DetectedFaces, Detector, Embedder, Image

#: Images held decoded at the same time, by their pixels: bounds a worker's memory.
_GROUP_PIXELS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions:
    """How faces are cut, and which are left out."""

    crop: CropRecipe = "aligned"
    #: Detections below this confidence are left out; the detector itself starts at 0.7.
    detection_threshold: float = 0.7


class FacePipeline:
    """decode, detect, crop, embed: over many images at once."""

    def __init__(
        self,
        decoder: Decoder,
        detector: Detector,
        embedders: EmbedderShelf,
        *,
        engine: Engine,
        options: PipelineOptions,
    ) -> None:
        self._decoder = decoder
        self._detector = detector
        self._embedders = embedders
        self._options = options
        self._engine = engine

    @property
    def card(self) -> ModelCard:
        """The embedding model that is taken where none is named."""
        return self._embedders.main.card

    def load(self, model_id: str) -> None:
        """Get another embedding model ready. Raises: WeightsError: it cannot be loaded."""
        self._embedders.get(model_id)

    @property
    def engine_name(self) -> str:
        """What runs the networks, and in which precision."""
        return self._engine.name

    def finish_loading(self) -> None:
        """Make large batches as fast as they get; the pipeline may be in use meanwhile."""
        self._engine.finish()

    def close(self) -> None:
        """Give up what the pipeline holds outside this process."""
        self._decoder.close()

    def analyse(
        self,
        images: Sequence[bytes],
        *,
        embed: bool = True,
        detection_threshold: float | None = None,
        cropped: bool = False,
        models: Sequence[str] = (),
    ) -> list[ImageAnalysis | VultusError]:
        """Return, for each image in its place, what it shows or why it cannot be used.

        A damaged image never harms the others. An image without a face is no error here.
        ``detection_threshold`` (0 to 1) replaces the pipeline's own for this call. With ``cropped``
        nothing is detected: each image is taken for one face that looks into the camera.
        ``models`` names the one to embed with, and a second one for faces that need both.
        """
        embedders = [self._embedders.get(one) for one in models] or [self._embedders.main]
        used = embedders if embed else []
        threshold = (
            self._options.detection_threshold
            if detection_threshold is None
            else detection_threshold
        )
        results: list[ImageAnalysis | VultusError] = []
        group: list[DecodedImage | ImageError] = []
        pixels = 0
        for data in images:
            decoded = self._decode(data)
            size = 0 if isinstance(decoded, ImageError) else decoded.pixels.size // 3
            if group and pixels + size > _GROUP_PIXELS:
                results += self._analyse_group(group, threshold, used, cropped=cropped)
                group, pixels = [], 0
            group.append(decoded)
            pixels += size
        return results + self._analyse_group(group, threshold, used, cropped=cropped)

    def embed_again(
        self, faces: Sequence[tuple[bytes, Detection]], model: str
    ) -> list[Embedding | ImageError]:
        """Embed faces where they were found before, one an image; nothing is detected."""
        embedder = self._embedders.get(model)
        size = embedder.card.input_size
        crops: list[UInt8[np.ndarray, "1 size size 3"]] = []
        results: list[Embedding | ImageError | None] = []
        for data, detection in faces:
            image = self._decode(data)
            if isinstance(image, ImageError):
                results.append(image)
                continue
            found = _arrays(detection, image.scale)
            crops.append(crop_faces(image.pixels, found, recipe=self._options.crop, size=size))
            results.append(None)
        vectors = iter(embedder.embed(np.concatenate(crops)).tolist() if crops else [])
        return [
            Embedding(model=model, vector=tuple(next(vectors))) if one is None else one
            for one in results
        ]

    def milliseconds_per_face(self, model: str) -> float:
        """Measure what a model takes for one face of a batch of eight, without its photograph."""
        embedder = self._embedders.get(model)
        blank = np.zeros((8, embedder.card.input_size, embedder.card.input_size, 3), np.uint8)
        embedder.embed(blank)
        begin = time.perf_counter()
        embedder.embed(blank)
        return (time.perf_counter() - begin) * 1000 / len(blank)

    def _decode(self, data: bytes) -> DecodedImage | ImageError:
        try:
            return self._decoder.decode(data)
        except ImageError as error:
            return error

    def _analyse_group(
        self,
        group: list[DecodedImage | ImageError],
        threshold: float,
        embedders: Sequence[Embedder],
        *,
        cropped: bool,
    ) -> list[ImageAnalysis | VultusError]:
        usable = [image for image in group if not isinstance(image, ImageError)]
        if not usable:
            return [item for item in group if isinstance(item, ImageError)]
        images = [image.pixels for image in usable]
        if cropped:
            found = [_whole(image) for image in images]
        else:
            found = [_above(faces, threshold) for faces in self._detector.detect(images)]
        analysed = [_analysis(image, faces) for image, faces in zip(usable, found, strict=True)]
        for embedder in embedders:
            vectors = self._embed(images, found, embedder)
            analysed = [
                _with_vectors(analysis, own, embedder.card.id)
                for analysis, own in zip(analysed, vectors, strict=True)
            ]
        analyses = iter(analysed)
        return [item if isinstance(item, ImageError) else next(analyses) for item in group]

    def _embed(
        self, images: list[Image], found: list[DetectedFaces], embedder: Embedder
    ) -> list[Float32[np.ndarray, "_ dimension"]]:
        """Embed the faces of all images in one batch; return the vectors of each image."""
        size = embedder.card.input_size
        crops = [
            crop_faces(image, faces, recipe=self._options.crop, size=size)
            for image, faces in zip(images, found, strict=True)
        ]
        vectors = embedder.embed(np.concatenate(crops))
        return np.split(vectors, np.cumsum([len(faces) for faces in found])[:-1])


def _whole(image: Image) -> DetectedFaces:
    """Take an image for a face that fills it."""
    height, width = image.shape[:2]
    return DetectedFaces(
        boxes=np.array([[0, 0, width, height]], np.float32),
        landmarks=cropped_landmarks(width, height)[None],
        confidences=np.ones(1, np.float32),
    )


def _above(faces: DetectedFaces, threshold: float) -> DetectedFaces:
    kept = faces.confidences >= threshold
    if kept.all():
        return faces
    return DetectedFaces(
        boxes=faces.boxes[kept],
        landmarks=faces.landmarks[kept],
        confidences=faces.confidences[kept],
    )


def _arrays(detection: Detection, scale: int) -> DetectedFaces:
    """Turn one of the domain's faces back into arrays, in the pixels of its decoded image."""
    box = detection.box
    return DetectedFaces(
        boxes=_reduced([[box.x_min, box.y_min, box.x_max, box.y_max]], scale),
        landmarks=_reduced([list(detection.landmarks)], scale),
        confidences=np.array([detection.confidence], np.float32),
    )


def _reduced(places: object, scale: int) -> Float32[np.ndarray, "..."]:
    """Undo ``_in_original``."""
    known = np.array(places, np.float32)
    return known if scale == 1 else (known + 0.5) / scale - 0.5


def _in_original(places: Float32[np.ndarray, "..."], scale: int) -> Float32[np.ndarray, "..."]:
    """Return places of a reduced image in the pixels of the one that was sent.

    A whole number is the centre of a pixel, and that of a reduced one the centre of several.
    """
    return places if scale == 1 else (places + 0.5) * scale - 0.5


def _with_vectors(
    analysis: ImageAnalysis, vectors: Float32[np.ndarray, "n dimension"], model: str
) -> ImageAnalysis:
    """Give each face of an image its vector by a model: the first, or beside that its second."""
    embeddings = [Embedding(model=model, vector=tuple(vector)) for vector in vectors.tolist()]
    faces = tuple(
        replace(face, embedding=one) if face.embedding is None else replace(face, second=one)
        for face, one in zip(analysis.faces, embeddings, strict=True)
    )
    return replace(analysis, faces=faces)


def _analysis(image: DecodedImage, faces: DetectedFaces) -> ImageAnalysis:
    """Turn arrays into the domain's types, and places into those of the image that was sent."""
    scale = image.scale
    sent = replace(
        faces,
        boxes=_in_original(faces.boxes, scale),
        landmarks=_in_original(faces.landmarks, scale),
    )
    analysed: list[AnalysedFace] = []
    for detection, seen in zip(_detections(sent), _detections(faces), strict=True):
        quality = measure_quality(image.pixels, seen)
        quality = replace(quality, size_px=quality.size_px * scale)
        analysed.append(AnalysedFace(detection=detection, quality=quality))
    return ImageAnalysis(
        width=image.width,
        height=image.height,
        faces=tuple(analysed),
        warnings=image.warnings,
    )


def _detections(faces: DetectedFaces) -> list[Detection]:
    rows = zip(
        faces.boxes.tolist(), faces.landmarks.tolist(), faces.confidences.tolist(), strict=True
    )
    return [
        Detection(
            box=BoundingBox(x_min=box[0], y_min=box[1], x_max=box[2], y_max=box[3]),
            landmarks=FiveLandmarks(
                image_left_eye=Point(*landmarks[0]),
                image_right_eye=Point(*landmarks[1]),
                nose=Point(*landmarks[2]),
                image_left_mouth=Point(*landmarks[3]),
                image_right_mouth=Point(*landmarks[4]),
            ),
            confidence=confidence,
        )
        for box, landmarks, confidence in rows
    ]
