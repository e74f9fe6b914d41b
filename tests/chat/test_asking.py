"""A question is stored once, with everything that belongs to it, or not at all."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection

from chat import asking, conversations, organising
from chat.asking import ask, regenerate, request_stop
from chat.errors import Forbidden, NotFound, QuestionRefused, StateConflict
from chat.models import Answer, Conversation, Question
from phi3site.audit.models import AuditEvent
from phi3site.audit.verifying import verify_chain
from phi3site.valkey import client


@pytest.fixture
def asked(alice, ask_as):
    return ask_as(alice)


def actions():
    return list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))


@pytest.mark.django_db
def test_a_question_gets_a_conversation_a_queued_answer_and_an_event(alice, asked, expert):
    assert asked.status == "queued"
    assert asked.expert_version == expert.live_version
    assert asked.question.conversation.owner == alice
    assert asked.question.conversation.title == "What is the seal kit of the Heron pump?"
    assert actions()[-1] == "question.asked"


@pytest.mark.django_db(transaction=True)
def test_the_workers_are_rung_after_the_commit(asked):
    (_, entry) = client().xrange("questions")[0]
    assert entry == {b"answer": str(asked.pk).encode()}
    assert client().xlen(f"answer:{asked.pk}") == 1


@pytest.mark.django_db(transaction=True)
def test_a_question_is_taken_while_valkey_is_away(alice, expert, monkeypatch):
    from redis import Redis

    away = Redis(unix_socket_path="/nowhere/valkey.sock")
    monkeypatch.setattr("chat.queueing.prompt_client", lambda: away)
    answer = ask(alice, client_id=uuid4(), question="Which seal?", expert_id=expert.pk)
    assert Answer.objects.get(pk=answer.pk).status == "queued"


@pytest.mark.django_db
def test_the_same_client_id_is_the_same_question(alice, expert):
    same = {"client_id": uuid4(), "question": "Which seal?", "expert_id": expert.pk}
    first = ask(alice, **same)
    assert ask(alice, **same) == first
    assert Question.objects.count() == Conversation.objects.count() == 1
    with pytest.raises(StateConflict) as refused:
        ask(alice, **same | {"question": "Which ring?"})
    assert refused.value.code == "client_id_reused"


@pytest.mark.django_db
def test_two_people_may_use_the_same_client_id(alice, bob, expert):
    same = {"client_id": uuid4(), "question": "Which seal?", "expert_id": expert.pk}
    assert ask(alice, **same) != ask(bob, **same)


@pytest.mark.django_db(transaction=True)
def test_ten_threads_with_one_client_id_ask_once(alice, expert):
    barrier, client_id = Barrier(10), uuid4()

    def send(_):
        barrier.wait()
        try:
            return ask(alice, client_id=client_id, question="Which seal?", expert_id=expert.pk).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(send, range(10)))
    assert len(answers) == 1
    assert Question.objects.count() == Answer.objects.count() == Conversation.objects.count() == 1
    assert actions().count("question.asked") == 1
    assert verify_chain().is_intact


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("", "question_refused"),
        (" \x00\ud800 ", "question_refused"),
        ("x" * 8001, "question_too_long"),
    ],
)
def test_what_is_no_question_is_refused(alice, expert, question, code):
    with pytest.raises(QuestionRefused) as refused:
        ask(alice, client_id=uuid4(), question=question, expert_id=expert.pk)
    assert refused.value.code == code
    assert not Question.objects.exists()


@pytest.mark.django_db
def test_what_can_not_be_stored_is_left_out_and_templates_stay_literal(alice, ask_as):
    answer = ask_as(alice, "a\x00b {{7*7}} {% debug %} {0.__class__} %s $(id) \udfff🙂")
    assert answer.question.text == "ab {{7*7}} {% debug %} {0.__class__} %s $(id) 🙂"


@pytest.mark.django_db
def test_foreign_experts_and_conversations_are_as_if_missing(alice, mallory, expert, asked):
    fields = {"question": "Which seal?", "expert_id": expert.pk}
    with pytest.raises(NotFound):
        ask(mallory, client_id=uuid4(), **fields)
    with pytest.raises(NotFound):
        ask(alice, client_id=uuid4(), question="Which seal?", expert_id=uuid4())
    hers = Conversation.objects.create(owner=mallory)
    for conversation in (hers.pk, uuid4()):
        with pytest.raises(NotFound):
            ask(alice, client_id=uuid4(), conversation_id=conversation, **fields)


@pytest.mark.django_db
def test_who_may_not_ask_is_told_so(auditor, expert):
    with pytest.raises(Forbidden):
        ask(auditor, client_id=uuid4(), question="Which seal?", expert_id=expert.pk)


@pytest.mark.django_db
def test_a_follow_up_follows_the_last_answer(alice, ask_as, asked):
    second = ask_as(alice, "And its price?", conversation_id=asked.question.conversation_id)
    assert second.question.after == asked
    branch = ask_as(
        alice, "Or the ring?", conversation_id=asked.question.conversation_id, after=asked.pk
    )
    assert branch.question.after == asked
    with pytest.raises(NotFound):
        ask_as(alice, "x", conversation_id=asked.question.conversation_id, after=uuid4())


@pytest.mark.django_db
def test_one_person_cannot_fill_the_queue(alice, ask_as, monkeypatch):
    monkeypatch.setattr(asking, "MAX_UNFINISHED", 2)
    ask_as(alice), ask_as(alice)
    with pytest.raises(QuestionRefused) as refused:
        ask_as(alice)
    assert refused.value.code == "too_many_questions"


@pytest.mark.django_db
def test_asking_again_makes_one_further_answer(alice, asked):
    assert regenerate(alice, asked.pk) == asked  # still waiting: nothing to make
    Answer.objects.update(status="complete")
    again = regenerate(alice, asked.pk)
    assert again != asked and again.question == asked.question and again.status == "queued"
    assert regenerate(alice, asked.pk) == again


@pytest.mark.django_db(transaction=True)
def test_a_waiting_answer_stops_at_once_and_its_log_ends(alice, asked):
    assert request_stop(alice, asked.pk).status == "stopped"
    assert request_stop(alice, asked.pk).status == "stopped"
    assert actions().count("answer.stop_requested") == 1
    last_id, fields = client().xrevrange(f"answer:{asked.pk}", count=1)[0]
    assert (last_id, b'"stopped"' in fields[b"e"]) == (b"1-1", True)


@pytest.mark.django_db
def test_a_running_answer_is_asked_to_stop(alice, asked):
    Answer.objects.update(status="running", attempt=1)
    stopped = request_stop(alice, asked.pk)
    assert (stopped.status, stopped.stop_requested, stopped.attempt) == ("running", True, 1)


@pytest.mark.django_db
def test_nobody_acts_on_foreign_answers(alice, bob, mallory, asked):
    for other in (bob, mallory):
        for act in (regenerate, request_stop, conversations.find_answer):
            with pytest.raises(NotFound):
                act(other, asked.pk)
        with pytest.raises(NotFound):
            conversations.give_feedback(other, asked.pk, thumb="up")
        with pytest.raises(NotFound):
            conversations.rename(other, asked.question.conversation_id, "Mine")
        with pytest.raises(NotFound):
            organising.delete_conversation(other, asked.question.conversation_id)
    asked.refresh_from_db()
    assert asked.status == "queued"


@pytest.mark.django_db
def test_deleting_a_conversation_stops_it_and_keeps_its_rows(alice, asked):
    organising.delete_conversation(alice, asked.question.conversation_id)
    asked.refresh_from_db()
    assert asked.status == "stopped"
    assert not Conversation.objects.visible_to(alice).exists()
    assert not Answer.objects.visible_to(alice).exists()
    assert Question.objects.count() == 1
    assert actions()[-1] == "conversation.deleted"


@pytest.mark.django_db
def test_feedback_waits_for_the_end_and_is_replaced(alice, asked):
    with pytest.raises(StateConflict):
        conversations.give_feedback(alice, asked.pk, thumb="up")
    Answer.objects.update(status="complete")
    conversations.give_feedback(alice, asked.pk, thumb="up")
    feedback = conversations.give_feedback(alice, asked.pk, thumb="down", comment="wrong\x00")
    assert (feedback.thumb, feedback.comment) == ("down", "wrong")
    with pytest.raises(QuestionRefused):
        conversations.give_feedback(alice, asked.pk, thumb="sideways")
