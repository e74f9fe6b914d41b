"""Who hears what at every door of the site. A door that is missing here fails the suite.

Columns: anonymous | owner (employee, of the conversation) | colleague (same team) | stranger
(employee of another team) | curator (of the owner's team) | elsewhere (curator of another team) |
admin | auditor. Each object in an address is a real one of the owner's.
"""

COLUMNS = (
    *("anonymous", "owner", "colleague", "stranger", "curator", "elsewhere", "admin", "auditor"),
)

# Method and URL name, then the status that each column hears. There is no base model here, so the
# pages that need one send the admin back.
PAGES = """
GET  home                       302 302 302 302 302 302 302 302
GET  healthz                    200 200 200 200 200 200 200 200
GET  readyz                     503 503 503 503 503 503 503 503
GET  sign_in                    200 302 302 302 302 302 302 302
POST sign_out                   302 302 302 302 302 302 302 302
GET  overview                   302 403 403 403 200 200 200 403
GET  admin:index                302 302 302 302 302 302 200 302

GET  chat:home                  302 200 200 200 200 200 200 403
POST chat:ask                   302 302 302 302 302 302 302 403
GET  chat:conversation          302 200 404 404 404 404 404 403
POST chat:rename                302 302 404 404 404 404 404 403
POST chat:delete                302 302 404 404 404 404 404 403
GET  chat:answer                302 200 404 404 404 404 404 403
GET  chat:list                  302 200 200 200 200 200 200 403
POST chat:restore               302 404 404 404 404 404 404 403
POST chat:pin                   302 302 404 404 404 404 404 403
POST chat:archive_conversation  302 302 404 404 404 404 404 403
POST chat:label                 302 302 404 404 404 404 404 403
POST chat:export                302 200 404 404 404 404 404 403
POST chat:share                 302 302 404 404 404 404 404 403
GET  chat:shares                302 200 200 200 200 200 200 403
GET  chat:shared                302 200 200 200 200 200 200 403
POST chat:revoke                302 302 404 404 404 404 404 403
POST chat:attach_first          302 302 302 302 302 302 302 403
POST chat:attach                302 302 404 404 404 404 404 403
GET  chat:attachments           302 200 404 404 404 404 404 403
POST chat:detach                302 404 404 404 404 404 404 403
GET  chat:thread                302 200 404 404 404 404 404 403
POST chat:show                  302 302 404 404 404 404 404 403
POST chat:go_on                 302 302 404 404 404 404 404 403
POST chat:again                 302 302 404 404 404 404 404 403
POST chat:stop                  302 302 404 404 404 404 404 403
POST chat:feedback              302 302 404 404 404 404 404 403
GET  chat:passage               302 200 404 404 404 404 404 403

GET  chat:traces                302 403 403 403 403 403 403 200
GET  chat:receipt               302 403 403 403 403 403 403 200
POST chat:verify                302 403 403 403 403 403 403 302
GET  chat:source                302 403 403 403 403 403 403 200
GET  chat:source_page           302 403 403 403 403 403 403 200
GET  audit:log                  302 403 403 403 403 403 403 200
POST audit:verify               302 403 403 403 403 403 403 200

GET  chat:experts               302 403 403 403 403 403 200 403
GET  chat:new_expert            302 403 403 403 403 403 200 403
GET  chat:expert                302 403 403 403 403 403 200 403
GET  chat:edit_expert           302 403 403 403 403 403 200 403
GET  chat:new_version           302 403 403 403 403 403 200 403
POST chat:promote               302 403 403 403 403 403 302 403
POST chat:try_version          302 403 403 403 403 403 302 403
POST chat:archive               302 403 403 403 403 403 302 403
GET  chat:adapters              302 403 403 403 403 403 200 403
GET  chat:adapter               302 403 403 403 403 403 200 403
GET  chat:import_adapter        302 403 403 403 403 403 200 403
POST chat:import_adapter        302 403 403 403 403 403 422 403
POST chat:adapter_data         302 403 403 403 403 403 302 403
POST chat:export_adapter        302 403 403 403 403 403 200 403
POST chat:retire_adapter        302 403 403 403 403 403 302 403

GET  knowledge:documents        302 403 403 403 200 200 200 403
POST knowledge:bulk             302 403 403 403 302 302 302 403
POST knowledge:upload           302 403 403 403 302 302 302 403
GET  knowledge:archive          302 403 403 403 200 404 200 403
POST knowledge:cancel_archive   302 403 403 403 302 404 302 403
GET  knowledge:document         302 403 403 403 200 404 200 403
POST knowledge:new_version      302 403 403 403 302 404 302 403
POST knowledge:trash            302 403 403 403 302 404 302 403
POST knowledge:restore          302 403 403 403 302 404 302 403
POST knowledge:retry            302 403 403 403 302 404 302 403
POST knowledge:cancel           302 403 403 403 302 404 302 403
GET  knowledge:search_tests     302 403 403 403 200 200 200 403
POST knowledge:search_tests     302 403 403 403 302 302 302 403
GET  knowledge:search_test      302 403 403 403 200 404 404 403
GET  knowledge:chunk            302 403 403 403 200 404 200 403
POST knowledge:switch_chunk     302 403 403 403 302 404 302 403
POST knowledge:put_first        302 403 403 403 302 404 302 403
POST knowledge:pause_queue      302 403 403 403 403 403 302 403
POST knowledge:resume_queue     302 403 403 403 403 403 302 403
GET  knowledge:details          302 403 403 403 200 404 200 403
GET  knowledge:changes          302 403 403 403 200 404 200 403
POST knowledge:read_again       302 403 403 403 302 404 302 403
GET  knowledge:remove           302 403 403 403 200 404 200 403
GET  knowledge:collections      302 403 403 403 200 200 200 403
GET  knowledge:new_collection   302 403 403 403 403 403 200 403
GET  knowledge:collection       302 403 403 403 200 404 200 403
GET  knowledge:trash_collection    302 403 403 403 403 403 200 403
POST knowledge:trash_collection    302 403 403 403 403 403 302 403
POST knowledge:restore_collection  302 403 403 403 403 403 302 403
GET  knowledge:remove_collection   302 403 403 403 403 403 200 403
POST knowledge:remove_collection   302 403 403 403 403 403 302 403
GET  knowledge:encoders         302 403 403 403 403 403 200 403
POST knowledge:switch_encoder   302 403 403 403 403 403 302 403
POST knowledge:roll_back        302 403 403 403 403 403 302 403
POST knowledge:forget_encoder   302 403 403 403 403 403 302 403
POST knowledge:pause_switch     302 403 403 403 403 403 302 403
POST knowledge:resume_switch    302 403 403 403 403 403 302 403
POST knowledge:give_up_switch   302 403 403 403 403 403 302 403
GET  knowledge:version          302 200 200 404 200 404 200 404
GET  knowledge:original         302 200 200 404 200 404 200 404
GET  knowledge:page_image       302 200 200 404 200 404 200 404

GET  training:datasets          302 403 403 403 403 403 200 403
GET  training:from_documents    302 403 403 403 403 403 200 403
POST training:from_feedback     302 403 403 403 403 403 302 403
GET  training:columns           302 403 403 403 403 403 200 403
POST training:discard_upload    302 403 403 403 403 403 302 403
POST training:leaks             302 403 403 403 403 403 200 403
GET  training:dataset           302 403 403 403 403 403 200 403
GET  training:example           302 403 403 403 403 403 200 403
GET  training:edit_example      302 403 403 403 403 403 200 403
POST training:review            302 403 403 403 403 403 302 403
POST training:revise            302 403 403 403 403 403 302 403
GET  training:runs              302 403 403 403 403 403 200 403
GET  training:new_run           302 403 403 403 403 403 302 403
GET  training:compare           302 403 403 403 403 403 200 403
GET  training:run               302 403 403 403 403 403 200 403
POST training:cancel_run        302 403 403 403 403 403 302 403
POST training:resume_run        302 403 403 403 403 403 302 403

GET  api-1:openapi-json         401 200 200 200 200 200 200 200
GET  api-1:api-root             404 404 404 404 404 404 404 404
"""

