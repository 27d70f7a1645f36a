"""A new version of a collection's classifier, beside the one in use."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from jaxtyping import Float32, Int

from app.domain.training import Fit, LabelledFace, Training, TrainingData
from workers.matching.classifier import (
    HeldOutRates,
    LogisticClassifier,
    Rehearsal,
    fit_classifier,
)


def fit_anew(data: TrainingData, strangers: Float32[np.ndarray, "s d"]) -> Fit:
    """Fit a classifier, and compare it with the one in use.

    ``metrics`` holds the ``threshold`` for the collection's target FPIR, and of faces held out from
    the fit their number and the parts named rightly at all (``held_out_rank1``) and above the
    threshold (``held_out_dir``). ``compared_dir`` and ``compared_dir_before`` are the same part for
    this fit and for the version in use, of the faces that were held out from both and among the
    people whom both know; so a collection that only grows is no worse for it.
    """
    subject_ids = sorted({face.subject_id for face in data.faces})
    bench = _Bench(
        places={subject: number for number, subject in enumerate(subject_ids)},
        strangers=strangers,
        target_fpir=data.target_fpir,
    )
    weights = fit_classifier(
        bench.vectors(data.faces),
        bench.labels(data.faces),
        np.array([face.is_held_out for face in data.faces]),
        strangers,
    )
    rehearsal = Rehearsal(weights, np.arange(len(subject_ids)))
    held_out = [face for face in data.faces if face.is_held_out]
    compared = {} if data.active is None else bench.compare(rehearsal, data.active, held_out)
    worse = bool(compared) and compared["compared_dir"] < compared["compared_dir_before"]
    return Fit(
        subject_ids=tuple(subject_ids),
        face_count=len(data.faces),
        weights=weights,
        metrics={
            "threshold": LogisticClassifier(weights).tail.threshold(data.target_fpir),
            **bench.judge(rehearsal, held_out),
            **compared,
        },
        better=data.active.id if data.active and worse else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """What rehearsals are judged with."""

    #: The number of each subject.
    places: dict[UUID, int]
    strangers: Float32[np.ndarray, "s d"]
    target_fpir: float

    def judge(self, rehearsal: Rehearsal, held_out: Sequence[LabelledFace]) -> dict[str, float]:
        faces = self._of(held_out, rehearsal.classes)
        if not faces:
            return {}
        rates = self._rates(rehearsal, faces, rehearsal.classes)
        return {
            "held_out_faces": len(faces),
            "held_out_rank1": rates.rank1,
            "held_out_dir": rates.identified,
        }

    def compare(
        self, new: Rehearsal, active: Training, held_out: Sequence[LabelledFace]
    ) -> dict[str, float]:
        old = Rehearsal(
            active.weights, np.array([self.places.get(one, -1) for one in active.subject_ids])
        )
        both = np.intersect1d(new.classes, old.classes)
        then = [face for face in held_out if face.created_at <= active.created_at]
        faces = self._of(then, both)
        if not faces or len(both) == 1:
            return {}
        return {
            "compared_faces": len(faces),
            "compared_dir": self._rates(new, faces, both).identified,
            "compared_dir_before": self._rates(old, faces, both).identified,
        }

    def vectors(self, faces: Sequence[LabelledFace]) -> Float32[np.ndarray, "m d"]:
        return np.array([face.vector for face in faces], dtype=np.float32)

    def labels(self, faces: Sequence[LabelledFace]) -> Int[np.ndarray, " m"]:
        return np.array([self.places[face.subject_id] for face in faces])

    def _of(
        self, faces: Sequence[LabelledFace], classes: Int[np.ndarray, " k"]
    ) -> list[LabelledFace]:
        known = set(classes.tolist())
        return [face for face in faces if self.places[face.subject_id] in known]

    def _rates(
        self, rehearsal: Rehearsal, faces: Sequence[LabelledFace], among: Int[np.ndarray, " k"]
    ) -> HeldOutRates:
        return rehearsal.rates(
            self.vectors(faces),
            self.labels(faces),
            self.strangers,
            among=among,
            target_fpir=self.target_fpir,
        )
