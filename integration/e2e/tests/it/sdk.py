"""Bacalhau's own Python client: submits a job, waits, lists, and reads its result.

    sdk.py wasm CID | docker IMAGE

The node is named by BACALHAU_API_HOST and BACALHAU_API_PORT.
"""

import sys
import time

from bacalhau_apiclient.models.api_put_job_request import ApiPutJobRequest
from bacalhau_apiclient.models.job import Job
from bacalhau_apiclient.models.spec_config import SpecConfig
from bacalhau_apiclient.models.task import Task
from bacalhau_sdk.jobs import Jobs

WAIT_MAX_S = 60


def engine(kind, what):
    if kind == "docker":
        params = {"Image": what, "Entrypoint": ["/bin/sh"], "Parameters": ["-c", "echo sdk"]}
    else:
        params = {
            "EntryModule": "ipfs://" + what,
            "Entrypoint": "_start",
            "Parameters": ["print", "sdk"],
        }
    return SpecConfig(type=kind, params=params)


def main(kind, what):
    jobs = Jobs()
    task = Task(name="main", engine=engine(kind, what), publisher=SpecConfig(type="ipfs", params={}))
    job = Job(name="sdk-" + kind, type="batch", count=1, tasks=[task])
    put = jobs.put(ApiPutJobRequest(job=job))
    end = time.monotonic() + WAIT_MAX_S
    while True:
        state = jobs.get(put.job_id).job.state.state_type
        if state in ("Completed", "Failed", "Stopped") or time.monotonic() > end:
            break
        time.sleep(0.05)
    assert state == "Completed", state

    assert put.job_id in [job.id for job in jobs.list(limit=100).items]
    execution = jobs.executions(put.job_id).items[0]
    assert execution.run_output.stdout == "sdk\n", execution
    assert execution.run_output.exit_code == 0, execution
    assert jobs.history(put.job_id, event_type="all").items
    result = jobs.results(put.job_id).items[0]
    assert result.type == "ipfs", result
    print(result.params["CID"])


main(*sys.argv[1:])
