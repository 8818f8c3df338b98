#!/usr/bin/env python3
"""docs.py: writes the chart's README.md and values.schema.json from values.yaml and the comment above each value.

Usage:   docs.py CHART          writes both
         docs.py CHART --check  says which of them is not what it would write
Exit:    0 good; 1 a file differs, or a value has no comment; 2 wrong usage.

values.yaml is read line by line: keys two blanks deeper than their parent, a comment above each key, and everything
that is no key of ours (a Kubernetes object, a list) behind the key in flow style.
"""

import json
import pathlib
import re
import sys

# What a type alone does not say. A value of `{}` or `[]` is Kubernetes' own and is checked by the API server.
LIMITS = {
    "database.type": {"enum": ["sqlite", "postgresql"]},
    "certificates.mode": {"enum": ["job", "cert-manager"]},
    "certificates.lifetime": {"minimum": 3600, "maximum": 31536000},
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "envoyImage.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "image.digest": {"pattern": "^(sha256:[0-9a-f]{64})?$"},
    "envoyImage.digest": {"pattern": "^(sha256:[0-9a-f]{64})?$"},
    "listener.publicUrl": {"pattern": "^(https://[^ ?#]+)?$"},
    "controlPlane.replicas": {"minimum": 1},
    "controlPlane.terminationGracePeriodSeconds": {"minimum": 0},
    "edge.node": {"pattern": "^[A-Za-z0-9._-]{1,64}$"},
    "edge.replicas": {"minimum": 1},
    "edge.concurrency": {"minimum": 1, "maximum": 256},
    "edge.heapMiB": {"minimum": 256},
    "edge.maxConnections": {"minimum": 1},
    "edge.drainSeconds": {"minimum": 0, "maximum": 3600},
    "edge.autoscaling.minReplicas": {"minimum": 1},
    "edge.autoscaling.maxReplicas": {"minimum": 1},
    "edge.autoscaling.targetCPU": {"minimum": 1, "maximum": 100},
    "edge.service.type": {"enum": ["LoadBalancer", "NodePort", "ClusterIP"]},
    "edge.service.port": {"minimum": 1, "maximum": 65535},
    "edge.service.nodePort": {"minimum": 0, "maximum": 65535},
    "edge.service.externalTrafficPolicy": {"enum": ["Local", "Cluster"]},
}


def read(text):
    """Returns the values in their order, as (path, comment, default); a default of None has values of its own."""
    values, parents, comment, key_seen = [], [], [], False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            # What stands apart is said of the whole file.
            comment = []
            continue
        indent, rest = len(line) - len(line.lstrip()), line.strip()
        if rest.startswith("#"):
            comment.append(rest.lstrip("# "))
            continue
        found = re.fullmatch(r"([A-Za-z0-9]+):(?: (.+))?", rest)
        if not found or indent % 2:
            sys.exit(f"values.yaml:{number}: a key and its value are wanted on one line: {rest}")
        key, default = found.groups()
        if not comment:
            sys.exit(f"values.yaml:{number}: {key} has no comment above it")
        parents = parents[: indent // 2] + [key]
        values.append((".".join(parents), " ".join(comment), default))
        comment = []
    return values


def kind(default):
    if default in ("true", "false"):
        return "boolean"
    if re.fullmatch(r"\d+", default):
        return "integer"
    return {"{": "object", "[": "array"}.get(default[0], "string")


def schema(values):
    def new(comment):
        return {"type": "object", "description": comment, "additionalProperties": False, "properties": {}}

    top = new("Values of the chart cubegate")
    # Helm's own, which a chart may not refuse.
    top["properties"]["global"] = {"type": "object"}
    groups = {"": top}
    for path, comment, default in values:
        parent, _, key = path.rpartition(".")
        if default is None:
            groups[path] = entry = new(comment)
        else:
            entry = {"type": kind(default), "description": comment, **LIMITS.get(path, {})}
        groups[parent]["properties"][key] = entry
    unknown = LIMITS.keys() - {path for path, _, _ in values}
    if unknown:
        sys.exit(f"docs.py has limits for what is no value: {', '.join(sorted(unknown))}")
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **top}, indent=2) + "\n"


HEAD = """# The Helm chart

<!-- Written by deploy/helm/docs.py from values.yaml; run: make generate -->

Control planes, an Envoy fleet behind a Service, and their keys and certificates. No value is a secret: the job makes
what is missing, or secrets are named that are there.

```sh
helm install cubegate deploy/helm/cubegate --namespace cubegate-system --create-namespace
```

| shape | values |
|---|---|
| one control plane, SQLite on a volume | none |
| several control planes | `database.type=postgresql`, `database.existingSecret`, `controlPlane.replicas=2`; the Secret has the URL under `url` |
| cert-manager in the place of the job | `certificates.mode=cert-manager`, `listener.issuerRef` |
| Envoys alone, for control planes elsewhere | `controlPlane.enabled=false`, `edge.controlPlaneHost`, `keys.existingSecret` (a copy of the other cluster's) |

Keys are made once and stay when the release is uninstalled, and so do certificates and the volume; keep a copy of the
Secret with the keys. The CronJob makes certificates anew after two thirds of their lives, asking a control plane, which
refuses a fleet that was shut out (`cubegate node revoke`): to let it in again delete its Secret. With cert-manager a
fleet is shut out for good when its Certificate is deleted, too; one that was issued within the hour before
`node revoke` is let in until it ends.

Whoever may read Secrets in the namespace has the installation and every cluster: nothing else belongs into it.

| value | default | |
|---|---|---|
"""


def readme(values):
    rows = [f"| `{path}` | `{default}` | {comment} |" for path, comment, default in values if default is not None]
    return HEAD + "\n".join(row.replace("| `\"\"` |", "| |") for row in rows) + "\n"


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    chart = pathlib.Path(sys.argv[1])
    values = read((chart / "values.yaml").read_text())
    wrong = False
    for name, text in (("README.md", readme(values)), ("values.schema.json", schema(values))):
        path = chart / name
        if not sys.argv[2:]:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path} is not what values.yaml says; run: make generate", file=sys.stderr)
            wrong = True
    sys.exit(wrong)


main()
