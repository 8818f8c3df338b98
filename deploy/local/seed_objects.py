"""seed_objects.py: the objects that seed.py puts into a cluster, made from nothing but their names and chance.

Usage:   from seed_objects import …
"""

import uuid

NODES = ["node-1", "node-2", "node-3", "node-4"]
TEAMS = ["storefront", "payments", "logistics", "data", "platform"]

# Fifty deployments in `shop`, so that a page of twenty has a second and a third one. The number of pods follows.
DEPLOYMENTS = {
    "shop": [
        f"{area}-{part}"
        for area in ("cart", "catalog", "checkout", "customer", "inventory", "order", "pricing", "review", "search", "shipping")
        for part in ("api", "web", "worker", "cache", "cron")
    ],
    "billing": ["invoice-api", "invoice-worker", "ledger", "payment-gateway", "reconciler", "tax-engine", "dunning", "reports"],
    "platform": ["auth-proxy", "config-sync", "event-bus", "feature-flags", "log-shipper", "mailer", "metrics-agent", "scheduler"],
    "staging": ["cart-api", "catalog-api", "order-api", "search-api"],
}
NAMESPACES = [*DEPLOYMENTS, "empty"]
TENANTS = ["acme", "bluebird", "cobalt", "dune", "ember", "fjord", "granite", "harbor", "iris", "juniper", "kestrel", "lagoon"]


def labels(app, team, **more):
    return {"app": app, "app.kubernetes.io/name": app, "app.kubernetes.io/managed-by": "Helm", "team": team, **more}


def uid(rng):
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def suffix(rng, length):
    return "".join(rng.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(length))


def owner(kind, of):
    return [{
        "apiVersion": "apps/v1", "kind": kind, "name": of["metadata"]["name"], "uid": of["metadata"]["uid"],
        "controller": True, "blockOwnerDeletion": True,
    }]  # fmt: skip


def namespace(name, cluster):
    return {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, "environment": "staging" if name == "staging" else "production", "cluster": cluster}}}


