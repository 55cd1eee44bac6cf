"""What of DeviceFarmer's published API pocketbench uses, to check both sides by.

Paths, parameters, fields and their types are those of
lib/units/api/swagger/api_v1.yaml (OpenAPI 3.0.1) of DeviceFarmer/stf.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType


class Owner(msgspec.Struct, forbid_unknown_fields=True):
    """Who uses a device."""

    email: str
    name: str
    group: str | UnsetType = UNSET


class Device(msgspec.Struct, forbid_unknown_fields=True):
    """A device, with those fields that were asked for."""

    serial: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    marketName: str | UnsetType = UNSET
    manufacturer: str | UnsetType = UNSET
    present: bool | UnsetType = UNSET
    ready: bool | UnsetType = UNSET
    using: bool | UnsetType = UNSET
    owner: Owner | UnsetType | None = UNSET


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """Also of everything that is refused."""

    success: bool
    description: str


class DeviceListAnswer(Answer):
    devices: list[Device] | UnsetType = UNSET


class DeviceAnswer(Answer, kw_only=True):
    device: Device


class RemoteConnectAnswer(Answer, kw_only=True):
    remoteConnectUrl: str


class AddUserDevice(msgspec.Struct, forbid_unknown_fields=True):
    serial: str
    timeout: int | UnsetType = UNSET


OPERATIONS: dict[tuple[str, str], tuple[frozenset[str], Any, Any]] = {
    ("GET", "devices"): (frozenset({"target", "fields"}), None, DeviceListAnswer),
    ("POST", "user/devices"): (frozenset(), AddUserDevice, Answer),
    ("GET", "user/devices/{serial}"): (frozenset({"fields"}), None, DeviceAnswer),
    ("DELETE", "user/devices/{serial}"): (frozenset(), None, Answer),
    ("POST", "user/devices/{serial}/remoteConnect"): (
        frozenset(),
        None,
        RemoteConnectAnswer,
    ),
    ("DELETE", "user/devices/{serial}/remoteConnect"): (frozenset(), None, Answer),
}
"""By method and path: parameters of the query, body of the request, answer of 200."""

REFUSALS = frozenset({401, 403, 404, 500, 504})
"""Statuses of which it says what they mean here."""


def operation_of(method: str, parts: list[str]) -> tuple[str, str]:
    """The method, and the path of which these are the parts.

    Raises:
        KeyError: The API has no such operation.
    """
    words = ["{serial}" if place == 2 else part for place, part in enumerate(parts)]
    found = (method, "/".join(words))
    if found not in OPERATIONS:
        raise KeyError(found)
    return found


def check_request(operation: tuple[str, str], query: set[str], body: Any) -> None:
    """Hold a request to the API.

    Raises:
        ValueError: It has a parameter or a field that the API does not have.
    """
    parameters, wanted, _ = OPERATIONS[operation]
    if unknown := query - parameters:
        raise ValueError(f"{operation} takes no {unknown}")
    if wanted is None and body is not None:
        raise ValueError(f"{operation} takes no body")
    if wanted is not None:
        msgspec.convert(body, wanted)


def check_answer(operation: tuple[str, str], status: int, answer: Any) -> None:
    """Hold an answer to the API.

    Raises:
        ValueError: It has a field that the API does not have, or lacks one.
    """
    if status != 200 and status not in REFUSALS:
        raise ValueError(f"{operation} does not answer {status}")
    msgspec.convert(answer, OPERATIONS[operation][2] if status == 200 else Answer)
