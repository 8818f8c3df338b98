//! `cubegate cluster manifest`: what the gateway may do in a member cluster, and nothing more.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use cubegate_domain::ADMIN_GROUP;
use cubegate_token::{AUTHENTICATED_GROUP, KUBECUBE_GROUP, check_group_name, check_user_name};

use crate::args::ClusterManifestArgs;
use crate::output;

/// Longest name of an object that is made.
const MAX_NAME_BYTES: usize = 63;

pub(super) fn print(args: &ClusterManifestArgs) -> anyhow::Result<()> {
    output::line(manifest(args)?.trim_end());
    Ok(())
}

/// The manifest as YAML. Kubernetes' RBAC can allow and not deny, so the groups are
/// named: whoever may impersonate every group may be `system:masters`.
fn manifest(args: &ClusterManifestArgs) -> anyhow::Result<String> {
    let ClusterManifestArgs {
        groups,
        users,
        name,
        namespace,
        subject_user,
    } = args;
    for (flag, name) in [("--name", name), ("--namespace", namespace)] {
        if !is_label(name) {
            bail!(
                "{flag} must be 1 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends"
            );
        }
    }
    let mut named = BTreeSet::from([KUBECUBE_GROUP, ADMIN_GROUP, AUTHENTICATED_GROUP]);
    for group in groups {
        if group != AUTHENTICATED_GROUP {
            check_group_name(group).context("--group cannot be used")?;
        }
        named.insert(group);
    }
    for user in users {
        check_user_name(user).context("--user cannot be used")?;
    }
    let users: BTreeSet<&str> = users.iter().map(String::as_str).collect();

    let mut yaml = String::new();
    write!(yaml, "{}", head(name, namespace, subject_user.is_some()))?;
    if subject_user.is_none() {
        write!(yaml, "{}", account(name, namespace))?;
    }
    write!(
        yaml,
        r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {name}
  labels: {{ app.kubernetes.io/part-of: cubegate }}
rules:
"#
    )?;
    if users.is_empty() {
        yaml.push_str(
            "  # Every user. RBAC cannot leave those out that begin with system: (--user names those there are);\n  # the gateway gives none of them to anybody.\n",
        );
        yaml.push_str(&rule("users", None)?);
    } else {
        yaml.push_str(&rule("users", Some(&users))?);
    }
    yaml.push_str("  # The groups that the gateway gives, and no other one: not system:masters.\n");
    yaml.push_str(&rule("groups", Some(&named))?);
    yaml.push_str(
        r#"  # What the cluster has (its version and its resources), and what this role may do.
  - nonResourceURLs: ["/version", "/api", "/api/*", "/apis", "/apis/*"]
    verbs: ["get"]
  - apiGroups: ["authorization.k8s.io"]
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    verbs: ["create"]
"#,
    );
    let subject = match subject_user {
        Some(user) => {
            let user = serde_json::to_string(user)?;
            format!("{{ apiGroup: rbac.authorization.k8s.io, kind: User, name: {user} }}")
        }
        None => format!("{{ kind: ServiceAccount, name: {name}, namespace: {namespace} }}"),
    };
    write!(
        yaml,
        r#"---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {name}
  labels: {{ app.kubernetes.io/part-of: cubegate }}
roleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name} }}
subjects:
  - {subject}
"#
    )?;
    Ok(yaml)
}

fn head(name: &str, namespace: &str, has_subject: bool) -> String {
    let mut head = String::from(
        "# What the gateway may do in a member cluster: be its users, for whom it sends requests. It may read and\n# write nothing as itself. Printed by `cubegate cluster manifest`; groups that users are given later are\n# named with --group.\n",
    );
    if !has_subject {
        head.push_str(&format!(
            r"#
# Apply it, and make the kubeconfig for `cubegate cluster add`:
#   kubectl apply -f manifest.yaml
#   secret() {{ kubectl -n {namespace} get secret {name} -o jsonpath={{.data.$1}} | base64 -d; }}
#   secret 'ca\.crt' >ca.crt
#   kubectl config --kubeconfig gateway.kubeconfig set-cluster it --embed-certs --certificate-authority ca.crt \
#     --server $(kubectl config view --minify -o jsonpath='{{.clusters[0].cluster.server}}')
#   kubectl config --kubeconfig gateway.kubeconfig set-credentials gateway --token $(secret token)
#   kubectl config --kubeconfig gateway.kubeconfig set-context it --cluster it --user gateway
#   kubectl config --kubeconfig gateway.kubeconfig use-context it
",
        ));
    }
    head
}