def node(name, index, rng):
    manifest = {"metadata": {"name": name, "labels": {
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "node.kubernetes.io/instance-type": "m5.2xlarge",
        "topology.kubernetes.io/region": "eu-west-1", "topology.kubernetes.io/zone": f"eu-west-1{'abc'[index % 3]}",
        **({"node-role.kubernetes.io/master": ""} if index == 0 else {}),
    }}, "spec": {"podCIDR": f"10.244.{index}.0/24", "providerID": f"example:///{uid(rng)}"}}  # fmt: skip
    resources = {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    status = {
        "capacity": resources, "allocatable": resources,
        "addresses": [{"type": "InternalIP", "address": f"192.168.10.{11 + index}"}, {"type": "Hostname", "address": name}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status", "lastTransitionTime": "2021-03-01T08:00:00Z"}],
        "nodeInfo": {
            "architecture": "amd64", "bootID": uid(rng), "containerRuntimeVersion": "containerd://1.4.4", "kernelVersion": "5.4.0-66-generic",
            "kubeProxyVersion": "v1.20.2", "kubeletVersion": "v1.20.2", "machineID": uid(rng), "operatingSystem": "linux", "osImage": "Ubuntu 20.04.2 LTS", "systemUUID": uid(rng),
        },
    }  # fmt: skip
    return manifest, status


def pod_spec(app, image, rng):
    """What a pod of this app looks like before a ServiceAccount and a node are given to it."""
    port = rng.choice([8080, 8081, 9000, 3000])
    probe = {"httpGet": {"path": "/healthz", "port": port}, "initialDelaySeconds": 10, "periodSeconds": 10, "timeoutSeconds": 2}
    return {
        "containers": [{
            "name": app, "image": image, "imagePullPolicy": "IfNotPresent", "ports": [{"name": "http", "containerPort": port}],
            "env": [
                {"name": "LOG_LEVEL", "value": rng.choice(["info", "warn", "debug"])},
                {"name": "HTTP_PORT", "value": str(port)},
                {"name": "DATABASE_HOST", "value": f"{app.split('-')[0]}-postgres.data.svc.cluster.local"},
                {"name": "DATABASE_PASSWORD", "valueFrom": {"secretKeyRef": {"name": f"{app}-database", "key": "password"}}},
                {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "GOMEMLIMIT", "value": f"{rng.choice([200, 400, 800])}MiB"},
            ],
            "envFrom": [{"configMapRef": {"name": f"{app}-config"}}],
            "resources": {
                "requests": {"cpu": rng.choice(["50m", "100m", "250m"]), "memory": rng.choice(["128Mi", "256Mi"])},
                "limits": {"cpu": rng.choice(["500m", "1"]), "memory": rng.choice(["512Mi", "1Gi"])},
            },
            "livenessProbe": probe, "readinessProbe": {**probe, "periodSeconds": 5},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": True}, {"name": "tmp", "mountPath": "/tmp"}],
            "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False},
        }],
        "volumes": [{"name": "config", "configMap": {"name": f"{app}-config"}}, {"name": "tmp", "emptyDir": {}}],
        "serviceAccountName": app, "terminationGracePeriodSeconds": 30,
    }  # fmt: skip


def deployment(name, team, replicas, rng):
    version = f"{rng.randint(1, 4)}.{rng.randint(0, 20)}.{rng.randint(0, 9)}"
    template_labels = labels(name, team, version=version)
    template = {
        "metadata": {"labels": template_labels, "annotations": {"prometheus.io/scrape": "true", "prometheus.io/path": "/metrics", "checksum/config": f"{rng.getrandbits(256):064x}"}},
        "spec": pod_spec(name, f"example.com/{team}/{name}:{version}", rng),
    }
    return {
        "metadata": {
            "name": name, "labels": labels(name, team, tier=name.rsplit("-", 1)[-1]),
            "annotations": {"deployment.kubernetes.io/revision": str(rng.randint(1, 40)), "example.com/owner": f"{team}@example.com"},
        },
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}},
    }  # fmt: skip


def replica_set(made, rng):
    spec, template_hash = made["spec"], suffix(rng, 10)
    meta = spec["template"]["metadata"]
    template = {"metadata": {**meta, "labels": {**meta["labels"], "pod-template-hash": template_hash}}, "spec": spec["template"]["spec"]}
    return {
        "metadata": {
            "name": f"{made['metadata']['name']}-{template_hash}", "labels": template["metadata"]["labels"],
            "annotations": {"deployment.kubernetes.io/desired-replicas": str(spec["replicas"]), "deployment.kubernetes.io/revision": made["metadata"]["annotations"]["deployment.kubernetes.io/revision"]},
            "ownerReferences": owner("Deployment", made),
        },
        "spec": {"replicas": spec["replicas"], "selector": {"matchLabels": {"app": made["metadata"]["name"], "pod-template-hash": template_hash}}, "template": template},
    }  # fmt: skip


def pod(replicas, rng):
    template = replicas["spec"]["template"]
    node_index = rng.randrange(len(NODES))
    address = f"10.244.{node_index}.{rng.randint(2, 250)}"
    manifest = {
        "metadata": {
            "name": f"{replicas['metadata']['name']}-{suffix(rng, 5)}", "labels": template["metadata"]["labels"],
            "annotations": {**template["metadata"]["annotations"], "cni.projectcalico.org/podIP": f"{address}/32"},
            "ownerReferences": owner("ReplicaSet", replicas),
        },
        "spec": {**template["spec"], "nodeName": NODES[node_index]},
    }  # fmt: skip
    return manifest, pod_status(template["spec"]["containers"][0], node_index, address, rng)


