"""Bitmap font of 5 by 7 dots for printable ASCII, drawn for this project."""

import unicodedata
from typing import Final

WIDTH: Final = 5
HEIGHT: Final = 7
"""Rows above the base line."""
ADVANCE: Final = 6
"""Distance between the left edges of two characters."""

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
"""Digits of a row: its five dots are the bits of the digit, the leftmost the highest."""
_FIRST: Final = 32
_ROWS: Final = (
    "0000000 4444004 AAA0000 AAVAVAA 4FKE5U4 OP248J3 CIK8LID 4400000 2488842 8422248 04LEL40 "
    "044V440 0000C48 000V000 00000CC 01248G0 EHJLPHE 4C4444E EH1248V V2421HE 26AIV22 VGU11HE "
    "68GUHHE V124888 EHHEHHE EHHF12C 0CC0CC0 0CC0C48 248G842 00V0V00 8421248 EH12404 EH1DLLE "
    "EHHVHHH UHHUHHU EHGGGHE SIHHHIS VGGUGGV VGGUGGG EHGNHHF HHHVHHH E44444E 72222IC HIKOKIH "
    "GGGGGGV HRLLHHH HHPLJHH EHHHHHE UHHUGGG EHHHLID UHHUKIH FGGE11U V444444 HHHHHHE HHHHHA4 "
    "HHHLLLA HHA4AHH HHHA444 V1248GV E88888E 0G84210 E22222E 4AH0000 000000V 8420000 00E1FHF "
    "GGMPHHU 00EGGHE 11DJHHF 00EHVGE 698S888 00FHHHF1E GGMPHHH 40C444E 2062222IC GGIKOKI C44444E "
    "00QLLHH 00MPHHH 00EHHHE 00UHHHUGG 00DJHJD11 00MPGGG 00EGE1U 88S8896 00HHHJD 00HHHA4 00HHLLA "
    "00HA4AH 00HHHHF1E 00V248V 2448442 4444444 8442448 008L200"
)
_UNKNOWN: Final = (31, 17, 17, 17, 17, 17, 31)
"""Box for a character that is not in the font."""
_GLYPHS: Final = {
    chr(_FIRST + number): tuple(map(_DIGITS.index, rows))
    for number, rows in enumerate(_ROWS.split())
}
_ALIKE: Final = str.maketrans(
    {"–": "-", "—": "-", "×": "x", "…": "...", "→": ">", "’": "'"}  # noqa: RUF001 - replaced
)


def glyphs(text: str) -> list[tuple[int, ...]]:
    """Return the rows of each character, top first: seven, and two below the base line for some.

    Accents are left out.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_ALIKE))
    return [_GLYPHS.get(each, _UNKNOWN) for each in plain if not unicodedata.combining(each)]
