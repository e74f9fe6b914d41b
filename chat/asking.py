"""Takes a question: one transaction for question, answer and event, then a hint to the workers.

Knows nothing of engines and sockets; whoever asks, by socket, form, API or command, asks here.
"""

import re
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from chat.branches import Tree
from chat.errors import Forbidden, NotFound, QuestionRefused, StateConflict
from chat.events import Event
from chat.hints import announce_change
from chat.models import Answer, Conversation, Expert, ExpertVersion, Question
from chat.queueing import announce, announce_end, announce_stop
from chat.trials import trial_of
from phi3site.audit.recording import record

TITLE_LENGTH = 80
# Answers that one person may have under way or waiting.
MAX_UNFINISHED = 64

# NUL and lone surrogates can't be stored; the other controls say nothing to a reader.
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def ask(
    user: Any,
    *,
    client_id: UUID,
    question: str,
    expert_id: UUID,
    conversation_id: UUID | None = None,
    after: UUID | None = None,
    edits: UUID | None = None,
) -> Answer:
    """Stores the question once per client id and queues its answer; a resend gets the same one.

    It follows the answer `after`, else the shown branch; one that edits another stands beside it.
    """
    require_asker(user)
    text = checked(question)
    if known := _asked_before(user, client_id, text):
        return known
    version = trial_of(user, conversation_id) or _live_version(user, expert_id)
    _check_room(user)
    try:
        with transaction.atomic():
            conversation = _conversation(user, conversation_id, text)
            place = _place(conversation, after, edits)
            asked = conversation.questions.create(
                client_id=client_id, asker=user, text=text, after=place
            )
            return _queue(asked, version, "question.asked", edits=edits)
    except IntegrityError:
        # Another thread or tab stored the same client id a moment ago.
        if known := _asked_before(user, client_id, text):
            return known
        raise


def regenerate(user: Any, answer_id: UUID) -> Answer:
    """A further answer to the same question; the one under way, if there is one."""
    require_asker(user)
    with transaction.atomic():
        question = _lock_question(user, answer_id)
        if waiting := question.answers.unfinished().first():
            return waiting
        _check_room(user)
        last = question.answers.latest("created_at").expert_version
        trial = trial_of(user, question.conversation_id)
        version = trial or _live_version(user, last.expert_id)
        return _queue(question, version, "answer.requested_again")


def go_on(user: Any, answer_id: UUID) -> Answer:
    """An answer that begins with the text of one that was cut off; the one under way, if any."""
    require_asker(user)
    with transaction.atomic():
        question = _lock_question(user, answer_id)
        if waiting := question.answers.unfinished().first():
            return waiting
        cut = question.answers.select_related("expert_version").get(pk=answer_id)
        if cut.stop_reason != "length" or not cut.text.strip():
            raise StateConflict("Only an answer that was cut off can be continued.")
        _check_room(user)
        # As it began: another version might not know what the first half rests on.
        return _queue(question, cut.expert_version, "answer.continued", continues=cut)


def request_stop(user: Any, answer_id: UUID) -> Answer:
    """Ends a waiting answer at once, asks the worker of a running one; finished ones stay."""
    answer = Answer.objects.visible_to(user).filter(pk=answer_id).first()
    if answer is None:
        raise NotFound("There is no such answer.")
    with transaction.atomic():
        stop(answer, actor=user)
    return answer


def stop(answer: Answer, *, actor: Any) -> None:
    """Compare-and-set: queued becomes stopped, running is asked to stop."""
    same = Answer.objects.filter(pk=answer.pk)
    ended = same.filter(status=Answer.Status.QUEUED).update(
        status=Answer.Status.STOPPED,
        stop_reason="cancelled",
        stop_requested=True,
        attempt=F("attempt") + 1,
        finished_at=timezone.now(),
    )
    asked = same.filter(status=Answer.Status.RUNNING, stop_requested=False).update(
        stop_requested=True
    )
    answer.refresh_from_db()
    if ended:
        announce_end(answer, Event(type="stopped", html=""))
    elif asked:
        announce_stop(answer)
    if ended or asked:
        record("answer.stop_requested", actor=actor, target=answer)


