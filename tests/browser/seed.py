"""What the browser tests' site holds from the start: people, a collection, an expert."""

import django

GROUP = "Service team"
PEOPLE = {
    "alice": ("employee", GROUP),
    "mallory": ("employee", "Other team"),
    "carla": ("curator", GROUP),
    "adam": ("admin", GROUP),
    "audrey": ("auditor",),
}
EXAMPLES = ["Which seal kit fits the P-200?", "What does the warranty not cover?"]


def seed():
    from django.contrib.auth.models import Group, User

    from chat.experts import create_expert
    from knowledge.models import Collection

    people = {name: User.objects.create_user(name, password=f"{name}-password") for name in PEOPLE}
    for name, groups in PEOPLE.items():
        people[name].groups.set(Group.objects.get_or_create(name=group)[0] for group in groups)
    User.objects.filter(username="adam").update(is_staff=True)
    team = Group.objects.get(name=GROUP)
    collection = Collection.objects.create(name="Service documents")
    collection.readers.add(team)
    collection.managers.add(team)
    create_expert(
        "Service",
        actor=people["adam"],
        collections=[collection],
        description="Knows manuals and warranty terms.",
        groups=[team],
        examples=EXAMPLES,
    )


if __name__ == "__main__":
    django.setup()
    seed()
