//! The kinds about which something is particular.

use super::Filter::{Has, HasNot, Holds, Is, IsOneOf, PodOfService};
use super::Kind;
use crate::derived::{Derived, PodFields};

/// Statuses and orders are those of KubeSphere: a Deployment's desired replicas are in its
/// status and a StatefulSet's in its spec.
pub(super) static KINDS: [Kind; 29] = [
    Kind {
        resource: "pods",
        filters: &[
            ("nodeName", Is("spec.nodeName")),
            (
                "pvcName",
                Has("spec.volumes[].persistentVolumeClaim.claimName"),
            ),
            ("serviceName", PodOfService),
            ("phase", Is("status.phase")),
            ("podIP", Holds(&["status.podIPs[].ip", "status.podIP"])),
        ],
        status: Some(Derived::Pod(PodFields {
            phase: "status.phase",
            reason: "status.reason",
            deleted: "metadata.deletionTimestamp",
            init_containers: "status.initContainerStatuses",
            containers: "status.containerStatuses",
            conditions: "status.conditions",
        })),
        ..Kind::OTHER
    },
    Kind {
        resource: "persistentvolumeclaims",
        filters: &[
            ("phase", IsOneOf("status.phase")),
            ("status", IsOneOf("status.phase")),
            ("storageClassName", Has("spec.storageClassName")),
        ],
        ..Kind::OTHER
    },
    Kind {
        resource: "namespaces",
        filters: &[("status", Is("status.phase"))],
        ..Kind::OTHER
    },
    Kind {
        resource: "nodes",
        status: Some(Derived::Node {
            unschedulable: "spec.unschedulable",
            conditions: "status.conditions",
        }),
        ..Kind::OTHER
    },
    Kind {
        resource: "deployments",
        status: Some(Derived::Workload {
            ready: "status.readyReplicas",
            desired: "status.replicas",
        }),
        updated: Some("status.conditions[].lastUpdateTime"),
        ..Kind::OTHER
    },
    Kind {
        resource: "statefulsets",
        status: Some(Derived::Workload {
            ready: "status.readyReplicas",
            desired: "spec.replicas",
        }),
        ..Kind::OTHER
    },
    Kind {
        resource: "daemonsets",
        status: Some(Derived::Workload {
            ready: "status.numberReady",
            desired: "status.desiredNumberScheduled",
        }),
        ..Kind::OTHER
    },
    Kind {
        resource: "jobs",
        status: Some(Derived::Job {
            conditions: "status.conditions",
        }),
        sorts_by_status: true,
        updated: Some("status.conditions[].lastTransitionTime"),
        ..Kind::OTHER
    },
    Kind {
        resource: "users",
        filters: &[
            ("email", Is("spec.email")),
            ("ingroup", Has("spec.groups[]")),
            ("notingroup", HasNot("spec.groups[]")),
        ],
        secrets: &["spec.password"],
        ..Kind::OTHER
    },
    Kind {
        resource: "keys",
        secrets: &["spec.secretKey"],
        ..Kind::OTHER
    },
    Kind {
        resource: "clusters",
        secrets: &[
            "spec.kubeConfig",
            "spec.kubeconfig",
            "spec.connection.kubeconfig",
        ],
        ..Kind::OTHER
    },
    Kind {
        resource: "persistentvolumes",
        filters: &[
            ("status", IsOneOf("status.phase")),
            ("phase", IsOneOf("status.phase")),
            ("storageClassName", Has("spec.storageClassName")),
        ],
        ..Kind::OTHER
    },
    Kind {
        resource: "secrets",
        filters: &[("type", Is("type"))],
        ..Kind::OTHER
    },
    Kind {
        resource: "cronjobs",
        status: Some(Derived::CronJob {
            suspend: "spec.suspend",
        }),
        ..Kind::OTHER
    },
    Kind {
        resource: "horizontalpodautoscalers",
        filters: &[
            ("targetKind", Is("spec.scaleTargetRef.kind")),
            ("targetName", Is("spec.scaleTargetRef.name")),
        ],
        ..Kind::OTHER
    },
    Kind {
        resource: "customresourcedefinitions",
        filters: &[("name", Holds(&["metadata.name", "spec.names.kind"]))],
        ..Kind::OTHER
    },
    Kind {
        resource: "volumesnapshots",
        filters: &[
            (
                "volumeSnapshotClassName",
                Has("spec.volumeSnapshotClassName"),
            ),
            (
                "persistentVolumeClaimName",
                Has("spec.source.persistentVolumeClaimName"),
            ),
        ],
        status: Some(Derived::Snapshot {
            deleted: "metadata.deletionTimestamp",
            ready: "status.readyToUse",
        }),
        ..Kind::OTHER
    },
    Kind {
        resource: "volumesnapshotclasses",
        filters: &[
            ("deletionPolicy", IsOneOf("deletionPolicy")),
            ("driver", IsOneOf("driver")),
        ],
        ..Kind::OTHER
    },
    Kind {
        resource: "volumesnapshotcontents",
        filters: &[
            (
                "volumeSnapshotClassName",
                IsOneOf("spec.volumeSnapshotClassName"),
            ),
            ("volumeSnapshotName", IsOneOf("spec.volumeSnapshotRef.name")),
            (
                "volumeSnapshotNamespace",
                IsOneOf("spec.volumeSnapshotRef.namespace"),
            ),
            ("readyToUse", IsOneOf("status.readyToUse")),
        ],
        ..Kind::OTHER
    },
    Kind {
        resource: "applications",
        updated: Some("status.conditions[].lastUpdateTime"),
        ..Kind::OTHER
    },
    Kind {
        resource: "groupbindings",
        filters: &[("user", Has("users[]"))],
        ..Kind::OTHER
    },
    Kind {
        resource: "loginrecords",
        filters: &[("type", Is("spec.type"))],
        ..Kind::OTHER
    },
    Kind {
        resource: "workspaceroles",
        filters: &[("workspace", Is("metadata.labels.kubesphere.io/workspace"))],
        ..Kind::OTHER
    },
    Kind {
        resource: "workspacerolebindings",
        filters: &[("rolename", Is("roleRef.name"))],
        ..Kind::OTHER
    },
    Kind {
        resource: "labels",
        filters: &[("name", Holds(&["spec.key", "spec.value"]))],
        ..Kind::OTHER
    },
    Kind {
        resource: "federatedsecrets",
        filters: &[("type", Is("spec.template.type"))],
        ..Kind::OTHER
    },
    Kind {
        resource: "federatedpersistentvolumeclaims",
        filters: &[(
            "storageClassName",
            Has("spec.template.spec.storageClassName"),
        )],
        ..Kind::OTHER
    },
    Kind {
        resource: "federateddeployments",
        updated: Some("status.conditions[].lastUpdateTime"),
        ..Kind::OTHER
    },
    Kind {
        resource: "federatedapplications",
        updated: Some("status.conditions[].lastUpdateTime"),
        ..Kind::OTHER
    },
];
