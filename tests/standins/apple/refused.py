"""devicectl's answer when it could not."""

CORE_DEVICE = "com.apple.dt.CoreDeviceError"


class Refused(Exception):
    """devicectl's answer when it could not."""

    def __init__(self, domain, code, text, under=None):
        super().__init__(text)
        self.text = text
        info = {"NSLocalizedDescription": {"string": text}}
        if under is not None:
            info["NSUnderlyingError"] = {"error": under.error}
        self.error = {"domain": domain, "code": code, "userInfo": info}


def lost():
    return Refused(
        CORE_DEVICE,
        4,
        "The tunnel connection failed while the system tried to connect to the device.",
    )
