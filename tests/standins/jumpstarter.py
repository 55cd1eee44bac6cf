"""Jumpstarter's controller and router on the loopback, over its own gRPC services.

Jumpstarter's controller needs a Kubernetes cluster. This one serves the published
services (`jumpstarter.v1` and `jumpstarter.client.v1` of jumpstarter-protocol) with TLS
and tokens; statuses and conditions are those of its controller's source. The exporter
is Jumpstarter's own, in a process of its own.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import subprocess
import sys
import threading
import uuid

import grpc
import trustme
from jumpstarter.common import ExporterStatus
from jumpstarter_protocol import (
    client_pb2,
    client_pb2_grpc,
    jumpstarter_pb2,
    jumpstarter_pb2_grpc,
    kubernetes_pb2,
    router_pb2,
    router_pb2_grpc,
)

from pocketbench.devices.android.adb.own_key import ensure_own_key
from pocketbench.devices.android.adb.program import find_adb
from tests.phones import free_port, wait_for

TOKEN, NAMESPACE, CLIENT = "a-token", "lab", "us"
_EXPORTER = """
import asyncio, logging, pathlib, sys
from jumpstarter.config.exporter import ExporterConfigV1Alpha1 as Config
logging.basicConfig(level=logging.INFO)
asyncio.run(Config.load_path(pathlib.Path(sys.argv[1])).serve())
"""


class _Exporter:
    def __init__(self):
        self.labels = {}
        self.is_online = False
        self.is_ready = False
        self.lease = None


class Controller(
    client_pb2_grpc.ClientServiceServicer,
    jumpstarter_pb2_grpc.ControllerServiceServicer,
    router_pb2_grpc.RouterServiceServicer,
):
    """Exporters by name and leases by name, as a test and its clients change them."""

    def __init__(self, folder):
        self.folder = folder
        self.exporters = {}
        self.leases = {}
        self.asked = []
        """(client, request) of everything that was asked."""
        self.client = CLIENT
        """Whose token is valid."""
        self._dials = {}
        self._streams = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._server.stop(0), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self):
        self._changed = asyncio.Condition()
        # Clients ping every 20 s, which its controller allows.
        pings = [("grpc.http2.max_ping_strikes", 0)]
        self._server = grpc.aio.server(options=pings)
        for add in (
            client_pb2_grpc.add_ClientServiceServicer_to_server,
            jumpstarter_pb2_grpc.add_ControllerServiceServicer_to_server,
            router_pb2_grpc.add_RouterServiceServicer_to_server,
        ):
            add(self, self._server)
        authority = trustme.CA()
        own = authority.issue_cert("localhost")
        chain = b"".join(x.bytes() for x in own.cert_chain_pems)
        credentials = grpc.ssl_server_credentials(
            [(own.private_key_pem.bytes(), chain)]
        )
        port = self._server.add_secure_port("localhost:0", credentials)
        self.endpoint = f"localhost:{port}"
        self.tls = {"ca": base64.b64encode(authority.cert_pem.bytes()).decode()}
        await self._server.start()

    @property
    def environment(self):
        """What a client's user sets, instead of logging in with `jmp`."""
        return {
            "JMP_ENDPOINT": self.endpoint,
            "JMP_TOKEN": TOKEN,
            "JMP_NAMESPACE": NAMESPACE,
            "JMP_NAME": CLIENT,
            "JMP_TLS": json.dumps(self.tls),
        }

    @contextlib.contextmanager
    def exporter(self, phone, *, name="shelf-1", **labels):
        """Run Jumpstarter's exporter of an adb server that has one phone."""
        program, port = find_adb(), free_port()
        adb = program.path
        key = str(ensure_own_key(program))
        own = {"ADB_USB": "0", "ADB_EMU": "0", "ADB_VENDOR_KEYS": key}
        environment = {**os.environ, **own, "HOME": str(self.folder)}
        self.exporters[name] = _Exporter()
        self.exporters[name].labels = labels
        config = {
            "apiVersion": "jumpstarter.dev/v1alpha1",
            "kind": "ExporterConfig",
            "metadata": {"namespace": NAMESPACE, "name": name},
            "endpoint": self.endpoint,
            "token": TOKEN,
            "tls": self.tls,
            "export": {
                "adb": {
                    "type": "jumpstarter_driver_adb.driver.AdbServer",
                    "config": {"adb_path": adb, "port": port},
                }
            },
            # The driver starts an adb server for each lease; USB phones it would find.
            "hooks": {
                "beforeLease": {
                    "script": f"{adb} -P {port} connect {phone.serial}\n"
                    f"{adb} -P {port} -s {phone.serial} wait-for-device"
                }
            },
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(config))
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _EXPORTER, path],
                env=environment,
                stdout=log,
                stderr=log,
            )
            try:
                wait_for(lambda: self.exporters[name].is_online)
                yield process
            finally:
                process.terminate()
                process.wait()
                subprocess.run(
                    [adb, "-P", str(port), "kill-server"], capture_output=True
                )
                self.exporters[name].is_online = False

    def end(self, lease_name):
        """End a lease, as its time or an administrator does."""
        done = asyncio.run_coroutine_threadsafe(self._end(lease_name), self._loop)
        done.result()

    @property
    def held(self):
        """The leases that are not over, by their exporter's name."""
        return {x.exporter: x for x in self.leases.values() if not _is_over(x)}

    async def _end(self, name):
        lease = self.leases[name]
        lease.effective_end_time.GetCurrentTime()
        _set_condition(lease, "Ready", "False", "Released")
        for exporter in self.exporters.values():
            if exporter.lease == name:
                exporter.lease = None
                exporter.is_ready = False
        await self._notify()

    async def _notify(self):
        async with self._changed:
            self._changed.notify_all()

    async def _known(self, context, request):
        """Who asks; a wrong token ends the call."""
        words = dict(context.invocation_metadata())
        if words.get("authorization") != f"Bearer {TOKEN}":
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "invalid token")
        self.asked.append((words["jumpstarter-name"], request))
        return words["jumpstarter-name"]

    async def _own(self, context, request, name):
        client = await self._known(context, request)
        lease = self.leases.get(name.rpartition("/")[2])
        if lease is None:
            words = f'leases.jumpstarter.dev "{name}" not found'
            await context.abort(grpc.StatusCode.UNKNOWN, words)
        return client, lease

    # jumpstarter.client.v1

    async def CreateLease(self, request, context):
        client = await self._known(context, request)
        lease = self.leases[request.lease_id] = client_pb2.Lease(
            name=f"{request.parent}/leases/{request.lease_id}",
            selector=request.lease.selector,
            duration=request.lease.duration,
            client=f"{request.parent}/clients/{client}",
        )
        await self._assign(request.lease_id, lease)
        return lease

    async def _assign(self, lease_id, lease):
        """Give a lease an exporter that is free, or say why it has none."""
        wanted = dict(x.split("=") for x in lease.selector.split(","))
        matching = [
            (name, x)
            for name, x in self.exporters.items()
            if wanted.items() <= x.labels.items()
        ]
        free = [x for x in matching if x[1].is_online and x[1].lease is None]
        if not matching:
            words = "there are no exporters in the cluster matching the selector"
            _set_condition(lease, "Unsatisfiable", "True", "NoAccess", words)
            lease.effective_end_time.GetCurrentTime()
        elif not free:
            words = "all matching exporters are already leased"
            _set_condition(lease, "Pending", "True", "NotAvailable", words)
        else:
            name, exporter = free[0]
            exporter.lease = lease_id
            parent = lease.name.partition("/leases/")[0]
            lease.exporter = f"{parent}/exporters/{name}"
            lease.effective_begin_time.GetCurrentTime()
            _set_condition(lease, "Ready", "True", "Ready")
            await self._notify()

    async def GetLease(self, request, context):
        _, lease = await self._own(context, request, request.name)
        return lease

    async def UpdateLease(self, request, context):
        _, lease = await self._own(context, request, request.lease.name)
        if _is_over(lease):
            words = "cannot modify time fields: lease has already ended"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        lease.duration.CopyFrom(request.lease.duration)
        return lease

    async def DeleteLease(self, request, context):
        from google.protobuf import empty_pb2

        client, lease = await self._own(context, request, request.name)
        if not lease.client.endswith(f"/{client}"):
            await context.abort(
                grpc.StatusCode.UNKNOWN, "DeleteLease permission denied"
            )
        if _is_over(lease):
            words = "lease has already been released"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        await self._end(request.name.rpartition("/")[2])
        return empty_pb2.Empty()

    async def GetExporter(self, request, context):
        await self._known(context, request)
        exporter = self.exporters[request.name.rpartition("/")[2]]
        return client_pb2.Exporter(name=request.name, labels=exporter.labels)

    # jumpstarter.v1

    async def Register(self, request, context):
        await self._known(context, request)
        return jumpstarter_pb2.RegisterResponse(uuid=str(uuid.uuid4()))

    async def Unregister(self, request, context):
        return jumpstarter_pb2.UnregisterResponse()

    async def ReportStatus(self, request, context):
        exporter = self.exporters[await self._known(context, request)]
        exporter.is_online = True
        exporter.is_ready = request.status == ExporterStatus.LEASE_READY.value
        if request.status == ExporterStatus.AVAILABLE.value:
            for name, lease in self.leases.items():
                if not lease.exporter and not _is_over(lease):
                    await self._assign(name, lease)
        return jumpstarter_pb2.ReportStatusResponse()

    async def Status(self, request, context):
        exporter = self.exporters[await self._known(context, request)]
        while True:
            lease = exporter.lease
            yield jumpstarter_pb2.StatusResponse(
                leased=lease is not None,
                lease_name=lease,
                client_name=CLIENT if lease else None,
            )
            async with self._changed:
                while exporter.lease == lease:
                    await self._changed.wait()

    async def Listen(self, request, context):
        await self._known(context, request)
        waiting = self._dials.setdefault(request.lease_name, asyncio.Queue())
        while True:
            yield await waiting.get()

    async def Dial(self, request, context):
        _, lease = await self._own(context, request, request.lease_name)
        exporter = self.exporters[lease.exporter.rpartition("/")[2]]
        if _is_over(lease):
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "lease ended")
        if not exporter.is_ready:
            words = "exporter is not ready"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        where = {"router_endpoint": self.endpoint, "router_token": str(uuid.uuid4())}
        waiting = self._dials.setdefault(request.lease_name, asyncio.Queue())
        await waiting.put(jumpstarter_pb2.ListenResponse(**where))
        return jumpstarter_pb2.DialResponse(**where)

    async def Stream(self, request_iterator, context):
        token = dict(context.invocation_metadata())["authorization"]
        if token in self._streams:
            own, other = self._streams.pop(token)
        else:
            other, own = self._streams[token] = (asyncio.Queue(), asyncio.Queue())

        async def forward():
            try:
                async for frame in request_iterator:
                    await other.put(
                        router_pb2.StreamResponse(
                            payload=frame.payload, frame_type=frame.frame_type
                        )
                    )
            finally:
                other.put_nowait(None)

        task = asyncio.create_task(forward())
        try:
            while (frame := await own.get()) is not None:
                yield frame
        finally:
            task.cancel()


def _is_over(lease):
    return lease.HasField("effective_end_time")


def _set_condition(lease, kind, status, reason, message=""):
    del lease.conditions[:]
    lease.conditions.append(
        kubernetes_pb2.Condition(
            type=kind, status=status, reason=reason, message=message
        )
    )
