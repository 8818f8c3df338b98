#!/usr/bin/env python3
"""member.py: makes an API server a cluster of the local stack: waits for it, lets the gateway in, and fills it.

Usage:   member.py KUBECONFIG CLUSTERNAME     KUBECONFIG is an administrator's, in JSON
Needs:   deploy/local at /local or in $LOCAL: what the gateway may do (gateway-rbac.yaml), and seed.py.
Outputs: one line on stdout that sums up what was made.
Exit:    0 done, also when all was there; 1 with the reason on stderr; 2 wrong usage.
"""

import os
import re
import sys
import time

LOCAL = os.environ.get("LOCAL", "/local")
sys.path.insert(0, LOCAL)
sys.dont_write_bytecode = True

import seed  # noqa: E402

PATIENCE = 120


def wait(server):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            status, _ = server.call("GET", "/readyz")
            said = f"it answers {status}"
            if status == 200:
                return
        except seed.Failure as failure:
            said = str(failure)
        if time.monotonic() > deadline:
            raise seed.Failure(f"https://{server.host}:{server.port} is not ready after {PATIENCE} s: {said}; see its log: docker compose logs")
        time.sleep(0.3)


def apply(server, manifest):
    """Server-side apply takes YAML as it stands; kind and name are what its path is made of."""
    for document in re.split(r"^---$", manifest, flags=re.MULTILINE):
        field = lambda pattern: re.search(pattern, document, re.MULTILINE)
        version, kind, name = field(r"^apiVersion: *(\S+)"), field(r"^kind: *(\w+)"), field(r"^  name: *\"?([\w.:-]+)")
        if not (version and kind and name):
            continue
        space = field(r"^  namespace: *\"?([\w-]+)")
        root = "/api" if "/" not in version[1] else "/apis"
        inside = f"/namespaces/{space[1]}" if space else ""
        path = f"{root}/{version[1]}{inside}/{kind[1].lower()}s/{name[1]}?fieldManager=cubegate-compose&force=true"
        status, answer = server.call("PATCH", path, document, "application/apply-patch+yaml")
        if status not in (200, 201):
            raise seed.Failure(f"{kind[1]} {name[1]} could not be made: {status} {answer.get('message', '')}")


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        server = seed.Server(arguments[0])
        wait(server)
        with open(f"{LOCAL}/gateway-rbac.yaml") as file:
            apply(server, file.read())
    except (seed.Failure, OSError) as failure:
        print(f"[member.py] error: {failure}", file=sys.stderr)
        return 1
    return seed.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
