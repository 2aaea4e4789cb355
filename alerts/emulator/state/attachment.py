"""Attachments of alerts, and the multipart/form-data (RFC 7578) that carries them."""

from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP


@dataclass(frozen=True, slots=True)
class Attachment:
    """File as sent. `id` is empty until it is attached."""

    name: str
    content_type: str
    content: bytes
    id: str = ""


def parse_form(
    content_type: str, raw: bytes
) -> tuple[dict[str, str], dict[str, Attachment]] | None:
    """Return the texts and the files of a form, by field name; None if the form is incomplete.

    Args:
        content_type: value of the header, which contains the boundary.
        raw: the body.
    """
    head = f"Content-Type: {content_type}\r\n\r\n".encode(errors="replace")
    form = message_from_bytes(head + raw, policy=HTTP)
    if not form.is_multipart() or form.defects:
        return None
    texts: dict[str, str] = {}
    files: dict[str, Attachment] = {}
    for part in form.iter_parts():
        name = str(part.get_param("name", "", "content-disposition"))
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            return None
        if filename := part.get_filename():
            files[name] = Attachment(filename, part.get_content_type(), content)
        else:
            texts[name] = content.decode(errors="replace")
    return texts, files
