"""Collections, and the people and faces in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection as Iterable
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.domain.collection import Collection, Face, Subject
    from app.domain.consent import Consent, EndedConsents
    from app.domain.detection import AnalysedFace
    from app.domain.embedding import Embedding
    from app.domain.legal_hold import LegalHold
    from app.domain.matching import Candidate, SubjectShare
    from app.domain.training import LabelledFace


class CollectionRepository(Protocol):
    """Collections and the subjects in them."""

    def add(self, collection: Collection) -> None:
        """Store a collection. Raises: ConflictError: the name is taken."""

    def get(self, collection_id: UUID) -> Collection | None:
        """Return the collection, or ``None``."""

    def lock(self, collection_id: UUID) -> Collection | None:
        """Return the collection as it is now, and stays until the transaction ends, or ``None``.

        Code that writes or removes faces locks it beside others.
        """

    def lock_alone(self, collection_id: UUID) -> Collection | None:
        """Wait until no one else has locked the collection, and keep others from it until the end.

        Lock it alone to change it, or what may be written or removed. Returns as ``lock``.
        """

    def find(self, name: str) -> Collection | None:
        """Return the collection of exactly that name, else of its clean form, or ``None``."""

    def page(self, *, after: str | None, only: UUID | None, limit: int) -> list[Collection]:
        """Return collections by name, after the given one."""

    def update(self, collection: Collection) -> None:
        """Store changed settings. Raises: ConflictError: the new name is taken."""

    def copy_people(self, source: UUID, target: UUID) -> None:
        """Copy subjects, faces and photographs into an empty collection, in their order."""

    def names_by_model(self) -> dict[str, list[str]]:
        """Return the names of the collections that are searched by each model."""


class SubjectRepository(Protocol):
    """The people known to a collection."""

    def lock_name(self, collection_id: UUID, name: str) -> None:
        """Lock a name, in whatever case, until the transaction ends."""

    def ensure(self, collection_id: UUID, name: str) -> Subject:
        """Return the subject of that name as ``find`` does, created under the clean name if needed.

        Raises: InvalidRequestError: it does not exist, and the name is not allowed.
        """

    def get(self, subject_id: UUID) -> Subject | None:
        """Return the subject, or ``None``."""

    def find(self, collection_id: UUID, name: str) -> Subject | None:
        """Return the subject of exactly that name, else of its clean form, or ``None``."""

    def find_folded(self, collection_id: UUID, name: str) -> Subject | None:
        """Return the subject of that name in any case; the exact spelling comes first."""

    def names(self, collection_id: UUID) -> list[str]:
        """Return the names of all subjects in order."""

    def page(
        self,
        collection_id: UUID,
        *,
        after: str | None,
        limit: int,
        only: UUID | None = None,
        without_consent_at: datetime | None = None,
    ) -> list[Subject]:
        """Return subjects by name, after the given one, with their numbers of faces.

        With ``only`` that one alone; with a moment those without a consent that is valid then.
        """

    def nearest(
        self, probe: Embedding, collection_id: UUID, *, background: float, limit: int
    ) -> list[SubjectShare]:
        """Return the subjects whose prototypes are most similar to the probe, best first.

        A subject's share is ``exp(PROTOTYPE_SCALE * (cosine - 1))`` over the sum of these for all
        prototypes of the collection, those not returned included, and the ``background``. Of its
        faces only those of the probe's own model speak for it. Raises: ModelChangedError: the
        collection is not searched by that model any more.
        """

    def prototypes(self, collection_id: UUID, model: str) -> list[tuple[UUID, Sequence[float]]]:
        """Return the mean embedding, of length 1, of every subject that has faces.

        Raises: ModelChangedError: the collection is not searched by that model any more.
        """

    def refresh_prototypes(self, collection_id: UUID) -> None:
        """Compute every mean again, after the collection has switched to another model."""

    def count_enrolled(self, collection_id: UUID, *, up_to: int, but: Iterable[UUID] = ()) -> int:
        """Return how many subjects have faces, leaving out those named; count no further."""

    def lock_enrolled(self, collection_id: UUID) -> set[UUID]:
        """Return the subjects with faces; none loses the last one before the transaction ends."""

    def rename(self, subject_id: UUID, name: str) -> None:
        """Give a subject another name, in its clean form.

        Raises: ConflictError: it is taken. InvalidRequestError: it cannot be one.
        """

    def merge(self, subject_id: UUID, into: UUID) -> None:
        """Give a subject's faces to another one, and remove it."""

    def ids(self, collection_id: UUID) -> list[UUID]:
        """Return the ids of all subjects."""


