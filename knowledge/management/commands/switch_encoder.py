"""`manage.py switch_encoder`: embeds everything with another encoder, then searches with it."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from knowledge import encoder_acts as acts
from knowledge.embedding import EncoderSpec
from knowledge.encoder_sources import check_source
from knowledge.errors import KnowledgeError
from knowledge.models import Encoder, EncoderSwitch
from knowledge.switching import work_on

ACTS = ("pause", "resume", "give_up", "roll_back")


class Command(BaseCommand):
    """Begins or changes a switch; without arguments it says how things stand."""

    help = (
        "Switches to another encoder: a folder, a hub id, packaged-minilm or https://host/v1#model."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """An encoder with its options, or one act on the switch that is unfinished."""
        parser.add_argument("source", nargs="?", default="")
        parser.add_argument("--query-prompt", default=None)
        parser.add_argument("--document-prompt", default=None)
        parser.add_argument("--dimensions", type=int, default=None)
        parser.add_argument("--max-tokens", type=int, default=None)
        parser.add_argument("--as-it-is", action="store_true", help="don't bring to unit length")
        parser.add_argument("--here", action="store_true", help="do the work in this process")
        group = parser.add_mutually_exclusive_group()
        for act in ACTS:
            group.add_argument("--" + act.replace("_", "-"), action="store_true")

    def handle(self, *args: Any, source: str, here: bool, **options: Any) -> None:
        """Prints the state afterwards; ends with an error when the act was not possible."""
        try:
            self._act(source, options)
        except KnowledgeError as error:
            raise CommandError(error.message) from error
        if here:
            self._work()
        self._report()

    def _act(self, source: str, options: dict[str, Any]) -> None:
        act = next((name for name in ACTS if options[name]), "")
        if source:
            check_source(source)
            acts.switch_to(_spec(source, options), actor=None)
        elif act == "roll_back":
            acts.roll_back(actor=None)
        elif act:
            switch = EncoderSwitch.objects.unfinished().first()
            if switch is None:
                raise CommandError("There is no switch that is unfinished.")
            getattr(acts, act)(switch, actor=None)

    def _work(self) -> None:
        """Slice by slice until it is over; a worker may take part."""
        last: tuple[UUID, int, str] | None = None
        while switch := EncoderSwitch.objects.under_way().first():
            work_on(switch.pk)
            switch.refresh_from_db()
            now = (switch.pk, switch.embedded, switch.status)
            if now != last:
                self.stdout.write(f"{switch.status} {switch.embedded} of {switch.total}")
            last = now

    def _report(self) -> None:
        for encoder in Encoder.objects.order_by("state", "-created_at"):
            line = f"{encoder.state:<9} {encoder.name} {encoder.revision} {encoder.dimensions}"
            self.stdout.write(line)
        switch = EncoderSwitch.objects.first()
        if switch:
            done = f"{switch.embedded} of {switch.total}"
            self.stdout.write(f"{switch.status:<9} {switch} {done} {switch.error}".rstrip())


def _spec(source: str, options: dict[str, Any]) -> EncoderSpec:
    return EncoderSpec(
        source,
        query_prompt=options["query_prompt"],
        document_prompt=options["document_prompt"],
        dimensions=options["dimensions"],
        is_normalised=not options["as_it_is"],
        max_tokens=options["max_tokens"],
    )
