"""GitHub's and GitLab's comments of one request, served on the loopback."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

GITHUB = "/repos/owner/name/issues/7/comments"
GITLAB = "/projects/group%2Fname/merge_requests/7/notes"


class CodeReview:
    """Keeps comments; those of others may not be changed."""

    def __init__(self):
        self.comments = []
        self.requests = []
        self.refuses_with = None
        review = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                query = parse_qs(urlsplit(self.path).query)
                size, page = int(query["per_page"][0]), int(query["page"][0])
                review.answer(self, review.comments[(page - 1) * size : page * size])

            def do_POST(self):
                review.answer(self, review.add(self.text()))

            def do_PATCH(self):
                place = re.search(r"/(\d+)$", self.path)[1]
                (found,) = (c for c in review.comments if c["id"] == int(place))
                if found["others"]:
                    self.send_error(403)
                    return
                found["body"] = self.text()
                review.answer(self, found)

            do_PUT = do_PATCH

            def text(self):
                size = int(self.headers["Content-Length"])
                return json.loads(self.rfile.read(size))["body"]

            def log_message(self, *words):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, body, *, others=False):
        number = len(self.comments) + 1
        address = f"https://example.org/7#{number}"
        self.comments.append(
            {"id": number, "body": body, "html_url": address, "others": others}
        )
        return self.comments[-1]

    def answer(self, handler, what):
        self.requests.append((handler.command, handler.path, handler.headers))
        if self.refuses_with:
            handler.send_response(self.refuses_with)
            handler.send_header("Location", f"{self.url}{GITHUB}?per_page=1&page=2")
            handler.end_headers()
            return
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(json.dumps(what).encode())