class FaceRepository(Protocol):
    """Enrolled faces and the search over them."""

    def add(
        self,
        *,
        collection_id: UUID,
        subject_id: UUID | None,
        job_id: UUID,
        image_number: int,
        image_id: UUID | None,
        face: AnalysedFace,
        rejected_subject_id: UUID | None = None,
        expires_at: datetime | None,
        face_id: UUID | None = None,
    ) -> UUID:
        """Store an enrolled face; the pair of job and image number is unique.

        Returns its id, which is drawn unless ``face_id`` is given.
        """

    def get(self, face_id: UUID) -> Face | None:
        """Return the face, or ``None``."""

    def image(self, face_id: UUID) -> bytes | None:
        """Return the kept photograph of a face, or ``None``."""

    def page(
        self,
        collection_id: UUID,
        *,
        subject_id: UUID | None,
        after: UUID | None,
        limit: int,
    ) -> list[Face]:
        """Return faces by id, after the given one, without their embeddings."""

    def slice(
        self, collection_id: UUID, *, subject_id: UUID | None, offset: int, limit: int
    ) -> list[Face]:
        """Return faces with a subject by id, from a place in their order on."""

    def count(self, collection_id: UUID, *, subject_id: UUID | None) -> int:
        """Return how many faces have a subject, or that subject."""

    def labelled_ids(self, collection_id: UUID, *, subject_id: UUID | None = None) -> list[UUID]:
        """Return the ids of all faces that have a subject, or of those that have this one."""

    def nearest_subjects(
        self, probe: Embedding, collection_id: UUID, *, limit: int
    ) -> list[Candidate]:
        """Return the subjects most similar to the probe, best first, each by its nearest face.

        Only embeddings of the probe's own model are searched.
        """

    def nearest_faces(
        self, probe: Embedding, collection_id: UUID, *, limit: int, face_id: UUID | None = None
    ) -> list[Candidate]:
        """Return the faces with a subject that are most similar to the probe, best first.

        With ``face_id`` only that face is compared, if it is in the collection. Only embeddings of
        the probe's own model are searched.
        """

    def rejections(self, probe: Embedding, subject_ids: Iterable[UUID]) -> dict[UUID, float]:
        """Return, of the faces said not to show a subject, the cosine of the most similar."""

    def relabel(
        self, face_id: UUID, *, subject_id: UUID | None, rejected_subject_id: UUID | None
    ) -> None:
        """Set whom a face shows, or whom it does not show."""

    def labelled(self, collection_id: UUID, model: str) -> list[LabelledFace]:
        """Return every face with a subject."""


class ConsentRepository(Protocol):
    """What subjects have agreed to."""

    def add(self, consent: Consent) -> None:
        """Store a consent."""

    def of_subject(self, subject_id: UUID) -> list[Consent]:
        """Return a subject's consents, the one recorded last first."""

    def withdraw(self, subject_id: UUID, *, at: datetime) -> None:
        """End every consent of a subject that was not withdrawn before."""

    def settle(self, subject_id: UUID, *, now: datetime) -> None:
        """Note that the ends of a subject's consents until now were acted upon."""

    def ended(self, *, now: datetime, limit: int) -> list[EndedConsents]:
        """Return subjects with consents that have ended, and were not acted upon.

        What is under a legal hold is left out.
        """

    def move(self, subject_id: UUID, into: UUID) -> None:
        """Give a subject's consents to another one."""

    def uncovered(self, collection_id: UUID, *, now: datetime) -> tuple[int, int]:
        """Count the subjects with faces and no valid consent, and the faces without a subject."""


class LegalHoldRepository(Protocol):
    """What must not be erased."""

    def add(self, hold: LegalHold) -> None:
        """Store a hold. Raises: ConflictError: there is one already, or the thing is gone."""

    def find(self, collection_id: UUID, subject_id: UUID | None) -> LegalHold | None:
        """Return the hold on exactly this subject, or on exactly the collection, or ``None``."""

    def within(self, collection_id: UUID) -> list[LegalHold]:
        """Return the holds on a collection and on subjects in it."""

    def over(self, collection_id: UUID, subject_id: UUID | None) -> list[LegalHold]:
        """Return the holds on a subject, or without one on a face that has none, and on all."""

    def is_tenant_held(self, tenant_id: UUID) -> bool:
        """Return whether anything of a tenant is held."""

    def delete(self, hold_id: UUID) -> None:
        """Lift a hold."""
