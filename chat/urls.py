"""Pages of the chat, experts, adapters and receipts."""

from django.urls import path

from chat import (
    adapter_pages,
    attachment_views,
    branch_views,
    console,
    list_views,
    share_views,
    trace_views,
    views,
)

app_name = "chat"
urlpatterns = [
    path("chat/", views.home, name="home"),
    path("chat/ask/", views.ask, name="ask"),
    path("chat/<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("chat/<uuid:conversation_id>/export/", share_views.export, name="export"),
    path("chat/<uuid:conversation_id>/share/", share_views.share, name="share"),
    path("chat/shares/", share_views.shares, name="shares"),
    path("chat/shares/<uuid:share_id>/", share_views.shared, name="shared"),
    path("chat/shares/<uuid:share_id>/revoke/", share_views.revoke, name="revoke"),
    path("chat/attachments/", attachment_views.add_first, name="attach_first"),
    path("chat/<uuid:conversation_id>/attach/", attachment_views.add, name="attach"),
    path(
        "chat/<uuid:conversation_id>/attachments/",
        attachment_views.attachments,
        name="attachments",
    ),
    path(
        "chat/attachments/<uuid:document_id>/remove/",
        attachment_views.remove,
        name="detach",
    ),
    path("chat/list/", list_views.list_page, name="list"),
    path("chat/<uuid:conversation_id>/rename/", list_views.rename, name="rename"),
    path("chat/<uuid:conversation_id>/delete/", list_views.delete, name="delete"),
    path("chat/<uuid:conversation_id>/restore/", list_views.restore, name="restore"),
    path("chat/<uuid:conversation_id>/pin/", list_views.pin, name="pin"),
    path("chat/<uuid:conversation_id>/archive/", list_views.archive, name="archive_conversation"),
    path("chat/<uuid:conversation_id>/label/", list_views.label, name="label"),
    path("chat/answers/<uuid:answer_id>/", views.answer, name="answer"),
    path("chat/<uuid:conversation_id>/thread/", branch_views.thread, name="thread"),
    path("chat/show/<uuid:part_id>/", branch_views.show, name="show"),
    path("chat/answers/<uuid:answer_id>/again/", branch_views.again, name="again"),
    path("chat/answers/<uuid:answer_id>/continue/", branch_views.go_on, name="go_on"),
    path("chat/answers/<uuid:answer_id>/stop/", views.stop, name="stop"),
    path("chat/answers/<uuid:answer_id>/feedback/", views.feedback, name="feedback"),
    path("chat/passages/<uuid:passage_id>/", views.passage, name="passage"),
    path("console/experts/", console.experts, name="experts"),
    path("console/experts/new/", console.new_expert, name="new_expert"),
    path("console/experts/<uuid:expert_id>/", console.expert, name="expert"),
    path("console/experts/<uuid:expert_id>/edit/", console.edit_expert, name="edit_expert"),
    path("console/experts/<uuid:expert_id>/version/", console.new_version, name="new_version"),
    path("console/experts/<uuid:expert_id>/promote/", console.promote, name="promote"),
    path("console/experts/<uuid:expert_id>/try/", console.try_version, name="try_version"),
    path("console/experts/<uuid:expert_id>/archive/", console.archive, name="archive"),
    path("console/adapters/", adapter_pages.adapters, name="adapters"),
    path("console/adapters/import/", adapter_pages.import_adapter, name="import_adapter"),
    path("console/adapters/<uuid:adapter_id>/", adapter_pages.adapter, name="adapter"),
    path(
        "console/adapters/<uuid:adapter_id>/data/", adapter_pages.adapter_data, name="adapter_data"
    ),
    path("console/adapters/<uuid:adapter_id>/export/", adapter_pages.export, name="export_adapter"),
    path("console/adapters/<uuid:adapter_id>/retire/", adapter_pages.retire, name="retire_adapter"),
    path("trace/", trace_views.traces, name="traces"),
    path("trace/answers/<uuid:answer_id>/", trace_views.receipt, name="receipt"),
    path("trace/answers/<uuid:answer_id>/verify/", trace_views.verify, name="verify"),
    path("trace/passages/<uuid:passage_id>/", trace_views.source, name="source"),
    path(
        "trace/passages/<uuid:passage_id>/pages/<int:number>.png",
        trace_views.source_page,
        name="source_page",
    ),
]
