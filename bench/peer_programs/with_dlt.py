"""dlt: the texts as a resource that is merged by its key into PostgreSQL. It cuts no chunks."""

from __future__ import annotations

import os
from collections.abc import Callable

import dlt

from bench.peer_programs.loading import Text, counted, run

DATASET = "loaded"


def load(database_url: str, texts: list[Text]) -> Callable[[], tuple[int, int]]:
    """One run of a pipeline: extract, normalize, load, as its tutorial has it."""
    pipeline = dlt.pipeline(
        pipeline_name="peers",
        pipelines_dir=os.environ["PEER_DIRECTORY"],
        destination=dlt.destinations.postgres(database_url),
        dataset_name=DATASET,
    )
    rows = [{"id": one.id, "text": one.text} for one in texts]
    resource = dlt.resource(rows, name="documents", primary_key="id", write_disposition="merge")
    pipeline.run(resource).raise_on_failed_jobs()
    return lambda: (counted(database_url, f"SELECT count(*) FROM {DATASET}.documents"), 0)


if __name__ == "__main__":
    run(load)
