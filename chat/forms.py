"""Forms of the chat and of the experts' console pages."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group

from chat.experts import retrieval_of, sampling_of
from chat.models import Adapter, Expert, ExpertVersion
from chat.prompts import DEFAULT_SYSTEM_PROMPT
from knowledge.models import Collection
from phi3site.roles import ROLES


class AskForm(forms.Form):
    """A question by plain form; length and content are checked by `ask`."""

    question = forms.CharField(strip=False)
    expert = forms.UUIDField()
    conversation = forms.UUIDField(required=False)
    client_id = forms.UUIDField(required=False)
    edits = forms.UUIDField(required=False)


class FeedbackForm(forms.Form):
    """A thumb, and words if one likes."""

    thumb = forms.CharField()
    reason = forms.CharField(required=False)
    comment = forms.CharField(required=False, max_length=4000)
    corrected_answer = forms.CharField(required=False, max_length=20_000)


class ExpertForm(forms.ModelForm):  # type: ignore[type-arg]  # subscripts fail at run time
    """What people see of an expert, and who may ask it."""

    examples = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Questions that an empty conversation offers, one per line.",
    )

    class Meta:
        model = Expert
        fields = ("name", "description", "groups", "examples")
        widgets = {
            "description": forms.Textarea(attrs={"rows": 2}),
            "groups": forms.CheckboxSelectMultiple,
        }
        help_texts = {"groups": "Nobody chosen: everyone who may ask at all."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["groups"].queryset = Group.objects.exclude(name__in=ROLES)  # type: ignore[attr-defined]
        self.initial["examples"] = "\n".join(self.instance.examples)

    def clean_examples(self) -> list[str]:
        """Lines with words in them."""
        lines = str(self.cleaned_data["examples"]).splitlines()
        return [line.strip() for line in lines if line.strip()][:12]


class VersionForm(forms.Form):
    """A new state of an expert: its words, its documents, its adapter and its settings."""

    system_prompt = forms.CharField(
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Who answers, and how. The documents' passages are added by themselves.",
    )
    collections = forms.ModelMultipleChoiceField(
        Collection.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Where it looks. Nothing chosen: it answers from the model alone.",
    )
    adapter = forms.ModelChoiceField(
        Adapter.objects.none(), required=False, empty_label="None: the base model"
    )
    is_quoting = forms.BooleanField(
        required=False,
        label="Answer with quotes alone",
        help_text="Every answer is made of sentences of the documents, word for word, each with "
        "its source. No model is asked: nothing can be invented, and no GPU is needed.",
    )
    passages = forms.IntegerField(min_value=1, max_value=20)
    min_score = forms.FloatField(
        min_value=0,
        max_value=1,
        label="Least similarity",
        help_text="Below it, a passage counts as not relevant; 0 to 1.",
    )
    is_reranked = forms.BooleanField(
        required=False,
        label="Let the reranker decide the order",
        help_text="Slower and better, where this site has one (KNOWLEDGE_RERANKER).",
    )
    temperature = forms.FloatField(
        min_value=0, max_value=2, help_text="0 always takes the likeliest word."
    )
    max_tokens = forms.IntegerField(min_value=16, max_value=4096, label="Longest answer in tokens")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        collections = Collection.objects.visible_to(user).shared()
        adapters = Adapter.objects.usable()
        self.fields["collections"].queryset = collections  # type: ignore[attr-defined]
        self.fields["adapter"].queryset = adapters  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Who quotes needs something to quote from."""
        values = super().clean() or self.cleaned_data
        if values.get("is_quoting") and not values.get("collections"):
            self.add_error("collections", "Choose where the quotes come from.")
        return values


class ImportForm(forms.Form):
    """An adapter that was made elsewhere."""

    name = forms.CharField(max_length=120, help_text="How experts list it.")
    file = forms.FileField(
        label="Zip with adapter_config.json and adapter_model.safetensors",
        widget=forms.FileInput(attrs={"accept": ".zip"}),
        help_text="As peft saves them. Layers that are named as in other models (q_proj, up_proj "
        "…) are fused into Phi-3's exactly; what does not fit is refused with the reason.",
    )
    is_of_this_base = forms.BooleanField(
        label="It was trained on the base model of this site",
        help_text="No file proves it: with another base of the same shape it would answer "
        "nonsense. The statement is kept with the adapter.",
    )
    collections = forms.ModelMultipleChoiceField(
        Collection.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Trained on documents of",
        help_text="Only who may read all of these is answered with it.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["collections"].queryset = Collection.objects.readable_by(user).shared()  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """Not larger than CHAT_MAX_ADAPTER_MB."""
        file, limit = self.cleaned_data["file"], settings.CHAT_MAX_ADAPTER_MB
        if (file.size or 0) > limit * 1024 * 1024:
            raise forms.ValidationError(
                f"The file is larger than {limit} MB. CHAT_MAX_ADAPTER_MB raises the limit."
            )
        return file


class AdapterDataForm(forms.Form):
    """Whose documents an adapter was trained on."""

    collections = forms.ModelMultipleChoiceField(
        Collection.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Trained on documents of",
        help_text="Only who may read all of these is answered with the adapter.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Deleted ones, too: what was learned from them is still in the adapter.
        self.fields["collections"].queryset = Collection.objects.readable_by(user).shared()  # type: ignore[attr-defined]


def version_initial(version: ExpertVersion | None) -> dict[str, Any]:
    """What the form shows at first: the newest version, or the defaults."""
    retrieval, sampling = retrieval_of(version), sampling_of(version)
    return {
        "system_prompt": version.system_prompt if version else DEFAULT_SYSTEM_PROMPT,
        "collections": version.collections.all() if version else [],
        "adapter": version.adapter_id if version else None,
        "passages": retrieval.passages,
        "min_score": retrieval.min_score,
        "is_reranked": retrieval.is_reranked,
        "is_quoting": retrieval.is_quoting,
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_tokens,
    }
