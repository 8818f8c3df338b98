"""One capability of Python's `kubernetes`, as kubectl.sh has those of kubectl; it says what is read and printed."""

import base64
import json
import os
import sys
import threading
import time

from kubernetes import client, config, dynamic, stream, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import portforward

NS, POD, DIR = os.environ["NS"], os.environ["POD"], os.environ["DIR"]
PORT, IDLE = int(os.environ["PORT"]), int(os.environ["IDLE"])

config.load_kube_config()
api = client.ApiClient()
core, apps = client.CoreV1Api(api), client.AppsV1Api(api)


def body(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data or {"k": "v"})


def make(name, **data):
    return core.create_namespaced_config_map(NS, body(name, **data))


def names(items):
    return [item.metadata.name for item in items]


def refused(call):
    try:
        call()
    except ApiException as error:
        return error.status, json.loads(error.body)["message"]
    return "not refused"


def deployment(name):
    container = client.V1Container(name="x", image="x")
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels={"a": "b"}), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(selector=client.V1LabelSelector(match_labels={"a": "b"}), template=template)
    return apps.create_namespaced_deployment(
        NS, client.V1Deployment(metadata=client.V1ObjectMeta(name=name), spec=spec)
    )


def patched(kind, patch):
    make("a")
    core.api_client.set_default_header("Content-Type", kind)
    return core.patch_namespaced_config_map("a", NS, patch, _content_type=kind).data


def server_version():
    return client.VersionApi(api).get_code().to_dict()


def discovery():
    return [r.name for r in core.get_api_resources().resources], [r.name for r in apps.get_api_resources().resources]


def api_versions():
    return [g.name for g in client.ApisApi(api).get_api_versions().groups if "example" not in g.name]


def create():
    return make("a").data, deployment("d").metadata.name


def get():
    make("a")
    return core.read_namespaced_config_map("a", NS).data


def update():
    make("a")
    return core.replace_namespaced_config_map("a", NS, body("a", k="other")).data


def delete():
    make("a")
    core.delete_namespaced_config_map("a", NS)
    return refused(lambda: core.read_namespaced_config_map("a", NS))


def delete_collection():
    make("a"), make("b")
    core.delete_collection_namespaced_config_map(NS)
    return names(core.list_namespaced_config_map(NS).items)


def labels_and_selectors():
    make("a"), make("b")
    return names(core.list_namespaced_config_map(NS, field_selector="metadata.name=b").items)


def dry_run():
    made = core.create_namespaced_config_map(NS, body("a"), dry_run="All")
    return made.data, refused(lambda: core.read_namespaced_config_map("a", NS))


def server_side_apply():
    maps = dynamic.DynamicClient(api).resources.get(api_version="v1", kind="ConfigMap")
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}
    first = maps.server_side_apply(body=wanted, name="a", namespace=NS, field_manager="one").data.to_dict()
    wanted["data"]["k"] = "w"
    try:
        maps.server_side_apply(body=wanted, name="a", namespace=NS, field_manager="two")
    except ApiException as error:
        return first, error.status
    return "no conflict"


def patch_strategic():
    return patched("application/strategic-merge-patch+json", {"data": {"l": "m"}})


def patch_merge():
    return patched("application/merge-patch+json", {"data": {"k": None, "l": "m"}})


def patch_json():
    return patched("application/json-patch+json", [{"op": "add", "path": "/data/l", "value": "m"}])


def scale():
    deployment("d")
    return apps.patch_namespaced_deployment_scale("d", NS, {"spec": {"replicas": 3}}).spec.replicas


def status_subresource():
    return core.read_namespaced_pod_status("web", NS).status.phase


