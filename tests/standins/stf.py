"""DeviceFarmer's REST API on the loopback, with phones that a test gives it.

After lib/units/api/swagger/api_v1.yaml of DeviceFarmer/stf; what a phone's owner may
do and the statuses are those of its controllers.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "a-token"


class Stf:
    """Phones by serial, each with its owner; and what was asked."""

    def __init__(self):
        self.phones = {}
        self.requests = []
        self.is_too_late = False
        """Whether who asks for a phone finds it taken, by the same user elsewhere."""
        stf = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size) or "{}")
                parts = [unquote(x) for x in urlsplit(self.path).path.split("/")]
                stf.requests.append((self.command, parts[3:], body))
                is_known = self.headers["Authorization"] == f"Bearer {TOKEN}"
                status, words = (
                    stf.respond(self.command, parts[3:], body)
                    if is_known and parts[:3] == ["", "api", "v1"]
                    else (401, {})
                )
                self.send_response(status)
                self.end_headers()
                words = {"success": status == 200, "description": "", **words}
                self.wfile.write(json.dumps(words).encode())

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
        self.phones[serial] = {
            "serial": serial,
            "model": model,
            "present": True,
            "ready": True,
            "address": address,
            "owner": owner,
        }

    def owner(self, serial):
        return self.phones[serial]["owner"]

    def respond(self, method, parts, body):
        if (method, parts) == ("GET", ["devices"]):
            shown = ({**x, "using": x["owner"] == "us"} for x in self.phones.values())
            return 200, {"devices": list(shown)}
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
        return 200, {"device": {"serial": phone["serial"]}}
