import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.domain.detection import ImageAnalysis, ImageWarning
from app.domain.errors import CorruptImageError, UnsupportedImageError
from app.domain.model_card import ModelCard
from app.imaging.inspect import ImageLimits
from workers.embedders.shelf import EmbedderShelf
from workers.images.decode import decode_image
from workers.pipeline import FacePipeline, PipelineOptions
from workers.ports import DetectedFaces

CARD = ModelCard(
    id="fake-2",
    dimension=2,
    input_size=16,
    preprocessing="standardise",
    licence="none",
    training_set="none",
    source="none",
)


class UnconfinedDecoder:
    def decode(self, data):
        return decode_image(data, limits=ImageLimits())

    def close(self):
        """Hold nothing."""


class FakeDetector:
    """Finds as many faces in an image as its first pixel's red says, ever less sure of them."""

    def __init__(self):
        self.batches = []

    def detect(self, images):
        self.batches.append(len(images))
        return [self._faces(int(image[0, 0, 0])) for image in images]

    def _faces(self, count):
        return DetectedFaces(
            boxes=np.tile(np.float32([2, 3, 30, 40]), (count, 1)),
            landmarks=np.tile(
                np.float32([[25, 27], [39, 27], [32, 33], [27, 39], [37, 39]]), (count, 1, 1)
            ),
            confidences=np.linspace(0.99, 0.75, count, dtype=np.float32),
        )


class FakeEmbedder:
    """Embeds a crop as its mean green and a running number."""

    def __init__(self, model_id=CARD.id):
        self.card = replace(CARD, id=model_id)
        self.batches = []

    def embed(self, crops):
        self.batches.append(len(crops))
        green = crops[..., 1].reshape(len(crops), -1).mean(axis=1)
        return np.stack([green, np.arange(len(crops))], axis=1).astype(np.float32)


class FakeEngine:
    """Has a name; the fakes around it need no networks."""

    name = "fake"
    precision = "fp32"
    sifts = False

    def load(self, *_, **__): ...

    def finish(self): ...


@pytest.fixture
def pipeline():
    return FacePipeline(
        UnconfinedDecoder(),
        FakeDetector(),
        EmbedderShelf(FakeEmbedder(), load=FakeEmbedder, others=1),
        engine=FakeEngine(),
        options=PipelineOptions(),
    )