def custom_resources():
    unique = os.environ["UNIQUE"]
    plural, group = f"widgets{unique}", "conformance.example"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    crds = client.ApiextensionsV1Api(api)
    crds.create_custom_resource_definition({
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": f"Widget{unique}"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    })
    objects = client.CustomObjectsApi(api)
    widget = {"apiVersion": f"{group}/v1", "kind": f"Widget{unique}", "metadata": {"name": "w"}, "spec": {"size": 3}}
    for _ in range(100):
        try:
            made = objects.create_namespaced_custom_object(group, "v1", NS, plural, widget)
            break
        except ApiException as error:
            if error.status != 404:
                raise
            time.sleep(0.2)
    crds.delete_custom_resource_definition(f"{plural}.{group}")
    return made["spec"]


def raw(path, accept):
    asked = api.param_serialize("GET", path, header_params={"Accept": accept}, auth_settings=["BearerToken"])
    answer = api.call_api(*asked)
    answer.read()
    return answer.data


def table():
    got = json.loads(raw(f"/api/v1/namespaces/{NS}/pods", "application/json;as=Table;v=v1;g=meta.k8s.io"))
    return got["kind"], [c["name"] for c in got["columnDefinitions"]], [r["cells"][:4] for r in got["rows"]]


def metadata_only():
    return json.loads(raw(f"/api/v1/namespaces/{NS}", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"))["kind"]


def protobuf():
    return raw(f"/api/v1/namespaces/{NS}", "application/vnd.kubernetes.protobuf")[:4]


def chunked_list():
    for name in "abc":
        make(name)
    first = core.list_namespaced_config_map(NS, limit=2)
    rest = core.list_namespaced_config_map(NS, limit=2, _continue=first.metadata._continue)
    return names(first.items), names(rest.items)


def all_namespaces():
    return names(core.list_pod_for_all_namespaces(field_selector=f"metadata.namespace={NS}").items)


def watching(seconds):
    make("first")
    seen = []
    for event in watch.Watch().stream(core.list_namespaced_config_map, NS, timeout_seconds=seconds + 60):
        seen.append((event["type"], event["object"].metadata.name))
        if seen[-1][1] == "first":
            threading.Timer(seconds, lambda: make("second")).start()
        else:
            return seen


def watch_():
    return watching(0)


def watch_idle():
    return watching(IDLE)


def log(text, mode="w"):
    with open(f"{POD}/log", mode, encoding="utf-8") as file:
        file.write(text)


def logs():
    log("one\ntwo\n")
    return core.read_namespaced_pod_log("web", NS), core.read_namespaced_pod_log("web", NS, tail_lines=1)


def logs_follow():
    log("one\n")
    seen = []
    for line in watch.Watch().stream(core.read_namespaced_pod_log, "web", NS, follow=True):
        seen.append(line)
        if line == "one":
            log("two\n", "a")
        else:
            return seen


def opened(call, **more):
    return stream.stream(call, "web", NS, stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False, **more)


def exec_codes():
    run = opened(core.connect_get_namespaced_pod_exec, command=["sh", "-c", "read x; echo got $x; exit 3"])
    run.write_stdin("something\n")
    run.run_forever(timeout=30)
    return run.read_stdout(), run.returncode


def attach():
    run = opened(core.connect_get_namespaced_pod_attach)
    run.write_stdin("to the process\n")
    text = run.readline_stdout(timeout=30)
    run.close()
    return text


def port_forward():
    forward = portforward(core.connect_get_namespaced_pod_portforward, "web", NS, ports=str(PORT))
    socket = forward.socket(PORT)
    socket.setblocking(True)
    socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    text = b""
    while part := socket.recv(4096):
        text += part
    return text.decode(), forward.error(PORT)


def cp():
    data = base64.b64encode(bytes(range(256)) * 4000).decode()
    script = f"head -c {len(data)} > copy; sha256sum < copy"
    run = opened(core.connect_get_namespaced_pod_exec, command=["sh", "-c", script])
    for at in range(0, len(data), 65536):
        run.write_stdin(data[at : at + 65536])
    run.run_forever(timeout=60)
    back = stream.stream(core.connect_get_namespaced_pod_exec, "web", NS, command=["cat", "copy"], stdout=True)
    return run.read_stdout(), back == data


def wait():
    for event in watch.Watch().stream(core.list_namespaced_pod, NS, timeout_seconds=20):
        conditions = event["object"].status.conditions or []
        if any(c.type == "Ready" and c.status == "True" for c in conditions):
            return "Ready"


def drain():
    try:
        eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name="web"), api_version="policy/v1beta1", kind="Eviction")
        core.create_namespaced_pod_eviction("web", NS, eviction)
    except ValueError:
        pass  # The answer is a Status; the client wants an Eviction.
    return names(core.list_namespaced_pod(NS).items)


def can_i():
    attributes = client.V1ResourceAttributes(verb="create", resource="pods", namespace=NS)
    review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes))
    return client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed


def as_():
    api.set_default_header("Impersonate-User", "nobody-there")
    nobody = refused(lambda: core.list_namespaced_config_map(NS))
    api.set_default_header("Impersonate-User", f"reader-{NS}")
    return nobody, names(core.list_namespaced_config_map(NS).items)


def as_group():
    api.set_default_header("Impersonate-User", "nobody-there")
    api.set_default_header("Impersonate-Group", f"readers-{NS}")
    return names(core.list_namespaced_config_map(NS).items)


def create_token():
    core.create_namespaced_service_account(NS, client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="s")))
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=["x"]))
    return len(core.create_namespaced_service_account_token("s", NS, request).status.token.split("."))


KNOWN = [
    server_version, discovery, api_versions, create, get, update, delete, delete_collection, labels_and_selectors, dry_run,
    server_side_apply, patch_strategic, patch_merge, patch_json, scale, status_subresource, custom_resources, table, metadata_only,
    protobuf, chunked_list, all_namespaces, watch_, watch_idle, logs, logs_follow, exec_codes, attach, port_forward, cp, wait, drain,
    can_i, as_, as_group, create_token,
]
known = {function.__name__.rstrip("_"): function for function in KNOWN}
if sys.argv[1] not in known:
    sys.exit(77)
print(known[sys.argv[1]]())
sys.stdout.flush()
# Threads of a stream need not end.
os._exit(0)
