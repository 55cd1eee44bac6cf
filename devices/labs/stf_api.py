"""The part of DeviceFarmer's (STF) REST API that leases a phone.

See https://github.com/DeviceFarmer/stf: lib/units/api/swagger/api_v1.yaml.
"""

from __future__ import annotations

import os
import urllib.error
from typing import Any
from urllib.parse import quote

from pocketbench.bench.errors import ServiceError, UsageError
from pocketbench.bench.services.ask_json import ask_json

_FIELDS = "serial,model,marketName,manufacturer,present,ready,using,owner"
IDLE_MS = 30 * 60 * 1000
"""After so long without a command of adb, STF itself takes a phone back."""


class StfApi:
    """Asks one STF server with a user's access token."""

    def __init__(self, url: str, token: str) -> None:
        """Take the address that a browser shows, without its path."""
        self.url = url.rstrip("/")
        self._token = token

    def phones(self) -> list[dict[str, Any]]:
        """Every phone that the user may see."""
        found: list[dict[str, Any]] = self._ask("GET", f"devices?fields={_FIELDS}")[
            "devices"
        ]
        return found

    def take(self, serial: str) -> bool:
        """Reserve a phone; `False`: it is another's by now, or does not answer."""
        try:
            self._ask("POST", "user/devices", {"serial": serial, "timeout": IDLE_MS})
        except ServiceError as error:
            if error.status in (403, 404, 504):
                return False
            raise
        return True

    def connect(self, serial: str) -> str:
        """Have a reserved phone's adb served; gives its HOST:PORT."""
        answer = self._ask("POST", f"{_place(serial)}/remoteConnect")
        return str(answer["remoteConnectUrl"])

    def has(self, serial: str) -> bool:
        """Whether the user has a phone reserved."""
        try:
            self._ask("GET", f"{_place(serial)}?fields=serial")
        except ServiceError as error:
            if error.status in (403, 404):
                return False
            raise
        return True

    def release(self, serial: str) -> None:
        """Give a phone back; one that is not the user's any more is none of ours."""
        for path in (f"{_place(serial)}/remoteConnect", _place(serial)):
            try:
                self._ask("DELETE", path)
            except ServiceError as error:
                if error.status not in (403, 404):
                    raise

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask, and return what the answer's JSON says.

        Raises:
            ServiceError: STF refused, or cannot be reached.
        """
        try:
            return ask_json(
                f"{self.url}/api/v1/{path}",
                method=method,
                headers={"Authorization": f"Bearer {self._token}"},
                body=body,
            )
        except urllib.error.HTTPError as error:
            raise ServiceError(
                f"STF at {self.url}",
                f"refused ({error.code} {error.reason})",
                "Set STF_TOKEN to a valid access token: Settings > Keys in STF"
                if error.code == 401
                else "See the phone's page in STF, and try again",
                status=error.code,
            ) from error
        except (OSError, ValueError) as error:
            raise ServiceError(
                f"STF at {self.url}",
                f"cannot be reached ({error})",
                "Check STF_URL, as in https://stf.example.org",
            ) from error


def _place(serial: str) -> str:
    return f"user/devices/{quote(serial, safe='')}"


def api_from_environment() -> StfApi:
    """The server and the token of STF_URL and STF_TOKEN.

    Raises:
        UsageError: They are not set.
    """
    url, token = os.environ.get("STF_URL", ""), os.environ.get("STF_TOKEN", "")
    if not (url.startswith(("http://", "https://")) and token):
        raise UsageError(
            "--lab stf",
            "STF_URL and STF_TOKEN name no server and token",
            "Set STF_URL=https://HOST and STF_TOKEN (Settings > Keys in STF)",
        )
    return StfApi(url, token)
