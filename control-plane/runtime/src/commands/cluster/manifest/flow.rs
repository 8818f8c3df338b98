//! Which share of a member's API server the gateway's users have (API Priority and Fairness).
//!
//! An API server puts a request into a flow by whom it acts for, and not by who sends it: a
//! rule for the gateway's own user would catch nothing. All users of the gateway are in the
//! group `kubecube`, so that is what the rule names, and each of them is a flow of its own.

use std::fmt::Write as _;

use anyhow::bail;
use cubegate_token::KUBECUBE_GROUP;

/// Before `service-accounts` (9000) and `global-default` (9900), behind all that the cluster's
/// own parts match.
const PRECEDENCE: u16 = 8000;

/// What the two objects are made from.
pub(super) struct Flow<'a> {
    /// Their name.
    pub(super) name: &'a str,
    /// The gateway's own user, as a subject of a FlowSchema.
    pub(super) subject: &'a str,
    /// The version of the member's Kubernetes.
    pub(super) version: (u32, u32),
    pub(super) shares: u16,
}

// === impl Flow ===

impl Flow<'_> {
    /// Returns both as YAML, each behind a `---`.
    pub(super) fn to_yaml(&self) -> anyhow::Result<String> {
        let Self {
            name,
            subject,
            version,
            shares,
        } = self;
        let (api, shares_field) = match version {
            (1, 29..) | (2.., _) => ("v1", "nominalConcurrencyShares"),
            (1, 26..=28) => ("v1beta3", "nominalConcurrencyShares"),
            (1, 23..=25) => ("v1beta2", "assuredConcurrencyShares"),
            (1, 20..=22) => ("v1beta1", "assuredConcurrencyShares"),
            (major, minor) => bail!(
                "Kubernetes {major}.{minor} has no FlowSchema that is on by itself; use --no-flow-schema"
            ),
        };
        let mut yaml = String::new();
        write!(
            yaml,
            r#"---
# However much users of the gateway ask, everybody else of the cluster has the rest; and among
# them each user has a queue of their own. Who is asked for by `kubectl --as` is not among them.
apiVersion: flowcontrol.apiserver.k8s.io/{api}
kind: PriorityLevelConfiguration
metadata:
  name: {name}
  labels: {{ app.kubernetes.io/part-of: cubegate }}
spec:
  type: Limited
  limited:
    {shares_field}: {shares}
    limitResponse:
      type: Queue
      queuing: {{ queues: 64, handSize: 6, queueLengthLimit: 50 }}
---
apiVersion: flowcontrol.apiserver.k8s.io/{api}
kind: FlowSchema
metadata:
  name: {name}
  labels: {{ app.kubernetes.io/part-of: cubegate }}
spec:
  priorityLevelConfiguration: {{ name: {name} }}
  matchingPrecedence: {PRECEDENCE}
  distinguisherMethod: {{ type: ByUser }}
  rules:
    - subjects:
        # An API server looks at whom a request is for; all users of the gateway are in this group.
        - {{ kind: Group, group: {{ name: {KUBECUBE_GROUP} }} }}
        - {subject}
      resourceRules:
        - {{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }}
      nonResourceRules:
        - {{ verbs: ["*"], nonResourceURLs: ["*"] }}
"#
        )?;
        Ok(yaml)
    }
}
