"""`manage.py ask "…" --expert … --user …`: a question from the command line."""

import asyncio
import re
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.asking import ask
from chat.errors import ChatError
from chat.events import LAST_EVENTS
from chat.hub import get_hub
from chat.models import Answer, Expert

# Seconds without a word after which the row is looked at.
SILENCE = 2.0


class Command(BaseCommand):
    """Asks as a person, prints the answer while it is written, then its sources."""

    help = "Asks an expert and prints the answer with its sources; an engine worker must run."

    def add_arguments(self, parser: CommandParser) -> None:
        """The question, whom to ask, and as whom."""
        parser.add_argument("question")
        parser.add_argument("--expert", required=True, help="name of the expert")
        parser.add_argument("--user", required=True, help="username of who asks")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with an error when the question is refused or the answer fails."""
        try:
            answer = self._ask(**options)
        except ChatError as error:
            raise CommandError(error.message) from error
        asyncio.run(self._follow(answer))
        answer.refresh_from_db()
        if answer.status == Answer.Status.FAILED:
            raise CommandError(answer.error)
        if answer.is_abstention:
            self._show(answer.text)
        self.stdout.write("")
        for citation in answer.citations.select_related("passage"):
            words = answer.text[citation.start : citation.end]
            where = f"[{citation.passage.marker}]" if citation.passage else "no source"
            self.stdout.write(f"  {citation.verdict:11} {citation.support:.2f} {where} {words}")
        for passage in answer.passages.all():
            page = f", p. {passage.page}" if passage.page else ""
            self.stdout.write(f"  [{passage.marker}] {passage.document_title}{page}")

    def _ask(self, *, question: str, expert: str, user: str, **_: Any) -> Answer:
        asker = User.objects.filter(username=user).first()
        wanted = Expert.objects.filter(name=expert).first()
        if asker is None or wanted is None:
            raise CommandError(
                f"There is no {'user ' + user if not asker else 'expert ' + expert}."
            )
        return ask(asker, client_id=uuid4(), question=question, expert_id=wanted.pk)

    async def _follow(self, answer: Answer) -> None:
        subscription = get_hub().follow(answer.pk)
        while True:
            entries = await subscription.next(SILENCE)
            for _, event in entries:
                self._show("\n\n" if event["type"] == "block" else event.get("text", ""))
                if event["type"] in LAST_EVENTS:
                    return
            if not entries and await Answer.objects.filter(pk=answer.pk).finished().aexists():
                return

    def _show(self, text: str) -> None:
        """Prints without control characters: a terminal obeys those."""
        self.stdout.write(re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text), ending="")
        self.stdout.flush()
