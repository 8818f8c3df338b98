#!/usr/bin/env python3
"""seed.py: fills a local API server with a few hundred objects that look like those of a real cluster.

Usage:   seed.py KUBECONFIG CLUSTERNAME
         The same CLUSTERNAME always gives the same objects; what is there already is left alone.
         A KUBECONFIG in JSON is read without kubectl.
         `pivot-cluster` also gets KubeCube's tenant CRD and a dozen tenants.
Needs:   python3 (no packages) and the kubectl of the PATH or of $KUBECTL, which only reads the kubeconfig.
Outputs: one line on stdout that sums up what was made. The user `admin` becomes cluster-admin; nobody else gets rights.
Exit:    0 seeded; 1 with the reason on stderr; 2 wrong usage.
"""

import base64
import collections
import http.client
import json
import os
import random
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from seed_objects import (
    ADMIN_BINDING,
    DEPLOYMENTS,
    NAMESPACES,
    NODES,
    TEAMS,
    TENANT_CRD,
    TENANTS,
    config_map,
    deployment,
    deployment_status,
    namespace,
    node,
    pod,
    replica_set,
    service,
    tenant,
)

WORKERS = 6
class Failure(Exception):
    """What went wrong, as one sentence for the user."""


# === Talking to the API server ===


class Server:
    """One cluster, as its kubeconfig's current context sees it. Each thread keeps a connection of its own."""

    def __init__(self, kubeconfig):
        config = read_kubeconfig(kubeconfig)
        url = urllib.parse.urlsplit(config["cluster"]["server"])
        self.host, self.port = url.hostname, url.port or 443
        self.tls = tls_context(config)
        self.local = threading.local()

    def call(self, method, path, body=None, content_type="application/json"):
        """Sends one request and returns (status, decoded body). A stale connection is tried once more."""
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        headers = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": "cubegate-seed"}
        for attempt in (1, 2):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=30)
                self.local.connection = connection
            try:
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                return answer.status, decoded(answer.read())
            except (http.client.HTTPException, OSError) as error:
                connection.close()
                self.local.connection = None
                if attempt == 2:
                    raise Failure(f"{method} https://{self.host}:{self.port}{path} failed: {error}; is the API server running?") from error

    def ensure(self, collection, manifest):
        """Creates an object unless it is there; returns (the server's object, whether it is new)."""
        status, answer = self.call("POST", collection, manifest)
        if status == 201:
            return answer, True
        path = f"{collection}/{manifest['metadata']['name']}"
        if status == 409:
            status, answer = self.call("GET", path)
            if status == 200:
                return answer, False
        raise Failure(f"{path} could not be made: {status} {answer.get('message', '')}")

    def patch_status(self, path, status):
        code, answer = self.call("PATCH", f"{path}/status", {"status": status}, "application/merge-patch+json")
        if code != 200:
            raise Failure(f"the status of {path} could not be set: {code} {answer.get('message', '')}")


def decoded(body):
    """A JSON body, or what a path that nobody serves is answered with: plain text."""
    try:
        return json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace").strip()}


def read_kubeconfig(kubeconfig):
    """The current context's cluster and user, with whatever YAML the file is in turned to JSON by kubectl."""
    if not os.path.isfile(kubeconfig):
        raise Failure(f"there is no kubeconfig {kubeconfig}; run: apiserver.sh start NAME DIR")
    with open(kubeconfig) as file:
        text = file.read()
    if text.startswith("{"):
        config = json.loads(text)
        return {"cluster": config["clusters"][0]["cluster"], "user": config["users"][0]["user"]}
    command = [os.environ.get("KUBECTL", "kubectl"), "config", "view", "--raw", "--minify", "-o", "json", "--kubeconfig", kubeconfig]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise Failure(f"{command[0]} is missing; run: tools.sh kubectl") from error
    except subprocess.CalledProcessError as error:
        raise Failure(f"kubectl cannot read {kubeconfig}: {error.stderr.strip()}") from error
    config = json.loads(done.stdout)
    return {"cluster": config["clusters"][0]["cluster"], "user": config["users"][0]["user"]}


