import base64

import pytest

from app.imaging.base64_text import data_uri_prefix, decode_base64

DATA = bytes(range(256)) + b"\xfb\xff\xfe>?"
PLAIN = base64.b64encode(DATA).decode()


def spread(white):
    return white.join(PLAIN[n : n + 10] for n in range(0, len(PLAIN), 10))


@pytest.mark.parametrize(
    "white",
    [
        "",
        "\n",
        "\r\n",
        "\t",
        " ",
        "\v",
        "\f",
        "\N{NO-BREAK SPACE}",
        "\N{IDEOGRAPHIC SPACE}",
        "\N{LINE SEPARATOR}",
        "\N{NARROW NO-BREAK SPACE}",
        "\N{ZERO WIDTH SPACE}",
        "\N{ZERO WIDTH NO-BREAK SPACE}",
        "\N{WORD JOINER}",
        "\x1f",
        "\x85",
    ],
)
def test_white_space_of_any_kind_is_left_out(white):
    assert decode_base64(white + spread(white) + white) == DATA


def test_both_alphabets_are_read():
    assert decode_base64(base64.urlsafe_b64encode(DATA).decode()) == DATA


@pytest.mark.parametrize("length", range(9))
def test_padding_may_be_missing(length):
    padded = base64.b64encode(DATA[:length]).decode()

    assert decode_base64(padded) == decode_base64(padded.rstrip("=")) == DATA[:length]


@pytest.mark.parametrize(
    "text",
    ["***", "abcde", "QQ==QQ==", "\u00e9\u00e9\u00e9", "AA\0A", "data:,AAAA", "=A==", "A=A="],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"base64|padding|ASCII|character|Incorrect"):
        decode_base64(text)


@pytest.mark.parametrize(
    "prefix",
    [
        "data:image/jpeg;base64,",
        "data:;base64,",
        "DATA:IMAGE/PNG;BASE64,",
        "data:image/jpeg;charset=utf-8;base64,",
        'data:image/jpeg; name="a b.jpg"; base64,',
        "\n data:image/heic;base64,",
    ],
)
def test_a_data_uri_is_told_by_its_prefix(prefix):
    text = prefix + PLAIN

    assert decode_base64(text[data_uri_prefix(text) :]) == DATA


@pytest.mark.parametrize("text", [PLAIN, "data:image/png,plain", "data:" + "x" * 300 + ";base64,A"])
def test_what_is_no_data_uri_has_no_prefix(text):
    assert data_uri_prefix(text) == 0
