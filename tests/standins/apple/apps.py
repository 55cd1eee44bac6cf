"""Apps on a phone and the files in their containers."""

import plistlib
import shutil
import uuid

from refused import CORE_DEVICE, Refused, lost
from state import ROOT, fault


def installed(udid):
    folder = ROOT / "phones" / udid / "apps"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def app_entry(udid, folder):
    return {
        "bundleIdentifier": folder.name,
        "name": folder.name,
        "url": (folder / "url").read_text(),
    }


def install(udid, app):
    what = fault("install", udid)
    if what == "disk full":
        raise Refused(
            CORE_DEVICE,
            3002,
            "Failed to install the app on the device.",
            Refused("NSPOSIXErrorDomain", 28, "No space left on device"),
        )
    if what == "not signed":
        raise Refused(
            CORE_DEVICE,
            3002,
            "Failed to install the app on the device.",
            Refused(
                "MIInstallerErrorDomain",
                13,
                "A valid provisioning profile for this "
                "executable was not found. 0xe8008015",
            ),
        )
    if what == "developer mode":
        raise Refused(CORE_DEVICE, 10005, "Developer Mode is disabled on the device.")
    facts = plistlib.loads((app / "Info.plist").read_bytes())
    folder = ROOT / "phones" / udid / "apps" / facts["CFBundleIdentifier"]
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(app, folder / app.name)
    url = (
        f"file:///private/var/containers/Bundle/Application/{uuid.uuid4()}/{app.name}/"
    )
    (folder / "url").write_text(url)
    container(udid, folder.name).mkdir(parents=True, exist_ok=True)
    return {
        "installedApplications": [
            {"bundleID": facts["CFBundleIdentifier"], "installationURL": url}
        ]
    }, 0


def container(udid, bundle_id):
    return ROOT / "phones" / udid / "containers" / bundle_id / "Documents"


def copy_to(udid, options):
    what = fault("copy", udid)
    if what == "tunnel lost":
        raise lost()
    target = container(udid, options["--domain-identifier"]).parent
    shutil.copyfile(options["--source"], target / options["--destination"])
    if what == "garble":
        with (target / options["--destination"]).open("ab") as file:
            file.write(b"!")
    return {}, 0


def copy_from(udid, options):
    source = container(udid, options["--domain-identifier"]).parent
    try:
        shutil.copyfile(source / options["--source"], options["--destination"])
    except FileNotFoundError:
        raise Refused(CORE_DEVICE, 7000, "The specified file does not exist.") from None
    return {}, 0
