"""The receiver as a small Python program: verify the signature, read the event, record it in Temporal, answer."""

import hashlib
import hmac
import logging
import os
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError
from temporalio.client import Client


class Commit(BaseModel):
    hash: str


class Run(BaseModel):
    id: str
    branch: str
    type: str
    triggeredBy: str | None = None
    commit: Commit


class Stack(BaseModel):
    id: str
    name: str


class Event(BaseModel):
    account: str
    state: str
    stateVersion: int
    timestamp: int
    run: Run
    stack: Stack


SECRET = os.environ["WEBHOOK_SECRET"].encode()
log = logging.getLogger("receiver")


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.temporal = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/webhook")
async def webhook(request: Request) -> Response:
    body = await request.body()
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("x-signature-256", "")):
        return Response(status_code=401)
    try:
        event = Event.model_validate_json(body)
    except ValidationError:
        return Response(status_code=422)
    workflow_id = f"run:{event.account}:{event.run.id}"
    data = event.model_dump()
    handle = await request.app.state.temporal.start_workflow(
        "SpaceliftWebhookWorkflow",
        data,
        id=workflow_id,
        task_queue="spacelift-task-queue",
        start_signal="record_event",
        start_signal_args=[data],
    )
    log.info("accepted %s %s", workflow_id, event.state)
    return JSONResponse(
        {"result": "accepted", "workflow_id": workflow_id, "workflow_run_id": handle.first_execution_run_id},
        status_code=202,
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), loop="uvloop", access_log=False)
