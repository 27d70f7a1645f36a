"""The ``retrain`` parameter of release 0.3.0, and the training that it starts."""

from __future__ import annotations

from enum import StrEnum

from app.compat.compreface.context import current_service
from app.compat.compreface.errors import CompreFaceError
from app.compat.compreface.usecases.training import start_training, stop_training
from app.domain.errors import ConflictError, NotEnoughFacesError
from app.web.context import current_container


class Retrain(StrEnum):
    """What a change of the examples does to the trained matcher."""

    #: Start a training, unless one runs.
    YES = "yes"
    NO = "no"
    #: Stop the training that runs, and start again.
    FORCE = "force"

    @classmethod
    def parse(cls, text: str | None) -> Retrain:
        """Return the option; whatever is unknown or missing forces."""
        try:
            return cls((text or "").strip().lower())
        except ValueError:
            return cls.FORCE


def start(*, code: int, message: str) -> None:
    """Start a training.

    Raises: CompreFaceError: there are too few examples, or one runs already, which is reported with
    this code and message.
    """
    try:
        start_training(current_service(), desk=current_container().desk)
    except ConflictError:
        raise CompreFaceError(code, message) from None
    except NotEnoughFacesError:
        raise CompreFaceError(30, "Model should contain at least 2 faces") from None


def stop() -> None:
    """Stop the training that runs, if one does."""
    stop_training(current_service(), desk=current_container().desk)


def after_change(option: Retrain) -> None:
    """Train as the option says. Raises: CompreFaceError."""
    if option is Retrain.NO:
        return
    if option is Retrain.FORCE:
        stop()
    start(code=27, message="Classifier training is already in progress")
