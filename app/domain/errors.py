"""The one error tree.

Each class says how it looks to a caller: ``slug`` is the stable end of the problem type, ``status``
the HTTP status, ``title`` the constant headline, and the first line of the docstring the detail
that is used when the raiser gives none. ``retryable`` says, to a caller and to the queue, whether
the same request may succeed later.

A detail says what is wrong, then what to do: full sentences, each with a capital letter and a full
stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.backlog import Quota


class VultusError(Exception):
    """Something in the service failed. Try again, and report it if it fails again."""

    slug: ClassVar[str] = "internal-error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str | None = None, *, retry_after_s: int | None = None) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.retry_after_s = retry_after_s
        super().__init__(self.detail)

    @property
    def what_is_wrong(self) -> str:
        """The first sentence of the detail, where what to do is said by others."""
        return self.detail.partition(". ")[0].rstrip(".") + "."


class InvalidRequestError(VultusError):
    """The service cannot read the request. Correct it and send it again."""

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
    """Some members of the request are wrong. Correct those listed and send it again."""

    slug = "validation-failed"
    title = "Validation failed"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        listed = " ".join(f"{fault.pointer}: {fault.detail}" for fault in self.faults[:3])
        more = len(self.faults) - 3
        super().__init__(f"{listed} And {more} more." if more > 0 else listed)


class UnsupportedMediaTypeError(VultusError):
    """The call does not accept this content type. Send one of those documented."""

    slug = "unsupported-media-type"
    status = 415
    title = "Unsupported media type"


class TooManyImagesError(VultusError):
    """The request carries too many images. Send them in several requests."""

    slug = "too-many-images"
    status = 413
    title = "Too many images"


class AuthenticationError(VultusError):
    """The API key is missing or invalid. Send "Authorization: Bearer KEY" or "x-api-key: KEY"."""

    slug = "authentication-required"
    status = 401
    title = "Authentication required"


class PermissionDeniedError(VultusError):
    """The API key does not have the scope that this call needs. Use another key."""

    slug = "permission-denied"
    status = 403
    title = "Permission denied"


class NotFoundError(VultusError):
    """The API key sees nothing with this id. Check the id, or use another key."""

    slug = "not-found"
    status = 404
    title = "Not found"


class ConflictError(VultusError):
    """The request contradicts what is stored. Read the current state and decide again."""

    slug = "conflict"
    status = 409
    title = "Conflict"


class LegalHoldError(VultusError):
    """A legal hold forbids the removal. Have an admin lift the hold, then remove it."""

    slug = "legal-hold"
    status = 423
    title = "Under a legal hold"


class ConsentRequiredError(VultusError):
    """The person has no valid consent. Record one before you enrol a face."""

    slug = "consent-required"
    status = 422
    title = "Consent required"


class IdempotencyMismatchError(VultusError):
    """The Idempotency-Key was used for a different request. Choose a new key."""

    slug = "idempotency-key-reused"
    status = 422
    title = "Idempotency key reused"


class ServiceUnavailableError(VultusError):
    """A part of the service cannot be reached. Send the request again after a short while."""

    slug = "service-unavailable"
    status = 503
    title = "Service unavailable"
    retryable = True


class DatabaseBusyError(ServiceUnavailableError):
    """The database takes too long over this; send the request again after a short while.

    It is there, and works for others: code that repeats this by itself does so a few times at most.
    """


class QueueFullError(ServiceUnavailableError):
    """Too many images are waiting in the whole service. Send the request again later."""

    slug = "queue-full"
    title = "Queue full"


class TooMuchWaitingError(VultusError):
    """Too many images of your tenant are waiting. Send the request again later."""

    slug = "too-much-waiting"
    status = 429
    title = "Too much waiting"
    retryable = True

    def __init__(self, quota: Quota, *, retry_after_s: int) -> None:
        self.quota = quota
        super().__init__(
            f"Too many images are waiting (limit {quota.bound:,} for your tenant). "
            f"Retry after {retry_after_s} s.",
            retry_after_s=retry_after_s,
        )


class InsufficientStorageError(ServiceUnavailableError):
    """The service has no room to store the request. Send it again when there is room."""

    slug = "insufficient-storage"
    status = 507
    title = "Insufficient storage"

    def __init__(self, detail: str | None = None, *, retry_after_s: int = 30) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)


class ModelMismatchError(VultusError):
    """The worker that ran the job does not have the collection's model. Fetch its weights."""

    slug = "model-mismatch"
    status = 409
    title = "Model mismatch"


class ModelChangedError(VultusError):
    """The collection changed its model while the job ran. Send the request again."""

    slug = "model-changed"
    status = 503
    title = "Model changed"
    retryable = True


class FacesLeftBehindError(VultusError):
    """Some faces have no vector of the new model. Enrol them again, or allow their removal."""

    slug = "faces-left-behind"
    status = 409
    title = "Faces left behind"


class ImageError(VultusError):
    """The image cannot be used. Send another."""

    slug = "invalid-image"
    status = 400
    title = "Invalid image"


class UnsupportedImageError(ImageError):
    """The service cannot read this image format. Convert it to JPEG or PNG and send it again."""

    slug = "unsupported-image"
    status = 415
    title = "Unsupported image type"


class CorruptImageError(ImageError):
    """The image is damaged or incomplete. Send the complete file."""

    slug = "corrupt-image"
    status = 400
    title = "Corrupt image"


class ImageTooLargeError(ImageError):
    """The image has too many bytes or pixels. Scale it down and send it again."""

    slug = "image-too-large"
    status = 413
    title = "Image too large"


class ImageTooSmallError(ImageError):
    """The image is too small to hold a face. Send a larger one."""

    slug = "image-too-small"
    status = 400
    title = "Image too small"


class NoFaceError(ImageError):
    """No face was found, and one is needed. Send an image that shows a face."""

    slug = "no-face"
    status = 422
    title = "No face found"


class SeveralFacesError(ImageError):
    """Several faces were found, and one is needed. Crop the image or choose a face policy."""

    slug = "several-faces"
    status = 422
    title = "Several faces found"


class LowQualityFaceError(ImageError):
    """The face is too poor for the collection's quality gate. Send a better photograph."""

    slug = "low-quality-face"
    status = 422
    title = "Low quality face"


class NotEnoughFacesError(VultusError):
    """Training needs faces of at least two subjects. Enrol more people first."""

    slug = "not-enough-faces"
    status = 422
    title = "Not enough faces"


class AttemptsExhaustedError(VultusError):
    """The job was tried too often and never finished. Requeue it, or report its image."""

    slug = "attempts-exhausted"
    status = 500
    title = "Attempts exhausted"


class WaitedTooLongError(VultusError):
    """The job waited too long and was not run. Requeue it if you still need it."""

    slug = "waited-too-long"
    status = 503
    title = "Waited too long"


class WeightsError(VultusError):
    """A weights file is missing or does not match the manifest. Run "make weights"."""

    slug = "weights-invalid"
    status = 503
    title = "Model weights invalid"


class ConfigurationError(VultusError):
    """The service cannot run with these settings. Correct those named and start again."""

    slug = "configuration-invalid"
    status = 500
    title = "Configuration invalid"