def tls_context(config):
    decode = lambda part, key: base64.b64decode(config[part][key]).decode()
    try:
        authority = decode("cluster", "certificate-authority-data")
        certificate = decode("user", "client-certificate-data") + "\n" + decode("user", "client-key-data")
    except KeyError as error:
        raise Failure(f"the kubeconfig has no {error.args[0]}; seed.py takes those that apiserver.sh writes") from error
    context = ssl.create_default_context(cadata=authority)
    # The ssl module reads a client certificate from a file only.
    with tempfile.NamedTemporaryFile("w", prefix="cubegate-seed-") as file:  # made with mode 0600
        file.write(certificate)
        file.flush()
        context.load_cert_chain(file.name)
    return context


# === Putting them there ===


class Seeder:
    """Makes objects in parallel, stage by stage, and counts them. Randomness is drawn from the object's own name, so
    that neither the threads' order nor what was there before has an influence on it."""

    def __init__(self, server, cluster):
        self.server, self.cluster = server, cluster
        self.made, self.total = collections.Counter(), collections.Counter()
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(WORKERS)

    def rng(self, *of):
        return random.Random("/".join((self.cluster, *of)))

    def make(self, collection, manifest):
        made, is_new = self.server.ensure(collection, manifest)
        kind = collection.rsplit("/", 1)[-1]
        with self.lock:
            self.total[kind] += 1
            self.made[kind] += is_new
        return made

    def all(self, jobs):
        """Runs a stage; the first failure ends the program."""
        for future in [self.pool.submit(*job) for job in jobs]:
            future.result()

    def node(self, index):
        name = NODES[index]
        manifest, status = node(name, index, self.rng("node", name))
        self.make("/api/v1/nodes", manifest)
        self.server.patch_status(f"/api/v1/nodes/{name}", status)

    def workload(self, space, name):
        """A deployment and all that hangs on it."""
        rng = self.rng(space, name)
        team = rng.choice(TEAMS)
        core, apps = f"/api/v1/namespaces/{space}", f"/apis/apps/v1/namespaces/{space}"
        self.make(f"{core}/configmaps", config_map(name, team, rng))
        if name.endswith(("-api", "-web")):
            self.make(f"{core}/services", service(name, team))
        replicas = rng.choice([2, 3, 3, 4])
        made = self.make(f"{apps}/deployments", deployment(name, team, replicas, rng))
        template = self.make(f"{apps}/replicasets", replica_set(made, rng))
        ready = 0
        for _ in range(replicas):
            manifest, status = pod(template, rng)
            self.make(f"{core}/pods", manifest)
            self.server.patch_status(f"{core}/pods/{manifest['metadata']['name']}", status)
            ready += any(each["ready"] for each in status.get("containerStatuses", []))
        self.server.patch_status(f"{apps}/deployments/{name}", deployment_status(made, ready))
        self.server.patch_status(f"{apps}/replicasets/{template['metadata']['name']}", {"replicas": replicas, "readyReplicas": ready, "availableReplicas": ready, "observedGeneration": 1})

    def tenants(self):
        self.make("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", TENANT_CRD)
        collection = "/apis/tenant.kubecube.io/v1/tenants"
        deadline = time.monotonic() + 30
        while self.server.call("GET", f"{collection}?limit=1")[0] != 200:
            if time.monotonic() > deadline:
                raise Failure("the API server does not serve the tenants 30 s after their CRD was made; run this again")
            time.sleep(0.1)
        for name in TENANTS:
            self.make(collection, tenant(name, self.rng("tenant", name)))

    def run(self):
        self.make("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", ADMIN_BINDING)
        self.all([(self.make, "/api/v1/namespaces", namespace(name, self.cluster)) for name in NAMESPACES] + [(self.node, index) for index in range(len(NODES))])
        jobs = [(self.workload, space, name) for space, names in DEPLOYMENTS.items() for name in names]
        self.all([(self.tenants,)] * (self.cluster == "pivot-cluster") + jobs)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        seeder = Seeder(Server(arguments[0]), arguments[1])
        try:
            seeder.run()
        finally:
            seeder.pool.shutdown(cancel_futures=True)
    except Failure as failure:
        print(f"[seed.py] error: {failure}", file=sys.stderr)
        return 1
    counts = ", ".join(f"{number} {kind}" for kind, number in sorted(seeder.total.items()))
    print(f"{arguments[1]}: {counts}; {sum(seeder.made.values())} of {sum(seeder.total.values())} are new, {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
