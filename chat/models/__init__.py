"""Experts, adapters, conversations, answers and what they rest on.

Rows are reached through `visible_to(user)`. How an answer comes about is told in answering.
"""

from chat.models.answers import Answer, AnswerQuerySet, Citation, Feedback, Passage, Receipt
from chat.models.conversations import Conversation, ConversationQuerySet, Question, Share
from chat.models.experts import Adapter, AdapterQuerySet, Expert, ExpertQuerySet, ExpertVersion

__all__ = [
    "Adapter",
    "AdapterQuerySet",
    "Answer",
    "AnswerQuerySet",
    "Citation",
    "Conversation",
    "ConversationQuerySet",
    "Expert",
    "ExpertQuerySet",
    "ExpertVersion",
    "Feedback",
    "Passage",
    "Question",
    "Receipt",
    "Share",
]
