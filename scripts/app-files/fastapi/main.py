"""An order book: JSON and forms that are checked, uploads, streams and a WebSocket, as FastAPI does them."""
import asyncio
import os
import sys
from pathlib import Path

from fastapi import APIRouter, FastAPI, File, Form, Request, UploadFile, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel, Field

ROOT = Path(__file__).resolve().parent
# uvicorn gets the whole path: below a prefix, every address of the application begins with it.
PREFIX = os.environ.get("PASSENGER_BASE_URI", "") if "uvicorn" in sys.modules else ""

router = APIRouter(prefix=PREFIX)
orders = {}
state = {"started": False}


class Order(BaseModel):
    item: str = Field(min_length=2)
    count: int = Field(gt=0)


@router.get("/")
async def index():
    return {"orders": list(orders.values()), "started": state["started"]}


@router.post("/orders", status_code=201)
async def order(wanted: Order):
    orders[len(orders) + 1] = wanted
    return {"number": len(orders), "item": wanted.item, "count": wanted.count}


@router.post("/forms")
async def form(request: Request, item: str = Form(...), count: int = Form(...)):
    orders[len(orders) + 1] = Order(item=item, count=count)
    return RedirectResponse(request.url_for("index"), status_code=303)


@router.post("/files")
async def upload(file: UploadFile = File(...)):
    size = 0
    with open(ROOT / "tmp/upload", "wb") as target:
        while part := await file.read(65536):
            target.write(part)
            size += len(part)
    return {"name": file.filename, "size": size}


@router.get("/files")
async def download():
    return FileResponse(ROOT / "tmp/upload", filename="order.txt")


@router.get("/facts")
async def facts(request: Request):
    return {
        "path": request.url.path,
        "secure": request.url.scheme == "https",
        "client": request.client.host if request.client else None,
        "link": str(request.url_for("index")),
        "pid": os.getpid(),
    }


@router.get("/stream")
async def stream():
    """The second part comes once the file tmp/go is there."""
    async def parts():
        yield b"first\n"
        for _ in range(2000):
            if (ROOT / "tmp/go").exists():
                break
            await asyncio.sleep(0.01)
        yield b"last\n"
    return StreamingResponse(parts(), media_type="text/plain")


@router.get("/fail")
async def fail():
    raise RuntimeError("this page always fails")


@router.websocket("/echo")
async def echo(socket: WebSocket):
    await socket.accept()
    try:
        while True:
            await socket.send_text("echo " + await socket.receive_text())
    except WebSocketDisconnect as gone:
        print(f"the client left with {gone.code}", flush=True)


app = FastAPI(docs_url=PREFIX + "/docs", openapi_url=PREFIX + "/openapi.json")
app.include_router(router)


@app.on_event("startup")
async def start():
    state["started"] = True


@app.on_event("shutdown")
async def stop():
    print("the order book is closed", flush=True)
