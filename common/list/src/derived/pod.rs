//! The status of a pod as KubeSphere tells it: what `kubectl get` prints, in four words.

use super::PodFields;
use crate::path::{any_element, member};
use crate::value::Value;
use crate::work::Work;

const RUNNING: &str = "Running";
const COMPLETED: &str = "Completed";
const ERROR: &str = "Error";
const WAITING: &str = "Waiting";

/// What a pod's containers say.
struct Containers {
    /// The reason of the first one that has one.
    reason: Option<String>,
    /// One of them is ready and runs.
    run: bool,
}

/// Returns the status of a pod.
pub(super) fn status(pod: &PodFields<Value<'_>>, work: &Work) -> &'static str {
    if pod.deleted != Value::Missing || initializes(&pod.init_containers, work) {
        return WAITING;
    }
    let containers = Containers::read(&pod.containers, work);
    let reason = containers.reason.unwrap_or_else(|| {
        let own = pod.reason.clone().into_text();
        if own.is_empty() {
            pod.phase.clone().into_text().into_owned()
        } else {
            own.into_owned()
        }
    });
    match reason.as_str() {
        // One has ended, and another one runs.
        COMPLETED if containers.run => {
            let is_ready = any_ready(&pod.conditions, work, &mut |condition| {
                text(condition, "status", work) == "True"
            });
            if is_ready { RUNNING } else { WAITING }
        }
        RUNNING => RUNNING,
        COMPLETED => COMPLETED,
        "Failed" | ERROR => ERROR,
        "Succeeded" => {
            let is_other = any_ready(&pod.conditions, work, &mut |condition| {
                text(condition, "reason", work) != "PodCompleted"
            });
            if is_other { WAITING } else { COMPLETED }
        }
        // The node had too little of something.
        reason if reason.starts_with("OutOf") => ERROR,
        _ => WAITING,
    }
}

/// Returns whether one of the containers that run first has not ended well yet.
fn initializes(statuses: &Value<'_>, work: &Work) -> bool {
    each(statuses, work, &mut |container| {
        let ended = state(container, "terminated", work);
        let code = ended.map(|ended| text(ended, "exitCode", work));
        // Go reads no code as 0.
        !code.is_some_and(|code| code.is_empty() || code == "0")
    })
}

// === impl Containers ===

impl Containers {
    fn read(statuses: &Value<'_>, work: &Work) -> Self {
        let mut found = Self {
            reason: None,
            run: false,
        };
        each(statuses, work, &mut |container| {
            let waits = state(container, "waiting", work)
                .map(|waits| text(waits, "reason", work))
                .filter(|reason| !reason.is_empty());
            let ended =
                state(container, "terminated", work).map(|ended| text(ended, "reason", work));
            let reason = match (waits, ended) {
                (Some(reason), _) => Some(reason),
                // It is a signal or an exit code, which is no reason of the four.
                (None, Some(reason)) if reason.is_empty() => Some("ExitCode".to_owned()),
                (None, ended) => ended,
            };
            match reason {
                Some(reason) => {
                    found.reason.get_or_insert(reason);
                }
                None => {
                    found.run |= text(container, "ready", work) == "true"
                        && state(container, "running", work).is_some();
                }
            }
            false
        });
        found
    }
}

/// Shows the conditions of the type `Ready` until one satisfies.
fn any_ready(conditions: &Value<'_>, work: &Work, visit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    each(conditions, work, &mut |condition| {
        text(condition, "type", work) == "Ready" && visit(condition)
    })
}

fn each<'a>(array: &Value<'a>, work: &Work, visit: &mut dyn FnMut(&'a [u8]) -> bool) -> bool {
    match array {
        Value::Array(array) => any_element(array, work, visit),
        _ => false,
    }
}

/// Returns this state of a container, if it is in it.
fn state<'a>(container: &'a [u8], name: &str, work: &Work) -> Option<&'a [u8]> {
    work.charge(container.len());
    let states = member(container, "state")?;
    member(states, name).filter(|state| state.starts_with(b"{"))
}

