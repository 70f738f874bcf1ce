#!/usr/bin/env python3
"""A hub on this machine that misbehaves on demand: hub_server.py FOLDER.

FOLDER/repo/OWNER/NAME/... are the repositories. Files of more than 1000 bytes count as large: they
are served by redirect from a second server (another origin), as the public hub does. FOLDER/port
gets the port once it listens. FOLDER/plan holds one fault per line; each request for a file's bytes
(at the end of its redirects) takes the first line. FOLDER/log gets a line of JSON per request.

Faults: ok, cut:N (N bytes, then the connection ends), stall:N (N bytes, then nothing), drip (a byte
a second), short:N (states and sends N bytes fewer), long:N (states N bytes more than it sends),
wrong (one byte differs), status:CODE, busy:SECONDS (429 with Retry-After), norange (ignores the
range), etag:TEXT (another version's name), endless (bytes without end or length), slow (like ok, 20
pieces in 4 seconds). FOLDER/listing, if there, replaces the answer of the API; a plan line that
begins with "api-" (api-status:500, api-endless) is taken by API requests.
"""
import hashlib
import json
import pathlib
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGE = 1000
COMMIT = "c" * 40


class Hub:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.lock = threading.Lock()
        self.ports = []

    def take_fault(self, api):
        plan = self.folder / "plan"
        with self.lock:
            lines = plan.read_text().split() if plan.exists() else []
            for index, line in enumerate(lines):
                if line.startswith("api-") == api:
                    plan.write_text("\n".join(lines[:index] + lines[index + 1:]))
                    return line.removeprefix("api-").partition(":")[::2]
        return "ok", ""

    def note(self, **entry):
        with self.lock, open(self.folder / "log", "a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def repository(self, name):
        return self.folder / "repo" / name


def digest_of(data):
    return hashlib.sha256(data).hexdigest()


def blob_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def listing(folder):
    siblings = []
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        data = path.read_bytes()
        entry = {"rfilename": str(path.relative_to(folder)), "size": len(data),
                 "blobId": blob_id(data)}
        if len(data) > LARGE:
            entry["lfs"] = {"sha256": digest_of(data), "size": len(data), "pointerSize": 134}
        siblings.append(entry)
    return {"id": str(folder), "sha": COMMIT, "siblings": siblings}


class Handler(BaseHTTPRequestHandler):
    hub = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.hub.note(port=self.server.server_port, path=self.path,
                      range=self.headers.get("Range"),
                      authorization=self.headers.get("Authorization"))
        try:
            if self.path.startswith("/api/models/"):
                self.api()
            else:
                self.file()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def api(self):
        fault, argument = self.hub.take_fault(api=True)
        if fault == "status":
            return self.answer(int(argument))
        if fault == "endless":
            return self.endless()
        name = "/".join(self.path.split("/")[3:5])
        folder = self.hub.repository(name)
        if name.startswith("gated/"):
            return self.answer(403, X_Error_Code="GatedRepo", X_Error_Message="ask for access")
        if not folder.is_dir():
            return self.answer(401, X_Error_Code="RepoNotFound")
        if "/revision/main?" not in self.path:
            return self.answer(404, X_Error_Code="RevisionNotFound")
        override = self.hub.folder / "listing"
        body = override.read_bytes() if override.exists() else json.dumps(listing(folder)).encode()
        return self.answer(200, body, Content_Type="application/json")

    def file(self):
        owner, name, verb, _, *rest = self.path.strip("/").split("/")
        path = self.hub.repository(owner + "/" + name) / "/".join(rest).replace("%20", " ")
        if not path.is_file():
            return self.answer(404, X_Error_Code="EntryNotFound")
        data = path.read_bytes()
        if verb == "resolve" and len(data) > LARGE:
            location = f"http://127.0.0.1:{self.hub.ports[1]}" + self.path.replace(
                "/resolve/", "/cdn/", 1)
            return self.answer(302, b"see elsewhere", Location=location,
                               X_Linked_Etag=f'"{digest_of(data)}"', X_Linked_Size=len(data))
        return self.content(data)

    def endless(self):
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(b"x" * 65536)

    def content(self, data):
        fault, argument = self.hub.take_fault(api=False)
        if fault == "status":
            return self.answer(int(argument))
        if fault == "busy":
            return self.answer(429, Retry_After=argument)
        if fault == "endless":
            return self.endless()
        etag, first = digest_of(data), 0
        asked = self.headers.get("Range")
        if asked and fault != "norange":
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            if first >= len(data):
                return self.answer(416, Content_Range=f"bytes */{len(data)}")
        if fault == "wrong":
            middle = (first + len(data)) // 2
            data = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]
        body = data[first:]
        stated = len(body)
        if fault == "short":
            body = body[:-int(argument)]
            stated = len(body)
        if fault == "long":
            stated += int(argument)
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(stated))
        self.send_header("ETag", f'"{argument if fault == "etag" else etag}"')
        self.end_headers()
        self.send_body(fault, argument, body)
        if fault in ("cut", "stall", "drip", "long"):
            self.close_connection = True

    def send_body(self, fault, argument, body):
        if fault == "drip":
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(1)
        elif fault in ("cut", "stall"):
            self.wfile.write(body[:int(argument)])
            self.wfile.flush()
            if fault == "stall":
                time.sleep(30)
        elif fault == "slow":
            step = max(1, len(body) // 20)
            for begin in range(0, len(body), step):
                self.wfile.write(body[begin:begin + step])
                time.sleep(0.2)
        else:
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that left


def main():
    hub = Hub(sys.argv[1])
    Handler.hub = hub
    servers = [Server(("127.0.0.1", 0), Handler) for _ in range(2)]
    hub.ports = [server.server_port for server in servers]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    (hub.folder / "port.new").write_text(str(hub.ports[0]))
    (hub.folder / "port.new").rename(hub.folder / "port")
    sys.stdin.read()  # ends with whoever started it


if __name__ == "__main__":
    main()
