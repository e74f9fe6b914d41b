"""What the browser tests' site holds from the start: people, a document with pages, an expert."""

import io

import django

GROUP = "Service team"
PEOPLE = {
    "alice": ("employee", GROUP),
    "bob": ("employee", GROUP),
    "mallory": ("employee", "Other team"),
    "carla": ("curator", GROUP),
    "adam": ("admin", GROUP),
    "audrey": ("auditor",),
}
EXAMPLES = ["Which seal kit fits the P-200 pump?", "What does the warranty not cover?"]
PAGES = {
    "Spare parts": [
        "Seal kit SK-17 fits the P-200 pump. Replace the seal kit every 4,000 hours.",
        "Bearing set BS-9 fits the P-200 pump and the P-300 pump.",
    ],
    "Warranty": [
        "The warranty does not cover wear parts such as seals, bearings and filters.",
        "Damage by dry running for more than 30 seconds ends the warranty.",
    ],
}


def manual():
    """A PDF of two pages with headings."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer

    styles, story = getSampleStyleSheet(), []
    for heading, paragraphs in PAGES.items():
        story.append(Paragraph(heading, styles["Heading1"]))
        for words in paragraphs:
            story += [Paragraph(words, styles["BodyText"]), Spacer(1, 12)]
        story.append(PageBreak())
    file = io.BytesIO()
    SimpleDocTemplate(file, pagesize=A4, title="Pump manual").build(story)
    return file.getvalue()


def seed_people():
    from django.contrib.auth.models import Group, User

    people = {name: User.objects.create_user(name, password=f"{name}-password") for name in PEOPLE}
    for name, groups in PEOPLE.items():
        people[name].groups.set(Group.objects.get_or_create(name=group)[0] for group in groups)
    User.objects.filter(username="adam").update(is_staff=True)
    return people, Group.objects.get(name=GROUP)


def seed_collection(team, name):
    from knowledge.models import Collection

    collection = Collection.objects.create(name=name)
    collection.readers.add(team)
    collection.managers.add(team)
    return collection


def seed_documents(team, curator):
    from django.core.files.base import ContentFile

    from knowledge.ingestion import ingest
    from knowledge.uploads import upload_document

    collection = seed_collection(team, "Service documents")
    version = upload_document(
        collection, ContentFile(manual(), "pump-manual.pdf"), actor=curator, title="Pump manual"
    )
    ingest(str(version.pk))
    version.refresh_from_db()
    assert version.status == "ready", version.error
    return collection


def seed():
    from chat.experts import create_expert

    people, team = seed_people()
    # For uploads: no expert looks here, so that they change no other test's answers.
    seed_collection(team, "New arrivals")
    create_expert(
        "Service",
        actor=people["adam"],
        collections=[seed_documents(team, people["carla"])],
        description="Knows manuals and warranty terms.",
        groups=[team],
        examples=EXAMPLES,
    )


if __name__ == "__main__":
    django.setup()
    seed()
