# ruff: noqa: T201
"""Stands in for xcodebuild and xcodegen: the products run on this computer."""

import json
import plistlib
import shutil
from pathlib import Path

from state import fault, peek, say


def xcodebuild(words):
    if words == ["-version"]:
        print("a stand-in for Xcode 16.0\nBuild version 0")
        return 0
    if fault("xcodebuild", None):
        print("PocketbenchApp.swift:1:1: error: unknown module 'UIKit'")
        print("** BUILD FAILED **")
        return 65
    settings = dict(
        word.split("=", 1)
        for word in words
        if word[:1] != "-" and "=" in word and word.split("=")[0].isupper()
    )
    scheme = words[words.index("-scheme") + 1]
    kind, _, engine = scheme.partition("-")
    if not Path("Pocketbench.xcodeproj").is_file():
        print("xcodebuild: error: 'Pocketbench.xcodeproj' does not exist.")
        return 66
    sdk = "iphoneos" if kind == "phone" else "iphonesimulator"
    derived = Path(words[words.index("-derivedDataPath") + 1])
    app = derived / "Build" / "Products" / f"Release-{sdk}" / f"{scheme}.app"
    app.mkdir(parents=True)
    measures = peek()["programs"][engine]
    if kind == "simulator":
        shutil.copy2(measures, app / scheme)
        return 0
    shutil.copy2(peek()["app"], app / scheme)
    (app / "measures-with").write_text(measures)
    (app / "settings.json").write_text(json.dumps(settings))
    bundle_id = f"{settings['POCKETBENCH_BUNDLE_ID']}.{engine}"
    (app / "Info.plist").write_bytes(
        plistlib.dumps({"CFBundleIdentifier": bundle_id, "CFBundleExecutable": scheme})
    )
    return 0


def xcodegen(words):
    for name in ("project.yml", "bridge.mm", "PocketbenchApp.swift"):
        if not Path(name).is_file():
            say(f"No project spec found: {name}")
            return 1
    Path("Pocketbench.xcodeproj").touch()
    return 0