def require_asker(user: Any) -> None:
    """Raises Forbidden for those whose role does not ask."""
    if not user.is_active or not user.has_perm("chat.ask"):
        raise Forbidden("Your role does not ask questions. An administrator can change it.")


def checked(question: str) -> str:
    """The question without what can't be stored; raises QuestionRefused."""
    text = UNSTORABLE.sub("", question).strip()
    if not text:
        raise QuestionRefused("The question is empty. Write what you would like to know.")
    limit = settings.CHAT_MAX_QUESTION_CHARS
    if len(text) > limit:
        raise QuestionRefused(
            f"The question has {len(text):,} characters; {limit:,} are possible. Shorten it.",
            code="question_too_long",
        )
    return text


def _asked_before(user: Any, client_id: UUID, text: str) -> Answer | None:
    question = Question.objects.filter(asker=user, client_id=client_id).first()
    if question is None:
        return None
    if question.text != text:
        raise StateConflict(
            "This client id belongs to another question. Send a new one.", code="client_id_reused"
        )
    if question.conversation.deleted_at is not None:
        raise NotFound("This conversation was deleted. Start a new one.")
    return question.answers.order_by("created_at").first()


def _queue(
    question: Question,
    version: ExpertVersion,
    action: str,
    *,
    continues: Answer | None = None,
    edits: UUID | None = None,
) -> Answer:
    """A new answer at the end of the shown branch, for the workers."""
    answer = question.answers.create(expert_version=version, continues=continues)
    conversation = question.conversation
    conversation.shown, conversation.archived_at = answer, None
    conversation.save(update_fields=["shown", "archived_at", "updated_at"])
    announce(answer)
    announce_change(conversation)
    details = {"expert_version": str(version.pk), "answer": str(answer.pk)}
    if edits or continues:
        details |= {"edits": str(edits)} if edits else {"continues": str(answer.continues_id)}
    target: Question | Answer = question if action == "question.asked" else answer
    record(action, actor=question.asker, target=target, details=details)
    return answer


def _live_version(user: Any, expert_id: UUID) -> ExpertVersion:
    experts = Expert.objects.visible_to(user).select_related("live_version")
    expert = experts.filter(pk=expert_id).first()
    if expert is None or expert.live_version is None:
        raise NotFound("There is no such expert. Choose one from the list.")
    return expert.live_version


def _conversation(user: Any, conversation_id: UUID | None, text: str) -> Conversation:
    if conversation_id is None:
        return Conversation.objects.create(owner=user, title=title_of(text))
    # Locked: questions of two tabs get an order, and a deletion waits or is seen.
    mine = Conversation.objects.visible_to(user).select_for_update()
    conversation = mine.filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound("There is no such conversation. Start a new one.")
    if not conversation.title:
        conversation.title = title_of(text)
        conversation.save(update_fields=["title"])
    return conversation


def _place(conversation: Conversation, after: UUID | None, edits: UUID | None) -> Answer | None:
    """The answer that a new question follows; None at the start."""
    if edits is not None:
        edited = conversation.questions.select_related("after").filter(pk=edits).first()
        if edited is None:
            raise NotFound("The question that this one edits is not in this conversation.")
        return edited.after
    end = after or Tree(conversation).end
    if end is None:
        return None
    answer = Answer.objects.filter(question__conversation=conversation, pk=end).first()
    if answer is None:
        raise NotFound("The answer that this question follows is not in this conversation.")
    return answer


def _lock_question(user: Any, answer_id: UUID) -> Question:
    visible = Answer.objects.visible_to(user).filter(pk=answer_id).values("question")
    question = Question.objects.select_for_update().filter(pk__in=visible).first()
    if question is None:
        raise NotFound("There is no such answer.")
    return question


def _check_room(user: User) -> None:
    if Answer.objects.filter(question__asker=user).unfinished().count() >= MAX_UNFINISHED:
        raise QuestionRefused(
            "Many of your questions are still waiting. Ask again when one is answered.",
            code="too_many_questions",
        )


def title_of(text: str) -> str:
    """The first line of a question, cut at a word."""
    line = " ".join(text.split("\n", 1)[0].split())
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0] + "…"