def encoded(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def photograph(faces, green=0, size=(64, 64)):
    return encoded(Image.new("RGB", size, (faces, green, 0)))


def test_each_image_is_answered_in_its_place(pipeline):
    results = pipeline.analyse(
        [photograph(2, 10), photograph(0), b"", photograph(1, 30), b"not an image at all"]
    )

    assert [type(result) for result in results] == [
        ImageAnalysis, ImageAnalysis, CorruptImageError, ImageAnalysis, UnsupportedImageError,
    ]  # fmt: skip
    assert [len(results[place].faces) for place in (0, 1, 3)] == [2, 0, 1]


def test_vectors_belong_to_the_faces_of_their_image(pipeline):
    first, second = pipeline.analyse([photograph(2, 10), photograph(1, 30)])

    assert [face.embedding.vector[0] for face in first.faces] == [10, 10]
    assert [face.embedding.vector[0] for face in second.faces] == [30]
    assert first.faces[0].embedding.model == "fake-2"


def test_faces_of_many_images_are_embedded_in_one_batch(pipeline):
    pipeline.analyse([photograph(2), photograph(1), photograph(3)])

    assert pipeline._detector.batches == [3]
    assert pipeline._embedders.main.batches == [6]


def test_large_images_are_not_all_held_at_once(pipeline):
    pipeline.analyse([photograph(1, size=(1500, 1500))] * 5)

    assert max(pipeline._detector.batches) == 1
    assert sum(pipeline._detector.batches) == 5


def test_nothing_is_embedded_where_only_detections_are_wanted(pipeline):
    (analysis,) = pipeline.analyse([photograph(2)], embed=False)

    assert pipeline._embedders.main.batches == []
    assert [face.embedding for face in analysis.faces] == [None, None]


def test_detections_below_the_threshold_are_left_out(pipeline):
    (analysis,) = pipeline.analyse([photograph(3)], detection_threshold=0.9)

    assert [round(face.detection.confidence, 2) for face in analysis.faces] == [0.99]


def test_coordinates_keep_their_names(pipeline):
    (analysis,) = pipeline.analyse([photograph(1, size=(80, 50))])

    detection = analysis.faces[0].detection
    assert (analysis.width, analysis.height) == (80, 50)
    assert (detection.box.x_min, detection.box.y_max) == (2, 40)
    assert list(detection.landmarks) == [(25, 27), (39, 27), (32, 33), (27, 39), (37, 39)]
    assert detection.landmarks.image_right_mouth == (37, 39)


@pytest.mark.parametrize("embed", [True, False])
def test_every_face_carries_its_own_quality(pipeline, embed):
    (analysis,) = pipeline.analyse([photograph(2)], embed=embed)

    sure, less_sure = (face.quality for face in analysis.faces)
    assert (sure.size_px, sure.sharpness) == (28, 0)
    assert sure.confidence > less_sure.confidence


def test_no_images_give_no_answers(pipeline):
    assert pipeline.analyse([]) == []


def test_only_damaged_images_are_answered_too(pipeline):
    assert all(isinstance(r, CorruptImageError) for r in pipeline.analyse([b"", b""]))


def test_a_cropped_face_is_taken_as_it_is(pipeline):
    (analysis,) = pipeline.analyse([photograph(3, size=(80, 100))], cropped=True)
    [face] = analysis.faces
    box = face.detection.box
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == (0, 0, analysis.width, analysis.height)
    assert face.detection.confidence == 1
    assert face.embedding is not None
    assert all(
        0 < x < analysis.width and 0 < y < analysis.height for x, y in face.detection.landmarks
    )


def test_a_face_gets_the_vectors_of_both_models_that_are_named(pipeline):
    [image, _] = pipeline.analyse([photograph(1, 10), b""], models=["other", "fake-2"])

    face = image.faces[0]
    assert (face.embedding.model, face.second.model) == ("other", "fake-2")
    assert pipeline._embedders.main.batches == [1]


def test_faces_are_embedded_again_where_they_were_found(pipeline):
    images = [photograph(1, 10), photograph(2, 30)]
    found = [(data, pipeline.analyse([data])[0].faces[0]) for data in images]
    faces = [(data, face.detection) for data, face in found]
    faces.insert(1, (b"", faces[0][1]))
    searched = len(pipeline._detector.batches)

    first, lost, second = pipeline.embed_again(faces, "other")

    assert [first.vector[0], second.vector[0]] == [10, 30]
    assert (first.model, type(lost)) == ("other", CorruptImageError)
    assert len(pipeline._detector.batches) == searched


def test_no_faces_are_embedded_again_to_nothing(pipeline):
    assert pipeline.embed_again([], "other") == []


class ReducingDecoder(UnconfinedDecoder):
    """Decodes as if half as many pixels in either direction were allowed."""

    def decode(self, data):
        return decode_image(data, limits=ImageLimits(max_pixels=64 * 128))


@pytest.fixture
def reducing(pipeline):
    pipeline._decoder = ReducingDecoder()
    return pipeline


def test_places_in_a_reduced_image_are_told_in_the_pixels_of_the_one_sent(reducing):
    (analysis,) = reducing.analyse([photograph(1, size=(128, 100))])

    assert (analysis.width, analysis.height) == (128, 100)
    assert analysis.warnings == (ImageWarning.REDUCED,)
    [face] = analysis.faces
    box, landmarks = face.detection.box, face.detection.landmarks
    # the centre of a reduced pixel lies between those of two
    assert (box.x_min, box.y_min, box.x_max, box.y_max) == (4.5, 6.5, 60.5, 80.5)
    assert tuple(landmarks.nose) == (64.5, 66.5)
    assert face.quality.size_px == min(box.width, box.height)


def test_a_face_of_a_reduced_image_is_embedded_again_where_it_was_found(reducing):
    columns = np.zeros((128, 128, 3), np.uint8)
    columns[..., 1] = np.arange(128) * 2
    columns[..., 0] = 1
    data = encoded(Image.fromarray(columns))
    [face] = reducing.analyse([data])[0].faces

    [again] = reducing.embed_again([(data, face.detection)], CARD.id)

    assert again.vector[0] == face.embedding.vector[0] > 0


def test_photographs_of_telephones_are_held_in_groups_by_their_reduced_size(reducing):
    reducing.analyse([photograph(1, size=(128, 128))] * 5)

    assert reducing._detector.batches == [5]
