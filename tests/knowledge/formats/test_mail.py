from email.message import EmailMessage

from tests.knowledge.conftest import make_docx, make_xlsx


def mail(text="It leaks.", **fields):
    message = EmailMessage()
    for name, value in {"Subject": "Pump", "From": "a@b.c", **fields}.items():
        message[name] = value
    message.set_content(text)
    return message


def attach(message, data, name, kind="application/octet-stream"):
    main, sub = kind.split("/")
    message.add_attachment(data, maintype=main, subtype=sub, filename=name)


def test_head_and_text_are_read(outline):
    message = mail(To="d@e.f", Date="Mon, 23 Nov 2026 09:00:00 +0000")
    assert outline(message.as_bytes(), "a.eml") == [
        ("heading", "Pump"),
        (
            "paragraph",
            "Subject: Pump\nFrom: a@b.c\nTo: d@e.f\nDate: Mon, 23 Nov 2026 09:00:00 +0000",
        ),
        ("paragraph", "It leaks.\n"),
    ]


def test_of_two_forms_of_a_text_the_one_with_structure_is_read(outline):
    message = mail("plain")
    message.add_alternative("<ul><li>rich</ul>", subtype="html")
    assert outline(message.as_bytes(), "a.eml")[2:] == [("list_item", "rich")]


def test_attachments_are_read_below_their_names(read):
    message = mail()
    attach(message, make_docx(), "policy.docx")
    attach(message, make_xlsx(), "prices.xlsx")
    attach(message, mail("Inner words", Subject="Inner").as_bytes(), "old.eml")
    extracted = read(message.as_bytes(), "a.eml")
    headings = [(b.level, b.text) for b in extracted.blocks if b.kind == "heading"]
    assert headings == [
        (1, "Pump"),
        (1, "Attachment: policy.docx"),
        (2, "Leave policy"),
        (1, "Attachment: prices.xlsx"),
        (1, "Attachment: old.eml"),
        (2, "Inner"),
    ]
    assert [table.name for table in extracted.tables] == ["prices.xlsx: Prices"]
    assert any(block.text == "Inner words\n" for block in extracted.blocks)


def test_what_is_not_read_is_named_with_the_reason(read):
    message = mail()
    attach(message, b"MZ\x90\x00", "../../run.exe")
    attach(message, b"\x89PNG\r\n\x1a\n", "logo.png", "image/png")
    attach(message, b"%PDF-1.7 broken", "scan.pdf")
    extracted = read(message.as_bytes(), "a.eml")
    texts = [block.text for block in extracted.blocks[3:]]
    assert texts == ["Attachment, not read: run.exe", "Attachment, not read: scan.pdf"]
    first, second, third = extracted.warnings
    assert "“run.exe”" in first and "Windows program" in first
    assert "“scan.pdf”" in second and "damaged" in second
    assert third == "1 picture was not read."


def test_a_mail_in_a_mail_in_a_mail_is_named(read):
    message = mail("deepest")
    for _ in range(4):
        outer = mail("wrapped")
        attach(outer, message.as_bytes(), "inner.eml")
        message = outer
    extracted = read(message.as_bytes(), "a.eml")
    assert not any("deepest" in block.text for block in extracted.blocks)
    assert "mail in a mail" in extracted.warnings[0]


def test_thousands_of_attachments_are_counted(read):
    message = mail()
    for number in range(120):
        attach(message, f"Note {number}".encode(), f"{number}.txt")
    extracted = read(message.as_bytes(), "a.eml")
    assert sum(block.kind == "heading" for block in extracted.blocks) == 101
    assert extracted.warnings == ("20 attachments beyond 100 were not read.",)


def test_broken_heads_and_endless_nesting_do_no_harm(read):
    broken = b"From: <<<\r\nDate: never\r\nSubject: =?utf-7?q?+AGE-?=\r\n\r\nWords"
    assert read(broken, "a.eml").blocks[-1].text == "Words"
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(300)
    )
    assert isinstance(read(b"Subject: a\r\n" + nested, "a.eml").blocks, tuple)
