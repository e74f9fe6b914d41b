"""What a person does with conversations and answers besides asking: rename, rate."""

from typing import Any
from uuid import UUID

from django.db import transaction

from chat.asking import UNSTORABLE
from chat.errors import NotFound, QuestionRefused, StateConflict
from chat.hints import announce_change
from chat.models import Answer, Conversation, Feedback
from phi3site.audit.recording import record


def find_conversation(user: Any, conversation_id: UUID) -> Conversation:
    """One's own conversation; raises NotFound for a foreign or missing one alike."""
    mine = Conversation.objects.visible_to(user).select_related("trial__expert")
    conversation = mine.filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound("There is no such conversation.")
    return conversation


def find_answer(user: Any, answer_id: UUID) -> Answer:
    """An answer in one's own conversation; raises NotFound."""
    answers = Answer.objects.visible_to(user).select_related("feedback", "question")
    answer = answers.filter(pk=answer_id).first()
    if answer is None:
        raise NotFound("There is no such answer.")
    return answer


@transaction.atomic
def rename(user: Any, conversation_id: UUID, title: str) -> Conversation:
    """Gives a conversation another title."""
    conversation = find_conversation(user, conversation_id)
    title = " ".join(UNSTORABLE.sub("", title).split())[:200]
    if not title:
        raise QuestionRefused("A title needs at least one character.", code="title_empty")
    conversation.title = title
    conversation.save(update_fields=["title"])
    announce_change(conversation)
    record("conversation.renamed", actor=user, target=conversation)
    return conversation


@transaction.atomic
def give_feedback(
    user: Any,
    answer_id: UUID,
    *,
    thumb: str,
    reason: str = "",
    comment: str = "",
    corrected_answer: str = "",
) -> Feedback:
    """Stores what the asker thinks of a finished answer, in place of an earlier opinion."""
    answer = find_answer(user, answer_id)
    if not answer.is_finished:
        raise StateConflict("The answer is still being written. Rate it when it is finished.")
    if thumb not in Feedback.Thumb.values:
        raise QuestionRefused("Choose thumb up or thumb down.", code="thumb_unknown")
    if reason and reason not in Feedback.Reason.values:
        raise QuestionRefused("Choose one of the reasons.", code="reason_unknown")
    values = {
        "author": user,
        "thumb": thumb,
        "reason": reason if thumb == Feedback.Thumb.DOWN else "",
        "comment": UNSTORABLE.sub("", comment)[:4000],
        "corrected_answer": UNSTORABLE.sub("", corrected_answer)[:20_000],
    }
    feedback, _created = Feedback.objects.update_or_create(answer=answer, defaults=values)
    details = {"thumb": thumb, "reason": values["reason"], "is_corrected": bool(corrected_answer)}
    record("answer.rated", actor=user, target=answer, details=details)
    return feedback