# Method and path of each operation of the API.
API = """
GET    api/experts                           401 200 200 200 200 200 200 403
GET    api/conversations                     401 200 200 200 200 200 200 403
GET    api/conversations/<uuidstr:conversation_id>  401 200 404 404 404 404 404 403
GET    api/conversations/search              401 200 200 200 200 200 200 403
PATCH  api/conversations/<uuidstr:conversation_id>  401 200 404 404 404 404 404 403
POST   api/conversations/<uuidstr:conversation_id>/restore  401 404 404 404 404 404 404 403
GET    api/conversations/<uuidstr:conversation_id>/attachments  401 200 404 404 404 404 404 403
POST   api/conversations/<uuidstr:conversation_id>/attachments  401 202 404 404 404 404 404 403
DELETE api/attachments/<uuidstr:document_id>  401 404 404 404 404 404 404 403
POST   api/conversations/<uuidstr:conversation_id>/export  401 200 404 404 404 404 404 403
POST   api/conversations/<uuidstr:conversation_id>/shares  401 201 404 404 404 404 404 403
GET    api/shares                            401 200 200 200 200 200 200 403
DELETE api/shares/<uuidstr:share_id>         401 204 404 404 404 404 404 403
DELETE api/conversations/<uuidstr:conversation_id>  401 204 404 404 404 404 404 403
POST   api/questions                         401 202 202 404 202 404 202 403
GET    api/answers/<uuidstr:answer_id>       401 200 404 404 404 404 404 403
POST   api/answers/<uuidstr:answer_id>/again 401 202 404 404 404 404 404 403
POST   api/answers/<uuidstr:answer_id>/continue  401 409 404 404 404 404 404 403
POST   api/answers/<uuidstr:answer_id>/show  401 204 404 404 404 404 404 403
POST   api/answers/<uuidstr:answer_id>/stop  401 202 404 404 404 404 404 403
PUT    api/answers/<uuidstr:answer_id>/feedback  401 200 404 404 404 404 404 403

GET    api/collections                       401 200 200 200 200 200 200 200
DELETE api/collections/<uuidstr:collection_id>             401 403 403 403 403 403 204 403
GET    api/collections/<uuidstr:collection_id>/dependents  401 403 403 403 403 403 200 403
POST   api/collections/<uuidstr:collection_id>/restore     401 403 403 403 403 403 409 403
POST   api/collections/<uuidstr:collection_id>/purge       401 403 403 403 403 403 409 403
GET    api/documents                         401 200 200 200 200 200 200 200
POST   api/documents                         401 403 403 403 201 404 201 403
GET    api/documents/<uuidstr:document_id>   401 200 200 404 200 404 200 404
DELETE api/documents/<uuidstr:document_id>   401 403 403 403 204 404 204 403
GET    api/queue                             401 403 403 403 200 200 200 403
POST   api/queue/pause                       401 403 403 403 403 403 200 403
POST   api/queue/resume                      401 403 403 403 403 403 409 403
GET    api/versions/<uuidstr:version_id>     401 200 200 404 200 404 200 404
GET    api/versions/<uuidstr:version_id>/chunks  401 200 200 404 200 404 200 404
PATCH  api/chunks/<uuidstr:chunk_id>         401 403 403 403 200 404 200 403
POST   api/versions/<uuidstr:version_id>/first   401 403 403 403 409 404 409 403
PATCH  api/documents/<uuidstr:document_id>   401 403 403 403 200 404 200 403
GET    api/documents/<uuidstr:document_id>/changes     401 200 200 404 200 404 200 404
GET    api/documents/<uuidstr:document_id>/dependents  401 403 403 403 200 404 200 403
POST   api/documents/<uuidstr:document_id>/restore     401 403 403 403 409 404 409 403
POST   api/documents/<uuidstr:document_id>/purge       401 403 403 403 409 404 409 403
POST   api/versions/<uuidstr:version_id>/retry   401 403 403 403 409 404 409 403
POST   api/versions/<uuidstr:version_id>/cancel  401 403 403 403 409 404 409 403

GET    api/datasets                          401 403 403 403 403 403 200 403
POST   api/datasets                          401 403 403 403 403 403 201 403
GET    api/datasets/<uuidstr:dataset_id>     401 403 403 403 403 403 200 403
POST   api/datasets/from-documents           401 403 403 403 403 403 201 403
POST   api/datasets/from-feedback            401 403 403 403 403 403 422 403
GET    api/datasets/<uuidstr:dataset_id>/examples  401 403 403 403 403 403 200 403
PATCH  api/datasets/<uuidstr:dataset_id>/examples/<int:line>  401 403 403 403 403 403 409 403
POST   api/datasets/<uuidstr:dataset_id>/review  401 403 403 403 403 403 409 403
POST   api/datasets/<uuidstr:dataset_id>/revise  401 403 403 403 403 403 201 403
POST   api/datasets/<uuidstr:dataset_id>/leaks  401 403 403 403 403 403 200 403
GET    api/runs                              401 403 403 403 403 403 200 403
POST   api/runs                              401 403 403 403 403 403 422 403
GET    api/runs/<uuidstr:run_id>             401 403 403 403 403 403 200 403
GET    api/runs/<uuidstr:run_id>/metrics     401 403 403 403 403 403 200 403
POST   api/runs/<uuidstr:run_id>/cancel      401 403 403 403 403 403 200 403
POST   api/runs/<uuidstr:run_id>/resume      401 403 403 403 403 403 422 403
"""

