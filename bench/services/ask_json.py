"""One request to a service that answers with JSON."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

_TIMEOUT_S = 30


def ask_json(
    url: str, *, method: str, headers: Mapping[str, str], body: Any = None
) -> Any:
    """Ask, and return what the answer's JSON says.

    Args:
        url: The address, with its query.
        method: `GET`, `POST`, ...
        headers: With the token; a redirect is not followed, for it must not reach
            another host.
        body: Sent as JSON; `None`: nothing.

    Raises:
        urllib.error.HTTPError: The service refused.
        OSError: It cannot be reached.
        ValueError: It answers with something else than JSON.
    """
    sent = dict(headers)
    if body is not None:
        sent["Content-Type"] = "application/json"
    request = urllib.request.Request(
        url,
        method=method,
        headers=sent,
        data=None if body is None else json.dumps(body).encode(),
    )
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        error.close()
        raise


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
