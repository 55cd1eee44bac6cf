"""Phones as devicectl lists them, in each layout of its JSON."""

from refused import CORE_DEVICE, Refused
from state import MARK, peek


def check_reachable(udid):
    found = next((x for x in peek()["phones"] if x["udid"] == udid), None)
    if found is None or found["reach"] == "unavailable":
        raise Refused(
            CORE_DEVICE, 1000, f"The specified device was not found. (Name: {udid})"
        )


def phone(item, version):
    """One phone, in the old layout, the new one, or both as version 5 has them."""
    hardware = {
        "deviceType": item.get("kind", "iPhone"),
        "marketingName": item["marketing"],
        "platform": item.get("platform", "iOS"),
        "productType": item["product"],
        "reality": item.get("reality", "physical"),
        "udid": item["udid"],
        "cpuType": {"name": "arm64e", "subType": 2, "type": 16777228},
    }
    entry = {
        MARK: True,
        "capabilities": [],
        "identifier": f"00000000-{item['udid'][:4]}-0000-0000-000000000000",
        "visibilityClass": "default",
    }
    old = {
        "connectionProperties": {
            "pairingState": item["pairing"],
            "transportType": item["transport"],
            "tunnelState": item["reach"],
        },
        "deviceProperties": {
            "name": item["name"],
            "osBuildUpdate": item["build"],
            "osVersionNumber": item["os"],
            "developerModeStatus": item["mode"],
            "ddiServicesAvailable": item["reach"] == "connected",
        },
        "hardwareProperties": hardware,
        "tags": [],
    }
    new = {
        "properties": {
            "connection": {
                "pairingState": item["pairing"],
                "state": item["reach"],
                "transportType": item["transport"],
            },
            "hardware": hardware,
            "software": {
                "osBuildVersions": {"buildVersion": {"name": item["build"]}},
                "osVersionNumber": {"stringValue": item["os"]},
            },
            "state": {
                "bootState": "booted",
                "developerModeStatus": {item["mode"]: {}},
                "name": item["name"],
            },
        }
    }
    if version < 5:
        return entry | old
    return entry | new | ({} if version > 5 else old)