# Path of each websocket; 101 is open, 4401 the code it is closed with.
SOCKETS = """
WS   ws/chat/                   4401 101 101 101 101 101 101 4401
"""

# The only functions that a job may name; each takes ids and does nothing for an unknown one.
JOBS = """
knowledge.tasks.ingest_version
knowledge.tasks.unpack_archive
knowledge.tasks.embed_version
knowledge.tasks.explain_search
knowledge.tasks.switch_encoder
training.tasks.count_dataset
training.tasks.execute_run
training.tasks.make_dataset
"""

# What a request brings along: a form for pages, JSON for operations, parts where there is a file.
# `{name}` stands for an id of the owner's.
SENT = {
    "chat:rename": {"title": "Seals"},
    "chat:feedback": {"thumb": "up"},
    "knowledge:search_tests": {"question": "Which kit?", "limit": "4"},
    "knowledge:trash_collection": {"name": "Service documents"},
    "chat:promote": {"version": "1"},
    "chat:try_version": {"version": "1"},
    "POST api/questions": {
        "client_id": "00000000-0000-4000-8000-000000000001",
        "expert": "{expert_id}",
        "question": "Which kit?",
    },
    "PUT api/answers/<uuidstr:answer_id>/feedback": {"thumb": "up"},
    "training:from_feedback": {"name": "Rated"},
    "POST api/datasets/from-feedback": {"name": "Rated"},
    "POST api/datasets/from-documents": {"name": "Made", "collections": ["{collection_id}"]},
    "training:review": {"decision": "accepted", "line": "1"},
    "PATCH api/datasets/<uuidstr:dataset_id>/examples/<int:line>": {"contents": ["Q?", "A."]},
    "POST api/datasets/<uuidstr:dataset_id>/review": {"decision": "accepted"},
    "training:leaks": {"questions": "Which kit?"},
    "POST api/datasets/<uuidstr:dataset_id>/leaks": {"questions": ["Which kit?"]},
    "POST api/runs": {"dataset": "{dataset_id}", "name": "Again"},
}
SENT_WITH_FILE = {
    "POST api/documents": {"collection": "{collection_id}", "file": "pump.md"},
    "POST api/datasets": {"name": "More terms", "file": "more.jsonl"},
    "POST api/conversations/<uuidstr:conversation_id>/attachments": {"file": "pump.md"},
}


def rows(text):
    """(method, door) -> {column: expected}, in the order of the table."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return {
        (method, door): dict(zip(COLUMNS, map(int, statuses), strict=True))
        for method, door, *statuses in lines
    }