fn account(name: &str, namespace: &str) -> String {
    format!(
        r"apiVersion: v1
kind: Namespace
metadata:
  name: {namespace}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{ app.kubernetes.io/part-of: cubegate }}
# Its token is for the gateway, which runs elsewhere.
automountServiceAccountToken: false
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{ app.kubernetes.io/part-of: cubegate }}
  annotations: {{ kubernetes.io/service-account.name: {name} }}
---
"
    )
}

/// A rule to impersonate what a resource stands for: these names, or all.
fn rule(resource: &str, names: Option<&BTreeSet<&str>>) -> anyhow::Result<String> {
    let mut rule = format!(
        "  - apiGroups: [\"\"]\n    resources: [\"{resource}\"]\n    verbs: [\"impersonate\"]\n"
    );
    if let Some(names) = names {
        rule.push_str("    resourceNames:\n");
        for name in names {
            // A JSON string is a YAML scalar that cannot be anything else.
            rule.push_str(&format!("      - {}\n", serde_json::to_string(name)?));
        }
    }
    Ok(rule)
}

/// A DNS-1123 label, as namespaces are named.
fn is_label(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| plain(byte) || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::{Value, json};

    use super::*;

    fn args(groups: &[&str], users: &[&str], subject_user: Option<&str>) -> ClusterManifestArgs {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        ClusterManifestArgs {
            groups: owned(groups),
            users: owned(users),
            name: "cubegate-gateway".to_owned(),
            namespace: "cubegate-system".to_owned(),
            subject_user: subject_user.map(str::to_owned),
        }
    }

    fn objects(args: &ClusterManifestArgs) -> Vec<Value> {
        serde_yaml_ng::Deserializer::from_str(&manifest(args).unwrap())
            .map(|document| Value::deserialize(document).unwrap())
            .collect()
    }

    fn find<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
        objects
            .iter()
            .find(|object| object["kind"] == kind)
            .unwrap()
    }

    #[test]
    fn the_groups_are_named_and_none_of_them_is_kubernetes_own_but_authenticated() {
        let objects = objects(&args(
            &["team-a", "kubecube", "system:authenticated"],
            &[],
            None,
        ));
        let rules = &find(&objects, "ClusterRole")["rules"];
        assert_eq!(
            rules[1],
            json!({
                "apiGroups": [""], "resources": ["groups"], "verbs": ["impersonate"],
                "resourceNames": ["cubegate:admins", "kubecube", "system:authenticated", "team-a"],
            })
        );
        assert_eq!(rules[0].get("resourceNames"), None);
        let kinds: Vec<_> = objects.iter().map(|object| &object["kind"]).collect();
        assert_eq!(
            kinds,
            [
                "Namespace",
                "ServiceAccount",
                "Secret",
                "ClusterRole",
                "ClusterRoleBinding"
            ]
        );
        assert_eq!(
            find(&objects, "ClusterRoleBinding")["subjects"][0],
            json!({ "kind": "ServiceAccount", "name": "cubegate-gateway", "namespace": "cubegate-system" })
        );
    }

    #[test]
    fn users_may_be_named_and_the_subject_may_be_a_certificates_user() {
        let objects = objects(&args(&[], &["jeff", "ann"], Some("cubegate: \"x\"")));
        let rules = &find(&objects, "ClusterRole")["rules"];
        assert_eq!(rules[0]["resourceNames"], json!(["ann", "jeff"]));
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[1]["subjects"][0]["name"], "cubegate: \"x\"");
    }

    #[test]
    fn names_that_kubernetes_keeps_for_itself_are_refused() {
        for (args, expected) in [
            (args(&["system:masters"], &[], None), "--group"),
            (args(&["SYSTEM:masters"], &[], None), "--group"),
            (args(&[], &["system:admin"], None), "--user"),
        ] {
            let error = manifest(&args).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let mut named = args(&[], &[], None);
        named.name = "a\nb".to_owned();
        assert!(manifest(&named).is_err());
    }

    #[test]
    fn the_local_stack_uses_what_is_printed() {
        let printed = manifest(&args(&[], &[], Some("cubegate"))).unwrap();
        assert_eq!(
            printed,
            include_str!("../../../../../deploy/local/gateway-rbac.yaml"),
            "run: make generate"
        );
    }
}
