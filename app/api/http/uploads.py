"""Images in requests: multipart parts, a raw body, or base64 in JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from flask import request
from pydantic import Field, create_model

from app.api.http.inputs import parse_json, pointer, single_values, validate
from app.api.schemas.base import Schema
from app.domain.errors import (
    Fault,
    ImageError,
    ImageTooLargeError,
    TooManyImagesError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from app.imaging.base64_text import data_uri_prefix, decode_base64
from app.imaging.inspect import ImageLimits, inspect_image
from app.web.context import current_container

if TYPE_CHECKING:
    from collections.abc import Sequence

P = TypeVar("P", bound=Schema)

_Base64 = Annotated[
    str,
    Field(
        description="An image in base64, plain or as a data URI.",
        json_schema_extra={"contentEncoding": "base64"},
    ),
]


@dataclass(frozen=True, slots=True)
class Upload(Generic[P]):
    """The images of a request in order, each with a header that was found right, and the rest."""

    images: Sequence[bytes]
    parameters: P


class UploadReader(Generic[P]):
    """Reads the requests of one operation.

    ``slots`` names the images where each has a part to play; without them any number of parts
    called ``image`` is taken.
    """

    def __init__(self, parameters: type[P], *, slots: tuple[str, ...] = ()) -> None:
        self.parameters = parameters
        self.slots = slots
        texts: dict[str, Any] = dict.fromkeys(slots or ("image",), (_Base64 | None, None))
        if not slots:
            texts["images"] = (list[_Base64] | None, None)
        #: The form that a JSON document has.
        self.document: type[Schema] = create_model(
            f"{parameters.__name__.removesuffix('Parameters')}Request",
            __base__=parameters,
            __doc__="Images in base64, plain or as data URIs, with parameters.",
            __cls_kwargs__={"json_schema_extra": {"required": list(slots)}} if slots else None,
            **texts,
        )

    def read(self, query: Schema) -> Upload[P]:
        """Return the images and the parameters of the present request.

        ``query`` is what stood in the URL; of it, the parameters of the operation are taken.
        Raises: ValidationFailedError, UnsupportedMediaTypeError, TooManyImagesError, ImageError.
        """
        mimetype = request.mimetype
        stated = query.model_dump(exclude_unset=True, include=set(self.parameters.model_fields))
        if mimetype == "multipart/form-data":
            images, given = self._read_form()
        elif request.is_json:
            images, given = self._read_json()
        elif (
            mimetype.startswith("image/") or mimetype == "application/octet-stream"
        ) and not self.slots:
            images, given = [request.get_data(cache=False)], {}
        else:
            accepted = "multipart/form-data, application/json" + (
                "" if self.slots else ", image/* or application/octet-stream"
            )
            raise UnsupportedMediaTypeError(
                f"The call does not accept this content type. Send {accepted}."
            )
        twice = sorted(given.keys() & stated.keys())
        if twice:
            raise ValidationFailedError(
                [
                    Fault(
                        detail="Given in the URL and in the body. Give it once.", pointer=pointer(n)
                    )
                    for n in twice
                ]
            )
        parameters = validate(self.parameters, {**stated, **given})
        _inspect(images)
        return Upload(images, parameters)

    def _read_form(self) -> tuple[list[bytes], dict[str, object]]:
        names = self.slots or ("image",)
        wanted = " and ".join(f'"{name}"' for name in names)
        files = request.files
        given = single_values(request.form)
        faults = [
            Fault(detail="Must be a file part.", pointer=pointer(name))
            for name in names
            if name in given
        ]
        faults += [
            Fault(detail=f"Unknown file part. Name the parts {wanted}.", pointer=pointer(name))
            for name in files
            if name not in names
        ]
        if not faults:
            faults = [
                Fault(detail="Required. Send it as a file part.", pointer=pointer(name))
                for name in names
                if name not in files
            ]
        faults += [
            Fault(detail="Given more than once. Give it once.", pointer=pointer(name))
            for name in self.slots
            if len(files.getlist(name)) > 1
        ]
        if faults:
            raise ValidationFailedError(faults)
        _check_count(sum(len(files.getlist(name)) for name in names))
        return [part.read() for name in names for part in files.getlist(name)], given

    def _read_json(self) -> tuple[list[bytes], dict[str, object]]:
        document = parse_json(self.document, request.get_data(cache=False))
        given = document.model_dump(exclude_unset=True)
        texts: list[tuple[str, str]] = []
        for name in self.slots or ("image",):
            text = given.pop(name, None)
            if text is not None:
                texts.append((pointer(name), text))
            elif self.slots:
                raise ValidationFailedError(
                    [Fault(detail="Required. Add it.", pointer=pointer(name))]
                )
        several = [] if self.slots else given.pop("images", None) or []
        texts += [(pointer("images", n), text) for n, text in enumerate(several)]
        if not texts:
            raise ValidationFailedError([Fault(detail="Required. Add it.", pointer="#/image")])
        _check_count(len(texts))
        return [_decode(text, where) for where, text in texts], given


def _check_count(count: int) -> None:
    most = current_container().settings.max_images
    if count > most:
        raise TooManyImagesError(
            f"The request carries {count} images. Send at most {most} at once."
        )


def _decode(text: str, where: str) -> bytes:
    most = current_container().settings.max_upload_bytes
    start = data_uri_prefix(text)
    if (len(text) - start) * 3 // 4 > most * 1.1:
        raise ImageTooLargeError(
            f"{where} has more than {most} bytes. Scale the image down and send it again."
        )
    try:
        return decode_base64(text[start:])
    except ValueError:
        raise ValidationFailedError(
            [Fault(detail="Must be base64, plain or as a data URI.", pointer=where)]
        ) from None


def _inspect(images: Sequence[bytes]) -> None:
    settings = current_container().settings
    limits = ImageLimits(max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)
    for number, image in enumerate(images):
        try:
            inspect_image(image, limits=limits)
        except ImageError as error:
            if len(images) == 1:
                raise
            raise type(error)(
                f"Image {number + 1} of {len(images)} cannot be used. {error.detail}"
            ) from error
