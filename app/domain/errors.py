"""The one error tree.

Each class says how it looks to a caller: ``slug`` is the stable end of the problem type, ``status``
the HTTP status, ``title`` the constant headline, and the first line of the docstring the sentence
that is used when the raiser gives none. ``retryable`` tells a caller, and the queue, whether the
same request may succeed later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.backlog import Quota


class VultusError(Exception):
    """Something went wrong inside the service; try again, and report it if it stays."""

    slug: ClassVar[str] = "internal-error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str | None = None, *, retry_after_s: int | None = None) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.retry_after_s = retry_after_s
        super().__init__(self.detail)


class InvalidRequestError(VultusError):
    """The request is not understood; correct it and send it again."""

    slug = "invalid-request"
    status = 400
    title = "Invalid request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a request."""

    detail: str
    #: A JSON pointer as a URI fragment, such as ``#/limit``; parameters count as members.
    pointer: str


class ValidationFailedError(InvalidRequestError):
    """Some members of the request are wrong; correct those listed and send it again."""

    slug = "validation-failed"
    title = "Validation failed"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        listed = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in self.faults[:3])
        more = len(self.faults) - 3
        super().__init__(f"{listed}; and {more} more" if more > 0 else listed)


class UnsupportedMediaTypeError(VultusError):
    """The content type of the request is not understood here; send one of those documented."""

    slug = "unsupported-media-type"
    status = 415
    title = "Unsupported media type"


class TooManyImagesError(VultusError):
    """The request carries more images than one submit may; send them in several requests."""

    slug = "too-many-images"
    status = 413
    title = "Too many images"


class AuthenticationError(VultusError):
    """Send a valid API key as "Authorization: Bearer KEY" or "x-api-key: KEY"."""

    slug = "authentication-required"
    status = 401
    title = "Authentication required"


class PermissionDeniedError(VultusError):
    """The API key does not carry the scope that this call needs; use another key."""

    slug = "permission-denied"
    status = 403
    title = "Permission denied"


class NotFoundError(VultusError):
    """There is nothing here under this id that the API key may see."""

    slug = "not-found"
    status = 404
    title = "Not found"


class ConflictError(VultusError):
    """The request contradicts what is stored; read the present state and decide again."""

    slug = "conflict"
    status = 409
    title = "Conflict"


class LegalHoldError(VultusError):
    """It is under a legal hold and stays; have an admin lift the hold before you remove it."""

    slug = "legal-hold"
    status = 423
    title = "Under a legal hold"


class ConsentRequiredError(VultusError):
    """There is no valid consent of the person; record one before you enrol a face."""

    slug = "consent-required"
    status = 422
    title = "Consent required"


class IdempotencyMismatchError(VultusError):
    """The Idempotency-Key was used for a different request; take a new key."""

    slug = "idempotency-key-reused"
    status = 422
    title = "Idempotency key reused"


class ServiceUnavailableError(VultusError):
    """A part of the service is not reachable; send the request again after a short while."""

    slug = "service-unavailable"
    status = 503
    title = "Service unavailable"
    retryable = True


class DatabaseBusyError(ServiceUnavailableError):
    """The database takes too long over this; send the request again after a short while.

    It is there, and works for others: whoever repeats this by itself does so a few times at most.
    """


class QueueFullError(ServiceUnavailableError):
    """As many images wait as the service may hold; send the request again after a while."""

    slug = "queue-full"
    title = "Queue full"


class TooMuchWaitingError(VultusError):
    """As many of your images wait as may at once; send the request again after a while."""

    slug = "too-much-waiting"
    status = 429
    title = "Too much waiting"
    retryable = True

    def __init__(self, quota: Quota, *, retry_after_s: int) -> None:
        self.quota = quota
        super().__init__(retry_after_s=retry_after_s)


class InsufficientStorageError(ServiceUnavailableError):
    """The service has no room to store what was sent; send it again when there is some."""

    slug = "insufficient-storage"
    status = 507
    title = "Insufficient storage"

    def __init__(self, detail: str | None = None, *, retry_after_s: int = 30) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)


class ModelMismatchError(VultusError):
    """The collection's model is not installed where the job ran; fetch its weights."""

    slug = "model-mismatch"
    status = 409
    title = "Model mismatch"


class ModelChangedError(VultusError):
    """The collection changed its model while the job was at work; send the request again."""

    slug = "model-changed"
    status = 503
    title = "Model changed"
    retryable = True


class FacesLeftBehindError(VultusError):
    """Some faces have no vector of the new model; enrol them again, or say that they may go."""

    slug = "faces-left-behind"
    status = 409
    title = "Faces left behind"


class ImageError(VultusError):
    """The image cannot be used; send another."""

    slug = "invalid-image"
    status = 400
    title = "Invalid image"


class UnsupportedImageError(ImageError):
    """The file is of no format that is read here; convert it to JPEG or PNG and send it again."""

    slug = "unsupported-image"
    status = 415
    title = "Unsupported image type"


class CorruptImageError(ImageError):
    """The image is damaged or cut short; send the complete file."""

    slug = "corrupt-image"
    status = 400
    title = "Corrupt image"


class ImageTooLargeError(ImageError):
    """The image has more bytes or pixels than allowed; scale it down and send it again."""

    slug = "image-too-large"
    status = 413
    title = "Image too large"


class ImageTooSmallError(ImageError):
    """The image is too small to hold a face; send a larger one."""

    slug = "image-too-small"
    status = 400
    title = "Image too small"


class NoFaceError(ImageError):
    """No face was found where one is needed; send an image that shows a face."""

    slug = "no-face"
    status = 422
    title = "No face found"


class SeveralFacesError(ImageError):
    """More than one face was found where one is needed; crop the image or choose a face policy."""

    slug = "several-faces"
    status = 422
    title = "Several faces found"


class LowQualityFaceError(ImageError):
    """The face is too poor for the collection's quality gate; send a better photograph."""

    slug = "low-quality-face"
    status = 422
    title = "Low quality face"


class NotEnoughFacesError(VultusError):
    """Training needs faces of at least two subjects; enrol more people first."""

    slug = "not-enough-faces"
    status = 422
    title = "Not enough faces"


class AttemptsExhaustedError(VultusError):
    """The job was tried too often without coming to an end; requeue it, or report its image."""

    slug = "attempts-exhausted"
    status = 500
    title = "Attempts exhausted"


class WaitedTooLongError(VultusError):
    """The job waited longer than jobs may, and was not run; requeue it if it is still wanted."""

    slug = "waited-too-long"
    status = 503
    title = "Waited too long"


class WeightsError(VultusError):
    """A weights file is missing or not the one that the manifest names; run "make weights"."""

    slug = "weights-invalid"
    status = 503
    title = "Model weights invalid"


class ConfigurationError(VultusError):
    """The configuration cannot work; correct the settings named and start again."""

    slug = "configuration-invalid"
    status = 500
    title = "Configuration invalid"
