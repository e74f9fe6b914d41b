"""What a browser may send over the socket; anything else is no frame."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, TypeAdapter


class Ask(BaseModel):
    """A question; the same client id again is the same question."""

    type: Literal["ask"]
    client_id: UUID
    expert: UUID
    question: str
    conversation: UUID | None = None
    # The question that this one takes the place of, on a branch of its own.
    edits: UUID | None = None


class Stop(BaseModel):
    """The answer shall end now."""

    type: Literal["stop"]
    answer: UUID


class Resume(BaseModel):
    """Everything of an answer after the event that the browser has last; "0" is all."""

    type: Literal["resume"]
    answer: UUID
    last: str = Field(default="0", pattern=r"^\d{1,18}(-\d{1,18})?$")


FRAMES: TypeAdapter[Ask | Stop | Resume] = TypeAdapter(
    Annotated[Ask | Stop | Resume, Field(discriminator="type")]
)
