"""DeviceFarmer's REST API on the loopback, with phones that a test gives it.

What it is asked and what it answers is checked by the published API; what a phone's
owner may do is as in DeviceFarmer's controllers.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.standins.stf_api import check_answer, check_request, operation_of

TOKEN = "a-token"


class Stf:
    """Phones by serial, each with its owner; and what was asked."""

    def __init__(self):
        self.phones = {}
        self.requests = []
        self.wrong = []
        """What is not as the API says, of requests and of answers."""
        self.is_too_late = False
        """Whether who asks for a phone finds it taken, by the same user elsewhere."""
        stf = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                place = urlsplit(self.path)
                parts = [unquote(x) for x in place.path.split("/")]
                assert parts[:3] == ["", "api", "v1"]
                query = dict(parse_qsl(place.query))
                try:
                    status, words = self.checked(parts[3:], query, body)
                except (KeyError, ValueError) as error:
                    stf.wrong.append(f"{self.command} {self.path}: {error!r}")
                    status, words = 500, {}
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(words).encode())

            def checked(self, parts, query, body):
                operation = operation_of(self.command, parts)
                check_request(operation, set(query), body)
                stf.requests.append((self.command, parts, body))
                is_known = self.headers["Authorization"] == f"Bearer {TOKEN}"
                status, words = (
                    stf.respond(self.command, parts, query, body)
                    if is_known
                    else (401, {})
                )
                words = {"success": status == 200, "description": "", **words}
                check_answer(operation, status, words)
                return status, words

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *words):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        url = f"http://127.0.0.1:{self._server.server_port}"
        self.environment = {"STF_URL": url, "STF_TOKEN": TOKEN}

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def offers(self, serial, address, *, model="Pixel 8", owner=None):
        self.phones[serial] = {"model": model, "address": address, "owner": owner}

    def owner(self, serial):
        return self.phones[serial]["owner"]

    def respond(self, method, parts, query, body):
        if (method, parts) == ("GET", ["devices"]):
            shown = [_shown(*item, query["fields"]) for item in self.phones.items()]
            return 200, {"devices": shown}
        if (method, parts) == ("POST", ["user", "devices"]):
            phone = self.phones.get(body["serial"])
            if phone is None or phone["owner"]:
                return (403 if phone else 404), {}
            phone["owner"] = "us"
            return (403 if self.is_too_late else 200), {}
        phone = self.phones.get(parts[2])
        if phone is None or phone["owner"] != "us":
            return (403 if phone else 404), {}
        if parts[3:] == ["remoteConnect"]:
            if method == "POST":
                return 200, {"remoteConnectUrl": phone["address"]}
            return 200, {}
        if method == "DELETE":
            phone["owner"] = None
            return 200, {}
        return 200, {"device": _shown(parts[2], phone, query["fields"])}


def _shown(serial, phone, fields):
    """What the API shows of a phone: the fields that were asked for."""
    name = phone["owner"]
    device = {
        "serial": serial,
        "model": phone["model"],
        "marketName": phone["model"],
        "manufacturer": "GOOGLE",
        "present": True,
        "ready": True,
        "using": name == "us",
        "owner": name and {"name": name, "email": f"{name.replace(' ', '-')}@lab"},
    }
    return {name: device[name] for name in fields.split(",")}