fn text(object: &[u8], name: &str, work: &Work) -> String {
    work.charge(object.len());
    let value = member(object, name).map_or(Value::Missing, Value::read);
    value.into_text().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(text: &str) -> Value<'_> {
        Value::read(text.as_bytes())
    }

    fn of(phase: &'static str, containers: &str, init: &str, conditions: &str) -> &'static str {
        let pod = PodFields {
            phase: Value::Text(phase.into()),
            reason: Value::Missing,
            deleted: Value::Missing,
            init_containers: array(init),
            containers: array(containers),
            conditions: array(conditions),
        };
        status(&pod, &Work::unlimited())
    }

    const RUNS: &str = r#"{"ready":true,"state":{"running":{}}}"#;
    const ENDED: &str = r#"{"state":{"terminated":{"reason":"Completed","exitCode":0}}}"#;
    const READY: &str = r#"[{"type":"Ready","status":"True"}]"#;

    #[test]
    fn the_first_container_with_a_reason_says_it() {
        let crashes = r#"{"ready":false,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}"#;
        let failed = r#"{"state":{"terminated":{"reason":"Error","exitCode":1}}}"#;
        let killed = r#"{"state":{"terminated":{"signal":9}}}"#;
        for (phase, containers, expected) in [
            ("Running", format!("[{RUNS}]"), RUNNING),
            ("Pending", "[]".to_owned(), WAITING),
            ("Running", format!("[{crashes},{RUNS}]"), WAITING),
            ("Running", format!("[{failed},{crashes}]"), ERROR),
            ("Running", format!("[{RUNS},{failed}]"), ERROR),
            ("Failed", format!("[{killed}]"), WAITING),
            ("Failed", "null".to_owned(), ERROR),
            ("Unknown", "null".to_owned(), WAITING),
            // An empty reason is none.
            (
                "Running",
                r#"[{"state":{"waiting":{"reason":""}}}]"#.to_owned(),
                RUNNING,
            ),
        ] {
            assert_eq!(of(phase, &containers, "[]", "[]"), expected, "{containers}");
        }
    }

    #[test]
    fn what_has_ended_is_completed_unless_something_runs_on() {
        let both = format!("[{ENDED},{RUNS}]");
        assert_eq!(of("Running", &both, "[]", READY), RUNNING);
        assert_eq!(of("Running", &both, "[]", "[]"), WAITING);
        assert_eq!(
            of("Succeeded", &format!("[{ENDED}]"), "[]", "[]"),
            COMPLETED
        );
        assert_eq!(of("Succeeded", "[]", "[]", "[]"), COMPLETED);
        let completed = r#"[{"type":"Ready","status":"False","reason":"PodCompleted"}]"#;
        assert_eq!(of("Succeeded", "[]", "[]", completed), COMPLETED);
        assert_eq!(of("Succeeded", "[]", "[]", READY), WAITING);
    }

    #[test]
    fn a_pod_that_begins_or_ends_waits() {
        let done = r#"{"state":{"terminated":{"exitCode":0}}}"#;
        let broken = r#"{"state":{"terminated":{"exitCode":1,"reason":"Error"}}}"#;
        let runs = format!("[{RUNS}]");
        assert_eq!(of("Running", &runs, &format!("[{done}]"), READY), RUNNING);
        assert_eq!(
            of("Pending", &runs, &format!("[{done},{broken}]"), READY),
            WAITING
        );
        assert_eq!(
            of("Pending", &runs, r#"[{"state":{"running":{}}}]"#, READY),
            WAITING
        );
        let pod = |deleted, reason| PodFields {
            phase: Value::Text("Failed".into()),
            reason,
            deleted,
            init_containers: Value::Missing,
            containers: Value::Missing,
            conditions: Value::Missing,
        };
        let deleted = Value::Text("2026-01-01T00:00:00Z".into());
        let work = Work::unlimited();
        assert_eq!(status(&pod(deleted, Value::Missing), &work), WAITING);
        let evicted = Value::Text("Evicted".into());
        assert_eq!(status(&pod(Value::Missing, evicted), &work), WAITING);
        let full = Value::Text("OutOfcpu".into());
        assert_eq!(status(&pod(Value::Missing, full), &work), ERROR);
    }
}
