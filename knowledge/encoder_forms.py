"""What an administrator types to choose another encoder."""

from typing import Any

from django import forms

from knowledge.embedding import EncoderSpec
from knowledge.encoder_sources import check_source
from knowledge.errors import KnowledgeError
from knowledge.models import MAX_DIMENSIONS


class EncoderForm(forms.Form):
    """A model, and how it wants to be asked."""

    source = forms.CharField(
        label="Encoder",
        max_length=500,
        help_text="A folder on the workers' machines, a hub id such as "
        "<code>BAAI/bge-m3</code>, <code>packaged-minilm</code>, or a server's address and model: "
        "<code>https://host/v1#model</code>.",
    )
    query_prompt = forms.CharField(
        label="Before each question",
        required=False,
        max_length=500,
        strip=False,
        help_text="For models that were trained with a prompt, such as <code>query: </code>. "
        "Empty: what the model itself says.",
    )
    document_prompt = forms.CharField(
        label="Before each passage", required=False, max_length=500, strip=False
    )
    dimensions = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_DIMENSIONS,
        help_text="Fewer than the model has, if it was trained for that. Empty: all of them.",
    )
    max_tokens = forms.IntegerField(
        label="Longest text in tokens",
        required=False,
        min_value=16,
        max_value=131_072,
        help_text="Of a server's model; 512 when empty.",
    )
    is_normalised = forms.BooleanField(
        label="Bring vectors to unit length", required=False, initial=True
    )

    def clean_source(self) -> str:
        """Refuses what no worker could load: no folder, no answer, pickles alone."""
        source = str(self.cleaned_data["source"]).strip()
        try:
            check_source(source)
        except KnowledgeError as error:
            raise forms.ValidationError(error.message, code=error.code) from error
        return source

    def spec(self) -> EncoderSpec:
        """The choice as a specification."""
        chosen: dict[str, Any] = self.cleaned_data
        return EncoderSpec(
            chosen["source"],
            query_prompt=chosen["query_prompt"] or None,
            document_prompt=chosen["document_prompt"] or None,
            dimensions=chosen["dimensions"],
            is_normalised=chosen["is_normalised"],
            max_tokens=chosen["max_tokens"],
        )
