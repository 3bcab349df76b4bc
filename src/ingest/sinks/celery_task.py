"""A Celery task of the operator's, on a broker of his: called by name, one message to a call.

Source: Celery, "Calling Tasks" (send_task).
"""

from __future__ import annotations

from celery import Celery

from ingest.broker.broker import Broker
from ingest.broker.line import bell_line, broker_errors
from ingest.broker.options import BELL_S
from ingest.core.errors import Unavailable
from ingest.sinks.message import SinkMessage


class CeleryTask:
    """A task's name and the queue that its workers read; the queue's name is taken as it is."""

    def __init__(self, broker: Broker, task: str, queue: str) -> None:
        """Raises `BadSettings` for a broker that no driver takes; contacts none."""
        self._line = bell_line(broker)
        self._task, self._queue = task, queue
        self._app = Celery("ingest-sinks", set_as_current=False)
        self._app.conf.update(task_serializer="json", task_ignore_result=True)

    def send(self, message: SinkMessage) -> None:
        """Publish a call whose one argument is the message, whose id is the message's.

        Raises `Unavailable` where the broker does not take it.
        """
        try:
            self._app.send_task(
                self._task,
                args=[message.as_json()],
                task_id=message.id,
                queue=self._queue,
                producer=self._line.Producer(),
                retry=False,
                timeout=BELL_S,
                confirm_timeout=BELL_S,
            )
        except broker_errors(self._line) as error:
            said = f"the broker does not take it: {type(error).__name__}"
            raise Unavailable(said) from None

    def close(self) -> None:
        """Close the line to the broker."""
        self._line.release()
        self._app.close()
