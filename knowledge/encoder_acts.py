"""What an administrator does about encoders: switch, pause, resume, give up, roll back, forget.

Each is a compare-and-set with its event in one transaction; the work itself is told in switching.
"""

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from knowledge.embedding import EncoderSpec
from knowledge.errors import StateConflict
from knowledge.indexes import drop_vector_index
from knowledge.models import Encoder, EncoderSwitch
from knowledge.registry import check_dimensions
from knowledge.switching import enqueue_switch
from phi3site.audit.recording import record

State, Status = Encoder.State, EncoderSwitch.Status
_START_LOCK = 7_203_148
LONGEST_NAME = 200


def switch_to(spec: EncoderSpec, *, actor: Any) -> EncoderSwitch:
    """Begins the switch to an encoder that is not known yet.

    Raises EncoderRefused for more dimensions than an index holds, StateConflict while another
    switch is unfinished. What only its model can tell is checked by the worker, before anything
    is embedded.
    """
    if spec.dimensions is not None:
        check_dimensions(spec.dimensions)
    with transaction.atomic():
        former = _free_to_switch()
        name = spec.source.partition("#")[2] or spec.source.rpartition("/")[2]
        name = name[:LONGEST_NAME]
        # One that was given up before its model was ever loaded.
        Encoder.objects.filter(name=name, revision="", state=State.RETIRED).delete()
        encoder = Encoder.objects.create(
            name=name,
            source=spec.source,
            dimensions=spec.dimensions or former.dimensions,
            is_shortened=spec.dimensions is not None,
            is_normalised=spec.is_normalised,
            query_prompt=spec.query_prompt or "",
            document_prompt=spec.document_prompt or "",
            max_tokens=spec.max_tokens or 0,
        )
        return _begin(encoder, former, actor=actor)


def roll_back(*, actor: Any) -> EncoderSwitch:
    """Begins the way back to the encoder before; documents since then get its vectors first."""
    with transaction.atomic():
        present = _free_to_switch()
        last = EncoderSwitch.objects.filter(status=Status.FINISHED, encoder=present).first()
        if last is None or last.former.state != State.RETIRED:
            raise StateConflict("There is no encoder to go back to.")
        return _begin(last.former, present, actor=actor, is_rollback=True)


def _free_to_switch() -> Encoder:
    """The active encoder, while nobody else begins a switch."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_START_LOCK])
    if EncoderSwitch.objects.unfinished().exists():
        raise StateConflict("Another switch is unfinished. Let it finish, or give it up.")
    active = Encoder.objects.filter(state=State.ACTIVE).first()
    if active is None:
        raise StateConflict(
            "Nothing is embedded yet. Set KNOWLEDGE_ENCODER, and the first document uses it."
        )
    return active


def _begin(
    encoder: Encoder, former: Encoder, *, actor: Any, is_rollback: bool = False
) -> EncoderSwitch:
    Encoder.objects.filter(pk=encoder.pk).update(state=State.BUILDING)
    switch = EncoderSwitch.objects.create(
        encoder=encoder, former=former, started_by=actor, is_rollback=is_rollback
    )
    record("encoder_switch.begun", actor=actor, target=switch, details=switch.audit_details())
    enqueue_switch(switch)
    return switch


def pause(switch: EncoderSwitch, *, actor: Any) -> None:
    """Lets it rest; the vectors made so far stay. The worker hears it after its batch."""
    _change(switch, EncoderSwitch.UNDER_WAY, Status.PAUSED, actor=actor, action="paused")


def resume(switch: EncoderSwitch, *, actor: Any) -> None:
    """Goes on where it stood, after a pause or a failure."""
    with transaction.atomic():
        waiting = (Status.PAUSED, Status.FAILED)
        _change(switch, waiting, Status.QUEUED, actor=actor, action="resumed", tries=0, error="")
        enqueue_switch(switch)


def give_up(switch: EncoderSwitch, *, actor: Any) -> None:
    """Ends it without a change of what is searched with."""
    with transaction.atomic():
        now = timezone.now()
        _change(
            switch,
            EncoderSwitch.UNFINISHED,
            Status.CANCELLED,
            actor=actor,
            action="given_up",
            finished_at=now,
        )
        Encoder.objects.filter(pk=switch.encoder_id).update(state=State.RETIRED)


def forget(encoder: Encoder, *, actor: Any) -> None:
    """Removes a retired encoder with its vectors and its index; there is no way back to it then."""
    with transaction.atomic():
        _free_to_switch()
        kept = Encoder.objects.select_for_update().filter(pk=encoder.pk, state=State.RETIRED)
        if not kept.exists():
            raise StateConflict("Only an encoder that is not searched with can be forgotten.")
        details = {"name": encoder.name, "revision": encoder.revision}
        record("encoder.forgotten", actor=actor, target=encoder, details=details)
        transaction.on_commit(lambda: drop_vector_index(encoder))
        kept.delete()


def _change(
    switch: EncoderSwitch,
    before: tuple[str, ...],
    after: str,
    *,
    actor: Any,
    action: str,
    **values: Any,
) -> None:
    with transaction.atomic():
        rows = EncoderSwitch.objects.filter(pk=switch.pk, status__in=before)
        if not rows.update(status=after, updated_at=timezone.now(), **values):
            raise StateConflict("The switch has gone on meanwhile. Reload the page.")
        switch.refresh_from_db()
        details = switch.audit_details()
        record(f"encoder_switch.{action}", actor=actor, target=switch, details=details)
