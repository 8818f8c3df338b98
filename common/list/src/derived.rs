//! Texts that KubeSphere computes from several fields of an object: the status
//! of nodes, workloads, jobs and others.

mod pod;

use crate::path::{KeyPath, any_element, member};
use crate::value::Value;
use crate::work::Work;

/// What is computed, and from which fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Derived<F> {
    /// A node: `unschedulable`, `warning` or `running`.
    Node { unschedulable: F, conditions: F },
    /// A workload: `stopped`, `running` or `updating`.
    Workload { ready: F, desired: F },
    /// A job: `completed`, `failed` or `running`.
    Job { conditions: F },
    /// A cron job: `paused` or `running`.
    CronJob { suspend: F },
    /// A snapshot of a volume: `deleting`, `ready` or `creating`.
    Snapshot { deleted: F, ready: F },
    /// A pod: `Running`, `Completed`, `Error` or `Waiting`.
    Pod(PodFields<F>),
}

/// What the status of a pod depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PodFields<F> {
    pub(crate) phase: F,
    pub(crate) reason: F,
    pub(crate) deleted: F,
    pub(crate) init_containers: F,
    pub(crate) containers: F,
    pub(crate) conditions: F,
}

/// What a healthy node's conditions are; others do not matter.
const HEALTHY: [(&str, &str); 7] = [
    ("MemoryPressure", "False"),
    ("DiskPressure", "False"),
    ("PIDPressure", "False"),
    ("NetworkUnavailable", "False"),
    ("ConfigOK", "True"),
    ("KubeletReady", "True"),
    ("Ready", "True"),
];

// === impl Derived ===

impl Derived<&'static str> {
    /// The same with the paths that the fields have.
    pub(crate) fn paths(&self) -> Derived<KeyPath> {
        self.map(&mut |path| KeyPath::parse(path))
    }
}

impl<F> Derived<F> {
    pub(crate) fn map<G>(&self, field: &mut impl FnMut(&F) -> G) -> Derived<G> {
        match self {
            Self::Node {
                unschedulable,
                conditions,
            } => Derived::Node {
                unschedulable: field(unschedulable),
                conditions: field(conditions),
            },
            Self::Workload { ready, desired } => Derived::Workload {
                ready: field(ready),
                desired: field(desired),
            },
            Self::Job { conditions } => Derived::Job {
                conditions: field(conditions),
            },
            Self::CronJob { suspend } => Derived::CronJob {
                suspend: field(suspend),
            },
            Self::Snapshot { deleted, ready } => Derived::Snapshot {
                deleted: field(deleted),
                ready: field(ready),
            },
            Self::Pod(pod) => Derived::Pod(pod.map(field)),
        }
    }

    /// Returns the text, by what the fields hold.
    pub(crate) fn text<'a>(&self, value: impl Fn(&F) -> Value<'a>, work: &Work) -> &'static str {
        match self {
            Self::Node {
                unschedulable,
                conditions,
            } => {
                let ill = |kind: &str, status: &str| {
                    HEALTHY
                        .iter()
                        .any(|(known, healthy)| *known == kind && *healthy != status)
                };
                if value(unschedulable) == Value::Literal("true") {
                    "unschedulable"
                } else if any_condition(&value(conditions), work, &mut |kind, status| {
                    ill(kind, status)
                }) {
                    "warning"
                } else {
                    "running"
                }
            }
            Self::Workload { ready, desired } => {
                match (count(&value(ready)), count(&value(desired))) {
                    (0, 0) => "stopped",
                    (ready, desired) if ready == desired => "running",
                    _ => "updating",
                }
            }
            Self::Job { conditions } => {
                let mut status = "running";
                any_condition(&value(conditions), work, &mut |kind, is| {
                    match (kind, is) {
                        ("Complete", "True") => status = "completed",
                        ("Failed", "True") => status = "failed",
                        _ => return false,
                    }
                    true
                });
                status
            }
            Self::CronJob { suspend } => match value(suspend) {
                Value::Literal("true") => "paused",
                _ => "running",
            },
            Self::Snapshot { deleted, ready } => match (value(deleted), value(ready)) {
                (Value::Missing, Value::Literal("true")) => "ready",
                (Value::Missing, _) => "creating",
                _ => "deleting",
            },
            Self::Pod(pod) => pod::status(&pod.map(&mut |field| value(field)), work),
        }
    }
}

// === impl PodFields ===

impl<F> PodFields<F> {
    fn map<G>(&self, field: &mut impl FnMut(&F) -> G) -> PodFields<G> {
        PodFields {
            phase: field(&self.phase),
            reason: field(&self.reason),
            deleted: field(&self.deleted),
            init_containers: field(&self.init_containers),
            containers: field(&self.containers),
            conditions: field(&self.conditions),
        }
    }
}

