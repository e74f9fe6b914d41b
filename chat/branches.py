"""Which branch of a conversation is shown: its questions and answers form a tree.

A question follows an answer; edited, it has siblings that follow the same one. An answer has
siblings when the question was answered again. The conversation keeps the answer at the end of the
branch that is shown: what a reload shows, what the next question follows, and so what the model
sees as history. Knows no text, only ids.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from chat.errors import NotFound
from chat.hints import announce_change
from chat.models import Answer, Conversation, Question
from phi3site.audit.recording import record


@dataclass(frozen=True)
class Place:
    """Where something stands among its siblings, oldest first."""

    siblings: tuple[UUID, ...]
    number: int

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.siblings)

    @property
    def before(self) -> UUID | None:
        """The sibling that is one older."""
        return self.siblings[self.number - 2] if self.number > 1 else None

    @property
    def after(self) -> UUID | None:
        """The sibling that is one newer."""
        return self.siblings[self.number] if self.number < self.count else None


@dataclass(frozen=True)
class Step:
    """A question of a branch and the answer that is shown of it."""

    question: UUID
    answer: UUID
    question_place: Place
    answer_place: Place


class Tree:
    """The ids of one conversation's questions and answers, read in two queries."""

    def __init__(self, conversation: Conversation) -> None:
        self._shown = conversation.shown_id
        # Answer (or None at the start) -> the questions that follow it; question -> its answers.
        self._follow_ups = defaultdict[UUID | None, list[UUID]](list)
        self._answers = defaultdict[UUID, list[UUID]](list)
        self._after, self._question = dict[UUID, UUID | None](), dict[UUID, UUID]()
        for pk, after in conversation.questions.values_list("pk", "after"):
            self._follow_ups[after].append(pk)
            self._after[pk] = after
        mine = Answer.objects.filter(question__conversation=conversation)
        for pk, question in mine.values_list("pk", "question"):
            self._answers[question].append(pk)
            self._question[pk] = question
        self._newest = next(reversed(self._question), None)

    @property
    def end(self) -> UUID | None:
        """The answer at the end of the shown branch; the newest where none was chosen."""
        return self._shown if self._shown in self._question else self._newest

    def end_below(self, answer: UUID) -> UUID:
        """The end of the newest branch through an answer."""
        while follow_ups := self._follow_ups[answer]:
            answer = self._answers[follow_ups[-1]][-1]
        return answer

    def newest_answer(self, question: UUID) -> UUID:
        """The latest answer to a question."""
        return self._answers[question][-1]

    def branch(self) -> list[Step]:
        """The shown branch from its first question to its last answer."""
        steps, answer = list[Step](), self.end
        while answer is not None:
            question = self._question[answer]
            after = self._after[question]
            places = (
                _place(question, self._follow_ups[after]),
                _place(answer, self._answers[question]),
            )
            steps.append(Step(question, answer, *places))
            answer = after
        return steps[::-1]


def place_of(answer: Answer) -> Place:
    """Where one answer stands among those to the same question."""
    same = Answer.objects.filter(question=answer.question_id)
    return _place(answer.pk, list(same.values_list("pk", flat=True)))


@transaction.atomic
def show_branch(user: Any, key: UUID) -> Conversation:
    """Shows the newest branch through a question or an answer of one's own; raises NotFound."""
    mine = Conversation.objects.visible_to(user).select_for_update()
    conversation = mine.filter(questions=key).first() or mine.filter(questions__answers=key).first()
    if conversation is None:
        raise NotFound("There is no such question or answer.")
    tree = Tree(conversation)
    is_question = Question.objects.filter(pk=key).exists()
    answer = tree.newest_answer(key) if is_question else key
    conversation.shown_id = tree.end_below(answer)
    conversation.save(update_fields=["shown"])
    details = {"answer": str(conversation.shown_id)}
    record("conversation.branch_shown", actor=user, target=conversation, details=details)
    announce_change(conversation)
    return conversation


def _place(key: UUID, siblings: list[UUID]) -> Place:
    return Place(tuple(siblings), siblings.index(key) + 1)
