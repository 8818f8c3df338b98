//! Texts that KubeSphere computes from several fields of an object: the status
//! of nodes, workloads and jobs.

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

impl Derived<KeyPath> {
    /// The status of the objects of a resource, if it is computed.
    ///
    /// A Deployment's desired replicas are those of its status and a
    /// StatefulSet's those of its spec, as in KubeSphere v3.0.
    pub(crate) fn status(resource: &str) -> Option<Self> {
        let workload = |ready, desired| Self::Workload {
            ready: KeyPath::parse(ready),
            desired: KeyPath::parse(desired),
        };
        match resource {
            "nodes" => Some(Self::Node {
                unschedulable: KeyPath::parse("spec.unschedulable"),
                conditions: KeyPath::parse("status.conditions"),
            }),
            "deployments" => Some(workload("status.readyReplicas", "status.replicas")),
            "statefulsets" => Some(workload("status.readyReplicas", "spec.replicas")),
            "daemonsets" => Some(workload(
                "status.numberReady",
                "status.desiredNumberScheduled",
            )),
            "jobs" => Some(Self::Job {
                conditions: KeyPath::parse("status.conditions"),
            }),
            _ => None,
        }
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
        }
    }

    /// The text, by what the fields hold.
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

    fn status(resource: &str, item: &str) -> &'static str {
        let derived = Derived::status(resource).unwrap();
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
}
