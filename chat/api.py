"""Asking over the API: the same functions as the pages and the socket, for the same people."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Status
from ninja.pagination import paginate

from chat import asking, conversations, organising
from chat.branches import show_branch
from chat.finding import Hit, find
from chat.listing import chosen
from chat.models import Answer, Conversation, Expert, Feedback
from chat.reading import show_answer
from chat.schemas import (
    AnswerOut,
    AskedOut,
    AskIn,
    ConversationDetail,
    ConversationIn,
    ConversationOut,
    ExpertOut,
    FeedbackIn,
    FeedbackOut,
    HitOut,
)

router = Router(tags=["chat"])


@router.get("/experts", response=list[ExpertOut])
@paginate
def list_experts(request: HttpRequest) -> QuerySet[Expert]:
    """Experts that you may ask."""
    asking.require_asker(request.user)
    experts = Expert.objects.visible_to(request.user).filter(live_version__isnull=False)
    return experts.select_related("live_version")


@router.get("/conversations", response=list[ConversationOut])
@paginate
def list_conversations(
    request: HttpRequest, label: str = "", archived: bool = False
) -> QuerySet[Conversation]:
    """Your conversations, newest first; with a label, or those in the archive."""
    asking.require_asker(request.user)
    return chosen(request.user, label=label, archived=archived)


@router.get("/conversations/search", response=list[HitOut])
def search_conversations(request: HttpRequest, words: str = "") -> list[Hit]:
    """Your conversations with these words in title, questions or answers."""
    asking.require_asker(request.user)
    return find(request.user, words[:200])


@router.get("/conversations/{uuid:conversation_id}", response=ConversationDetail)
def get_conversation(request: HttpRequest, conversation_id: UUID) -> dict[str, Any]:
    """One conversation with its questions."""
    asking.require_asker(request.user)
    found = conversations.find_conversation(request.user, conversation_id)
    questions = found.questions.prefetch_related("answers")
    return {**vars(found), "questions": list(questions)}


@router.patch("/conversations/{uuid:conversation_id}", response=ConversationOut)
def change_conversation(
    request: HttpRequest, conversation_id: UUID, change: ConversationIn
) -> Conversation:
    """Renames, pins, labels or archives; what is left out stays as it is."""
    asking.require_asker(request.user)
    user = request.user
    if change.title is not None:
        conversations.rename(user, conversation_id, change.title)
    if change.is_pinned is not None:
        organising.pin(user, conversation_id, is_pinned=change.is_pinned)
    if change.labels is not None:
        organising.label(user, conversation_id, ",".join(change.labels))
    if change.is_archived is not None:
        organising.archive(user, conversation_id, is_archived=change.is_archived)
    return conversations.find_conversation(user, conversation_id)


@router.delete("/conversations/{uuid:conversation_id}", response={204: None})
def delete_conversation(request: HttpRequest, conversation_id: UUID) -> Status[None]:
    """Takes a conversation from your list and stops what still runs in it."""
    asking.require_asker(request.user)
    organising.delete_conversation(request.user, conversation_id)
    return Status(204, None)


@router.post("/conversations/{uuid:conversation_id}/restore", response=ConversationOut)
def restore_conversation(request: HttpRequest, conversation_id: UUID) -> Conversation:
    """Takes the deletion of a conversation back, up to an hour later."""
    asking.require_asker(request.user)
    return organising.restore_conversation(request.user, conversation_id)


@router.post("/questions", response={202: AskedOut})
def ask(request: HttpRequest, asked: AskIn) -> Status[dict[str, UUID]]:
    """Takes a question; its answer is written by a worker."""
    answer = asking.ask(
        request.user,
        client_id=asked.client_id,
        question=asked.question,
        expert_id=asked.expert,
        conversation_id=asked.conversation,
        after=asked.after,
        edits=asked.edits,
    )
    return Status(202, _asked(answer))


@router.get("/answers/{uuid:answer_id}", response=AnswerOut)
def get_answer(request: HttpRequest, answer_id: UUID) -> dict[str, Any]:
    """One answer as far as it has come, with its sources and citations."""
    asking.require_asker(request.user)
    answer = conversations.find_answer(request.user, answer_id)
    passages = show_answer(answer, request.user).passages
    return {**vars(answer), "passages": passages, "citations": list(answer.citations.all())}


@router.post("/answers/{uuid:answer_id}/stop", response={202: AskedOut})
def stop(request: HttpRequest, answer_id: UUID) -> Status[dict[str, UUID]]:
    """Ends an answer; what has come is kept."""
    asking.require_asker(request.user)
    return Status(202, _asked(asking.request_stop(request.user, answer_id)))


@router.post("/answers/{uuid:answer_id}/again", response={202: AskedOut})
def again(request: HttpRequest, answer_id: UUID) -> Status[dict[str, UUID]]:
    """A further answer to the same question."""
    return Status(202, _asked(asking.regenerate(request.user, answer_id)))


@router.post("/answers/{uuid:answer_id}/continue", response={202: AskedOut})
def go_on(request: HttpRequest, answer_id: UUID) -> Status[dict[str, UUID]]:
    """A further answer that begins with the text of one that was cut off by its length."""
    return Status(202, _asked(asking.go_on(request.user, answer_id)))


@router.post("/answers/{uuid:answer_id}/show", response={204: None})
def show(request: HttpRequest, answer_id: UUID) -> Status[None]:
    """Shows, and goes on with, the newest branch through this answer."""
    asking.require_asker(request.user)
    show_branch(request.user, answer_id)
    return Status(204, None)


@router.put("/answers/{uuid:answer_id}/feedback", response=FeedbackOut)
def give_feedback(request: HttpRequest, answer_id: UUID, feedback: FeedbackIn) -> Feedback:
    """Stores what you think of a finished answer."""
    asking.require_asker(request.user)
    return conversations.give_feedback(request.user, answer_id, **feedback.dict())


def _asked(answer: Answer) -> dict[str, UUID]:
    question = answer.question
    return {
        "conversation": question.conversation_id,
        "question": question.pk,
        "answer": answer.pk,
    }