def pod_status(container, node_index, address, rng):
    """Most pods run; some wait for their image, some crash again and again, some have not been started yet."""
    phase = rng.choices(["Running", "CrashLoopBackOff", "ImagePullBackOff", "Pending"], [90, 4, 3, 3])[0]
    since = f"2021-03-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}Z"
    ready = "True" if phase == "Running" else "False"
    condition = lambda kind, value: {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": since}
    if phase == "Pending":
        return {"phase": "Pending", "qosClass": "Burstable", "conditions": [condition("PodScheduled", "True")]}
    started = phase != "ImagePullBackOff"
    state = {"running": {"startedAt": since}} if phase == "Running" else {"waiting": {"reason": phase, "message": f"back-off on container {container['name']}"}}
    return {
        "phase": "Running" if started else "Pending", "qosClass": "Burstable", "startTime": since,
        "hostIP": f"192.168.10.{11 + node_index}", "podIP": address, "podIPs": [{"ip": address}],
        "conditions": [condition("Initialized", "True"), condition("Ready", ready), condition("ContainersReady", ready), condition("PodScheduled", "True")],
        "containerStatuses": [{
            "name": container["name"], "image": container["image"], "ready": phase == "Running", "started": phase == "Running", "state": state, "lastState": {},
            "restartCount": rng.choice([0, 0, 0, 1, 3]) if phase == "Running" else rng.randint(5, 400) if started else 0,
            "imageID": f"{container['image'].rsplit(':', 1)[0]}@sha256:{rng.getrandbits(256):064x}" if started else "",
            "containerID": f"containerd://{rng.getrandbits(256):064x}" if started else "",
        }],
    }  # fmt: skip


def deployment_status(made, ready):
    replicas, since = made["spec"]["replicas"], "2021-03-01T08:00:00Z"
    available = {"type": "Available", "status": "True" if ready else "False", "reason": "MinimumReplicasAvailable" if ready else "MinimumReplicasUnavailable", "message": "", "lastTransitionTime": since, "lastUpdateTime": since}
    return {
        "observedGeneration": made["metadata"]["generation"], "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": ready, "availableReplicas": ready,
        "unavailableReplicas": replicas - ready, "conditions": [available],
    }  # fmt: skip


def config_map(name, team, rng):
    settings = "".join(f"{key}: {rng.randint(1, 500)}\n" for key in ("cache.size", "pool.max", "retry.limit", "timeout.seconds"))
    return {"metadata": {"name": f"{name}-config", "labels": labels(name, team)}, "data": {"application.yaml": f"name: {name}\n{settings}", "FEATURE_SET": rng.choice(["stable", "beta"])}}


def service(name, team):
    return {"metadata": {"name": name, "labels": labels(name, team)}, "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}}


ADMIN_BINDING = {
    "metadata": {"name": "cubegate-local-admin", "labels": {"app.kubernetes.io/part-of": "cubegate"}},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "admin"}],
}

TENANT_CRD = {
    "metadata": {"name": "tenants.tenant.kubecube.io"},
    "spec": {
        "group": "tenant.kubecube.io", "scope": "Cluster", "names": {"kind": "Tenant", "listKind": "TenantList", "plural": "tenants", "singular": "tenant"},
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "additionalPrinterColumns": [{"name": "Display", "type": "string", "jsonPath": ".spec.displayName"}],
            "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"displayName": {"type": "string"}}}},
            }},
        }],
    },
}  # fmt: skip


def tenant(name, rng):
    return {
        "apiVersion": "tenant.kubecube.io/v1", "kind": "Tenant",
        "metadata": {"name": name, "labels": {"kubecube.io/tenant": name}, "annotations": {"kubecube.io/sync": "true"}},
        "spec": {"displayName": f"{name.capitalize()} {rng.choice(['Retail', 'Logistics', 'Media', 'Labs'])}", "description": f"Tenant {name}", "namespace": f"kubecube-tenant-{name}"},
    }  # fmt: skip