/// Shows type and status of every condition until one satisfies.
fn any_condition(
    conditions: &Value<'_>,
    work: &Work,
    visit: &mut dyn FnMut(&str, &str) -> bool,
) -> bool {
    let Value::Array(conditions) = conditions else {
        return false;
    };
    any_element(conditions, work, &mut |condition| {
        // Both members are looked for in all of it.
        work.charge(condition.len().saturating_mul(2));
        let text = |name| {
            member(condition, name)
                .map_or(Value::Missing, Value::read)
                .into_text()
        };
        visit(&text("type"), &text("status"))
    })
}

/// A number of replicas; what is missing is 0, as in Go.
fn count(value: &Value<'_>) -> i64 {
    match value {
        Value::Literal(text) => text.parse().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubesphere::kinds::Kind;

    fn status(resource: &str, item: &str) -> &'static str {
        let derived = Kind::of(resource).status.as_ref().unwrap().paths();
        let work = Work::unlimited();
        let field = |path: &KeyPath| {
            let mut found = None;
            path.any(item.as_bytes(), &work, &mut |raw| {
                found = Some(raw.to_vec());
                true
            });
            found.map_or(Value::Missing, |raw| Value::read(raw.leak()))
        };
        derived.text(field, &work)
    }

    #[test]
    fn a_node_is_unschedulable_before_it_is_ill() {
        let node = |spec: &str, conditions: &str| {
            let item = format!(r#"{{"spec":{spec},"status":{{"conditions":[{conditions}]}}}}"#);
            status("nodes", &item)
        };
        let pressure = r#"{"type":"DiskPressure","status":"True"}"#;
        assert_eq!(node(r#"{"unschedulable":true}"#, pressure), "unschedulable");
        assert_eq!(node("{}", pressure), "warning");
        assert_eq!(
            node("{}", r#"{"status":"Unknown","type":"Ready"}"#),
            "warning"
        );
        assert_eq!(node("{}", r#"{"type":"Ready"}"#), "warning");
        assert_eq!(
            node(
                r#"{"unschedulable":false}"#,
                r#"{"type":"Ready","status":"True"},{"type":"Odd","status":"True"},7"#
            ),
            "running"
        );
        assert_eq!(status("nodes", "{}"), "running");
    }

    #[test]
    fn a_workload_runs_when_all_of_it_is_ready() {
        for (resource, stopped, running, updating) in [
            (
                "deployments",
                r#"{"spec":{"replicas":3},"status":{}}"#,
                r#"{"status":{"replicas":2,"readyReplicas":2}}"#,
                r#"{"status":{"replicas":2}}"#,
            ),
            (
                "statefulsets",
                r#"{"spec":{"replicas":0},"status":{"replicas":1}}"#,
                r#"{"spec":{"replicas":1},"status":{"readyReplicas":1}}"#,
                r#"{"spec":{"replicas":1},"status":{"readyReplicas":2}}"#,
            ),
            (
                "daemonsets",
                "{}",
                r#"{"status":{"desiredNumberScheduled":4,"numberReady":4}}"#,
                r#"{"status":{"desiredNumberScheduled":4,"numberReady":3}}"#,
            ),
        ] {
            assert_eq!(status(resource, stopped), "stopped", "{resource}");
            assert_eq!(status(resource, running), "running", "{resource}");
            assert_eq!(status(resource, updating), "updating", "{resource}");
        }
    }

    #[test]
    fn a_jobs_first_final_condition_counts() {
        let job = |conditions: &str| {
            status(
                "jobs",
                &format!(r#"{{"status":{{"conditions":[{conditions}]}}}}"#),
            )
        };
        let complete = r#"{"type":"Complete","status":"True"}"#;
        let failed = r#"{"type":"Failed","status":"True"}"#;
        assert_eq!(job(&format!("{complete},{failed}")), "completed");
        assert_eq!(job(&format!("{failed},{complete}")), "failed");
        assert_eq!(job(r#"{"type":"Complete","status":"False"}"#), "running");
        assert_eq!(job(""), "running");
    }

    #[test]
    fn a_cron_job_is_paused_and_a_snapshot_is_made_ready_and_deleted() {
        assert_eq!(status("cronjobs", r#"{"spec":{"suspend":true}}"#), "paused");
        assert_eq!(
            status("cronjobs", r#"{"spec":{"suspend":null}}"#),
            "running"
        );
        let snapshot = |metadata: &str, ready: &str| {
            let item = format!(r#"{{"metadata":{metadata},"status":{{"readyToUse":{ready}}}}}"#);
            status("volumesnapshots", &item)
        };
        assert_eq!(snapshot("{}", "true"), "ready");
        assert_eq!(snapshot("{}", "false"), "creating");
        assert_eq!(snapshot(r#"{"deletionTimestamp":"x"}"#, "true"), "deleting");
        assert_eq!(status("volumesnapshots", "{}"), "creating");
    }
}
