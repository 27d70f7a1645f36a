"""From the bytes of images to faces and embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from app.domain.detection import AnalysedFace, Detection, ImageAnalysis
from app.domain.embedding import Embedding
from app.domain.errors import ImageError, VultusError
from app.domain.geometry import BoundingBox, FiveLandmarks, Point
from workers.alignment import CropRecipe, crop_faces, cropped_landmarks
from workers.engines.ports import Engine
from workers.ports import Decoder, DetectedFaces, Detector, Embedder, Image, ModelCard
from workers.quality import measure_quality

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
        embedder: Embedder,
        *,
        engine: Engine,
        options: PipelineOptions,
    ) -> None:
        self._decoder = decoder
        self._detector = detector
        self._embedder = embedder
        self._options = options
        self._engine = engine

    @property
    def card(self) -> ModelCard:
        """The embedding model."""
        return self._embedder.card

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
    ) -> list[ImageAnalysis | VultusError]:
        """Return, for each image in its place, what it shows or why it cannot be used.

        A damaged image never harms the others. An image without a face is no error here.
        ``detection_threshold`` (0 to 1) replaces the pipeline's own for this call. With ``cropped``
        nothing is detected: each image is taken for one face that looks into the camera.
        """
        threshold = (
            self._options.detection_threshold
            if detection_threshold is None
            else detection_threshold
        )
        results: list[ImageAnalysis | VultusError] = []
        group: list[Image | ImageError] = []
        pixels = 0
        for data in images:
            decoded = self._decode(data)
            size = 0 if isinstance(decoded, ImageError) else decoded.shape[0] * decoded.shape[1]
            if group and pixels + size > _GROUP_PIXELS:
                results += self._analyse_group(group, threshold, embed=embed, cropped=cropped)
                group, pixels = [], 0
            group.append(decoded)
            pixels += size
        return results + self._analyse_group(group, threshold, embed=embed, cropped=cropped)

    def _decode(self, data: bytes) -> Image | ImageError:
        try:
            return self._decoder.decode(data)
        except ImageError as error:
            return error

    def _analyse_group(
        self, group: list[Image | ImageError], threshold: float, *, embed: bool, cropped: bool
    ) -> list[ImageAnalysis | VultusError]:
        images = [image for image in group if not isinstance(image, ImageError)]
        if not images:
            return [item for item in group if isinstance(item, ImageError)]
        if cropped:
            found = [_whole(image) for image in images]
        else:
            found = [_above(faces, threshold) for faces in self._detector.detect(images)]
        vectors = self._embed(images, found) if embed else [None] * len(images)
        analyses = iter(
            [
                _analysis(image, faces, own, self.card.id)
                for image, faces, own in zip(images, found, vectors, strict=True)
            ]
        )
        return [item if isinstance(item, ImageError) else next(analyses) for item in group]

    def _embed(
        self, images: list[Image], found: list[DetectedFaces]
    ) -> list[Float32[np.ndarray, "_ dimension"]]:
        """Embed the faces of all images in one batch; return the vectors of each image."""
        size = self.card.input_size
        crops = [
            crop_faces(image, faces, recipe=self._options.crop, size=size)
            for image, faces in zip(images, found, strict=True)
        ]
        vectors = self._embedder.embed(np.concatenate(crops))
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


def _analysis(
    image: Image,
    faces: DetectedFaces,
    vectors: Float32[np.ndarray, "n dimension"] | None,
    model: str,
) -> ImageAnalysis:
    """Turn arrays into the domain's types."""
    embeddings: Sequence[Embedding | None] = [None] * len(faces)
    if vectors is not None:
        embeddings = [Embedding(model=model, vector=tuple(v)) for v in vectors.tolist()]
    analysed = tuple(
        AnalysedFace(
            detection=detection, quality=measure_quality(image, detection), embedding=embedding
        )
        for detection, embedding in zip(_detections(faces), embeddings, strict=True)
    )
    return ImageAnalysis(width=image.shape[1], height=image.shape[0], faces=analysed)


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
