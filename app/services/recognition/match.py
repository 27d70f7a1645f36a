"""Score a probe against the subjects of a collection, and judge the best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain.matching import PROTOTYPES_UP_TO, Candidate, Decision, Matcher, Thresholds
from app.services.recognition.thresholds import is_explicit, thresholds_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.domain.collection import Collection, SearchBasis
    from app.domain.embedding import Embedding
    from app.domain.job_parameters import JudgedParameters
    from app.domain.matching import ShareReading, StrangerTail
    from app.domain.model import ModelProfile
    from app.services.ports import Classifiers, StrangerCohort, SubjectClassifier, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a search has come to."""

    decision: Decision
    #: Best first.
    candidates: Sequence[Candidate]
    #: How far the first candidate's score lies above the second's; its own score without one.
    margin: float | None
    #: The part of strangers' searches expected to reach the first candidate's score, 0 to 1; absent
    #: where the matcher knows nothing of strangers.
    expected_fpir: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """How the probes of one job are matched."""

    collection: Collection
    matcher: Matcher
    model: ModelProfile
    thresholds: Thresholds
    #: The score from which the first candidate is a match; the similarity decides when absent.
    score_threshold: float | None
    training_id: UUID | None
    classifier: SubjectClassifier | None
    reading: ShareReading | None
    #: Which scores strangers reach; absent where the score is a similarity.
    tail: StrangerTail | None
    #: Absent where none comes with the model: then the similarity decides.
    cohort: StrangerCohort | None
    #: Whether anybody may have been ruled out for a face.
    any_rejections: bool

    def judge(self, work: UnitOfWork, probe: Embedding, *, limit: int) -> Judgement:
        """Search for a probe and decide.

        A subject that somebody has ruled out for a face like the probe is no candidate.
        """
        candidates = self._candidates(work, probe, limit=max(limit, 2))
        subject_ids = [candidate.subject_id for candidate in candidates]
        asked = self.any_rejections and candidates
        rejected = work.faces.rejections(probe, subject_ids) if asked else {}
        standing = [
            candidate
            for candidate in candidates
            if candidate.similarity > rejected.get(candidate.subject_id, -1)
        ]
        scores = [candidate.score for candidate in standing[:2]]
        return Judgement(
            decision=self._decide(standing[0] if standing else None),
            candidates=standing[:limit],
            margin=scores[0] - sum(scores[1:]) if scores else None,
            expected_fpir=self.tail.expected_fpir(scores[0]) if self.tail and scores else None,
        )

    def _decide(self, best: Candidate | None) -> Decision:
        """Judge the first candidate.

        A share says which of the enrolled people it would be; that it is one of them at all, the
        cosine has to make possible.
        """
        decision = self.thresholds.decide(best.similarity if best else None)
        if best is None or self.score_threshold is None or decision is Decision.UNKNOWN:
            return decision
        return Decision.MATCH if best.score >= self.score_threshold else Decision.POSSIBLE

    def _candidates(self, work: UnitOfWork, probe: Embedding, *, limit: int) -> list[Candidate]:
        if self.matcher is Matcher.NEAREST or self.cohort is None:
            found = work.faces.nearest_subjects(probe, self.collection.id, limit=limit)
            return [
                replace(one, probability=self.model.calibration.probability(one.similarity))
                for one in found
            ]
        shares = work.subjects.nearest(
            probe,
            self.collection.id,
            background=self.cohort.background(probe),
            limit=limit,
        )
        if self.classifier is not None:
            parts = self.classifier.probabilities(probe)
            shares = [replace(one, share=parts.get(one.subject_id, 0)) for one in shares]
            shares.sort(key=lambda one: (-one.share, one.subject_id))
        return [
            Candidate(
                subject_id=one.subject_id,
                subject=one.subject,
                face_id=one.face_id,
                similarity=one.similarity,
                score=one.share,
                probability=self._probability(one.share, one.similarity),
            )
            for one in shares
        ]

    def _probability(self, share: float, similarity: float) -> float:
        if self.reading is None:
            return self.model.calibration.probability(similarity)
        return self.reading.probability(share)


def prepare_matching(
    work: UnitOfWork,
    basis: SearchBasis,
    parameters: JudgedParameters,
    *,
    model: ModelProfile,
    classifiers: Classifiers,
    cohort: StrangerCohort | None,
) -> Matching:
    """Choose matcher and thresholds for a search, fitting them where the collection has changed."""
    collection = basis.collection
    training_id, classifier = _trained(work, basis, classifiers)
    matcher = _effective(collection.matcher, classifier, basis.enrolled)
    if cohort is None:
        matcher = Matcher.NEAREST
    if matcher is not Matcher.CLASSIFIER:
        training_id = classifier = None
    reading = (
        _reading(work, basis, cohort)
        if matcher is Matcher.PROTOTYPE and basis.enrolled and cohort is not None
        else None
    )
    tail = reading if classifier is None else classifier.tail
    score_threshold = None
    if tail is not None and not is_explicit(parameters, collection):
        score_threshold = tail.threshold(collection.target_fpir)
    return Matching(
        collection=collection,
        matcher=matcher,
        model=model,
        thresholds=thresholds_for(parameters, collection, model),
        score_threshold=score_threshold,
        training_id=training_id,
        classifier=classifier,
        reading=reading,
        tail=tail,
        cohort=cohort,
        any_rejections=basis.any_rejections,
    )


def _trained(
    work: UnitOfWork, basis: SearchBasis, classifiers: Classifiers
) -> tuple[UUID | None, SubjectClassifier | None]:
    """Return the classifier, if there is one that knows everybody who is enrolled."""
    if basis.training_id is None or basis.collection.matcher not in {
        Matcher.AUTO,
        Matcher.CLASSIFIER,
    }:
        return None, None
    classifier = classifiers.get(work, basis.training_id)
    if classifier is None:
        return None, None
    if work.subjects.count_enrolled(basis.collection.id, up_to=1, but=classifier.subject_ids):
        return None, None
    return basis.training_id, classifier


def _effective(wanted: Matcher, classifier: SubjectClassifier | None, enrolled: int) -> Matcher:
    if wanted is Matcher.NEAREST or enrolled > PROTOTYPES_UP_TO:
        return Matcher.NEAREST
    return Matcher.PROTOTYPE if classifier is None else Matcher.CLASSIFIER


def _reading(work: UnitOfWork, basis: SearchBasis, cohort: StrangerCohort) -> ShareReading:
    if basis.reading is not None and basis.reading.is_current(basis.enrolled):
        return basis.reading
    collection_id, model = basis.collection.id, basis.collection.model
    prototypes = [vector for _, vector in work.subjects.prototypes(collection_id, model)]
    reading = cohort.read(prototypes)
    work.searches.put_reading(collection_id, reading, model=model)
    return reading
