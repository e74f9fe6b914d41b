"""The door to the job queues: what may run, and how it gets into the queue. Imports none of ours.

JSON instead of pickle is no protection by itself, since a job names any importable function:
so a job runs only when its function stands in `settings.JOBS_ALLOWED`.
"""

import logging
import os
import socket
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import DuplicateJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import as_text
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from phi3site.valkey import client, prompt_client

INGESTION, TRAINING = "ingestion", "training"
QUEUES = (INGESTION, TRAINING)

# Many files of one request don't wait for a silent Valkey one by one.
NOT_ASKED_SECONDS = 5.0
_away = {"until": 0.0}

logger = logging.getLogger(__name__)


class ForbiddenJob(Exception):
    """A job names a function that is not on the list."""


class AllowListedJob(Job):
    """Resolves only functions on the list."""

    def _check(self) -> None:
        if self.func_name not in settings.JOBS_ALLOWED or self.instance is not None:
            raise ForbiddenJob(f"{self.func_name} may not run as a job")

    @property
    def func(self) -> Any:
        """The function to run, if it may."""
        self._check()
        return super().func


class AllowListedQueue(Queue):
    """A queue of allow-listed jobs."""

    job_class = AllowListedJob


def get_queue(name: str) -> AllowListedQueue:
    """The queue of that name, for those who can't wait; raises ValueError for an unknown one."""
    return _queue(name, prompt_client())


def _queue(name: str, connection: Redis) -> AllowListedQueue:
    if name not in QUEUES:
        raise ValueError(f"unknown queue {name!r}")
    return AllowListedQueue(
        name, connection=connection, serializer=JSONSerializer, job_class=AllowListedJob
    )


def get_worker(name: str) -> SimpleWorker:
    """A worker that runs its jobs in its own process: models stay loaded between jobs."""
    return SimpleWorker(
        [_queue(name, client())],
        connection=client(),
        serializer=JSONSerializer,
        job_class=AllowListedJob,
        queue_class=AllowListedQueue,
    )


def workers_of(queue: str) -> int:
    """How many workers listen to the queue and are alive.

    RQ's own objects are not made for it: they would raise the timeouts of the whole process.
    """
    valkey, known = prompt_client(), WORKERS_BY_QUEUE_KEY % queue
    workers = [valkey.hmget(key, "hostname", "pid") for key in valkey.smembers(known)]
    return sum(_is_alive(as_text(host), int(pid or 0)) for host, pid in workers if host)


def _is_alive(host: str, pid: int) -> bool:
    """RQ forgets a killed worker only after minutes; on this host its process tells at once."""
    if host != socket.gethostname() or not pid:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def stay_known(worker: SimpleWorker) -> None:
    """Enters a working worker again where Valkey was emptied and knows it no more."""
    was_known = worker.birth_date is not None
    if was_known and not client().sismember(worker.redis_workers_keys, worker.key):
        # A heartbeat may have left half an entry since.
        client().delete(worker.key)
        worker.register_birth()  # type: ignore[no-untyped-call]  # rq is partly untyped


def jobs_waiting(queue: str) -> int:
    """How many jobs nobody has begun."""
    return int(get_queue(queue).count)


def enqueue(
    task: str, *args: str, queue: str, job_id: str, timeout: int, is_urgent: bool = False
) -> None:
    """Queues a task once the surrounding transaction commits; the same id is queued only once.

    The row that the task works on is the record: when Valkey is away now, nothing is raised, and
    the reconciler of the app queues it again later.
    """
    if task not in settings.JOBS_ALLOWED:
        raise ForbiddenJob(f"{task} is not in JOBS_ALLOWED")
    transaction.on_commit(lambda: _enqueue(task, args, queue, job_id, timeout, is_urgent))


def _enqueue(
    task: str, args: tuple[str, ...], queue: str, job_id: str, timeout: int, is_urgent: bool
) -> None:
    if monotonic() < _away["until"]:
        return
    try:
        get_queue(queue).enqueue_call(
            task,
            args=args,
            job_id=job_id,
            timeout=timeout,
            # What a job made is in its row; its id is free again at once.
            result_ttl=0,
            failure_ttl=3600,
            unique=True,
            at_front=is_urgent,
        )
    except DuplicateJobError:
        logger.debug("job %s is queued already", job_id)
    except RedisError:
        _away["until"] = monotonic() + NOT_ASKED_SECONDS
        logger.warning("job %s could not be queued; the reconciler will", job_id)
