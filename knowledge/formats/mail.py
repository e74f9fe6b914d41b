"""E-mail → blocks: what its head says, its text, and the text of each attachment that can be read.

An attachment stands below its file name; one that can't be read is named with the reason. Knows no
mail server.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from knowledge.blocks import Block, Extracted, TableData
from knowledge.counts import counted
from knowledge.errors import ExtractionFailed, KnowledgeError
from knowledge.filetypes import EML, PICTURES, detect, kind_of_content
from knowledge.formats import plaintext, read_file, webpages

MAX_ATTACHMENTS = 100
MAX_PARTS = 2_000
# A mail in a mail in a mail: deeper ones are named, not read.
MAX_DEPTH = 3
_FIELDS = ("Subject", "From", "To", "Cc", "Date")
_LONGEST_FIELD = 2_000


def read(path: Path, *, depth: int = 0) -> Extracted:
    """The mail's blocks, tables of attached files included."""
    parser, mail = BytesParser(_class=EmailMessage, policy=policy.default), _Mail(depth)
    try:
        mail.read(parser.parsebytes(path.read_bytes()))
    except RecursionError as error:
        raise ExtractionFailed(
            "The mail's parts are nested deeper than can be read.", code="too_deep"
        ) from error
    return Extracted(
        blocks=tuple(mail.blocks), tables=tuple(mail.tables), warnings=tuple(mail.warnings)
    )


@dataclass
class _Mail:
    """What was found so far."""

    depth: int
    blocks: list[Block] = field(default_factory=list)
    tables: list[TableData] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    pictures: int = 0

    def read(self, message: EmailMessage) -> None:
        """Head, body, then the attachments in their order."""
        self.blocks += _head(message)
        bodies, attached = _parts(message)
        for body in bodies:
            found = _body(body)
            self.blocks += found.blocks
            self.warnings += found.warnings
        for part in attached[:MAX_ATTACHMENTS]:
            self._attachment(part)
        if len(attached) > MAX_ATTACHMENTS:
            left = len(attached) - MAX_ATTACHMENTS
            told = counted(left, "{} attachment", "{} attachments")
            was = "was" if left == 1 else "were"
            self.warnings.append(f"{told} beyond {MAX_ATTACHMENTS} {was} not read.")
        if self.pictures:
            told = counted(self.pictures, "{} picture was not read.", "{} pictures were not read.")
            self.warnings.append(told)

    def _attachment(self, part: EmailMessage) -> None:
        """Read as a document of its own, below its name."""
        name = _file_name(part)
        try:
            found = self._read_attachment(part, name)
        except KnowledgeError as error:
            self.blocks.append(Block("paragraph", f"Attachment, not read: {name}"))
            self.warnings.append(f"The attachment “{name}” was not read: {error.message}")
            return
        if found is None:
            return
        if not found.blocks and not found.tables:
            self.warnings.append(f"The attachment “{name}” holds no text.")
        self.blocks.append(Block("heading", f"Attachment: {name}", level=1))
        self.blocks += map(_attached, found.blocks)
        self.tables += [replace(table, name=f"{name}: {table.name}") for table in found.tables]
        self.warnings += [f"“{name}”: {warning}" for warning in found.warnings]

    def _read_attachment(self, part: EmailMessage, name: str) -> Extracted | None:
        data = _content(part)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "attachment")
            path.write_bytes(data)
            if kind_of_content(path) in PICTURES:
                self.pictures += 1
                return None
            kind = detect(path, name)
            if kind is not EML:
                return read_file(path, kind.media_type, name.rsplit(".", 1)[0])
            if self.depth + 1 >= MAX_DEPTH:
                raise ExtractionFailed("It is a mail in a mail in a mail.", code="too_deep")
            return read(path, depth=self.depth + 1)


def _head(message: EmailMessage) -> Iterator[Block]:
    """The subject as a heading, who wrote to whom and when as text."""
    lines = []
    for name in _FIELDS:
        try:
            value = str(message.get(name, ""))
        except (ValueError, IndexError, AttributeError, TypeError):
            # The parser gives up on some broken addresses; what they say is lost with them.
            value = ""
        value = " ".join(value.split())[:_LONGEST_FIELD]
        if value and name == "Subject":
            yield Block("heading", value[:300], level=1)
        if value:
            lines.append(f"{name}: {value}")
    if lines:
        yield Block("paragraph", "\n".join(lines))


def _parts(message: EmailMessage) -> tuple[list[EmailMessage], list[EmailMessage]]:
    """Bodies to read, each in the best form it is sent in; and what is attached."""
    bodies: list[EmailMessage] = []
    attached: list[EmailMessage] = []
    waiting, seen = [message], 0
    while waiting and seen < MAX_PARTS:
        part, seen = waiting.pop(), seen + 1
        kind, is_file = part.get_content_type(), bool(part.get_filename())
        if kind == "message/rfc822" or is_file or part.is_attachment():
            attached.append(part)
        elif kind == "multipart/alternative":
            waiting += _best_forms(list(_subparts(part)))
        elif part.is_multipart():
            waiting += reversed(list(_subparts(part)))
        elif kind in ("text/plain", "text/html"):
            bodies.append(part)
        else:
            attached.append(part)
    return bodies, attached


def _subparts(part: EmailMessage) -> Iterator[EmailMessage]:
    payload = part.get_payload()
    for item in payload if isinstance(payload, list) else ():
        if isinstance(item, EmailMessage):
            yield item


def _best_forms(forms: list[EmailMessage]) -> list[EmailMessage]:
    """Of several forms of one text the HTML keeps its tables; plain text stands in for it."""
    texts = ("text/plain", "text/html")
    rich = [form for form in forms if form.get_content_type() not in texts]
    for kind in ("text/html", "text/plain"):
        found = [form for form in forms if form.get_content_type() == kind]
        has_words = [form for form in found if _body(form).blocks]
        if has_words:
            return [*_with_files(rich), has_words[-1]]
    return rich


def _with_files(forms: list[EmailMessage]) -> list[EmailMessage]:
    """Forms beside the text that may hold files of their own, such as a page with pictures."""
    return [form for form in forms if not form.get_content_type().startswith("text/")]


def _body(part: EmailMessage) -> Extracted:
    data = _content(part)
    charset = part.get_content_charset() or ""
    if charset and charset.lower() not in ("utf-8", "us-ascii", "utf-7"):
        data = _as_utf8(data, charset)
    if part.get_content_type() == "text/html":
        return webpages.read(data)
    return plaintext.read(data)


def _as_utf8(data: bytes, charset: str) -> bytes:
    """The text in the encoding that its part names, if that is one."""
    try:
        return data.decode(charset).encode()
    except (LookupError, UnicodeError, ValueError):
        return data


def _content(part: EmailMessage) -> bytes:
    """A part's bytes; a mail inside a mail as it was sent."""
    if part.get_content_type() == "message/rfc822" or part.is_multipart():
        inner = next(_subparts(part), None)
        return inner.as_bytes() if inner is not None else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _file_name(part: EmailMessage) -> str:
    """The attachment's name, its last part only; one by its type where it has none."""
    name = " ".join(str(part.get_filename() or "").replace("\\", "/").split("/")[-1].split())
    if name:
        return name[-200:]
    kind = part.get_content_type()
    return "message.eml" if kind == "message/rfc822" else f"unnamed.{kind.rsplit('/', 1)[-1][:20]}"


def _attached(block: Block) -> Block:
    """A block below its file's name; its pages and places are not the mail's."""
    level = min(block.level + 1, 9) if block.kind == "heading" else block.level
    return replace(block, level=level, page=None, lines=())
