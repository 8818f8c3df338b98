//! `cubegate cluster manifest`: what the gateway may do in a member cluster, and nothing more.

mod flow;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use cubegate_domain::{ADMIN_GROUP, impersonated_groups};
use cubegate_token::{AUTHENTICATED_GROUP, check_group_name, check_user_name};

use self::flow::Flow;
use crate::args::ClusterManifestArgs;
use crate::{output, sources};

/// Longest name of an object that is made.
const MAX_NAME_BYTES: usize = 63;

pub(super) fn print(args: &ClusterManifestArgs) -> anyhow::Result<()> {
    output::line(manifest(args)?.trim_end());
    Ok(())
}

/// Returns the manifest as YAML. Kubernetes' RBAC can allow and not deny, so the groups are
/// named: whoever may impersonate every group may be `system:masters`.
fn manifest(args: &ClusterManifestArgs) -> anyhow::Result<String> {
    let ClusterManifestArgs {
        groups,
        users,
        name,
        namespace,
        subject_user,
        clusters_from,
        kubernetes_version,
        concurrency_shares,
        no_flow_schema,
    } = args;
    for (flag, name) in [("--name", name), ("--namespace", namespace)] {
        if !is_label(name) {
            bail!(
                "{flag} must be 1 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends"
            );
        }
    }
    for group in groups {
        if group != AUTHENTICATED_GROUP {
            check_group_name(group).context("--group cannot be used")?;
        }
    }
    let groups = groups.iter().map(String::as_str).chain([ADMIN_GROUP]);
    let groups = impersonated_groups(groups);
    let groups: BTreeSet<&str> = groups.iter().map(String::as_str).collect();
    for user in users {
        check_user_name(user).context("--user cannot be used")?;
    }
    let users: BTreeSet<&str> = users.iter().map(String::as_str).collect();

    let mut yaml = String::new();
    yaml.push_str(&match subject_user {
        Some(user) => head(&certificate_way(user)),
        None => head(&token_way(name, namespace)),
    });
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
    yaml.push_str(&rule("groups", Some(&groups))?);
    yaml.push_str(
        r#"  # What the cluster has (its version and its resources), and what this role may do.
  - nonResourceURLs: ["/version", "/api", "/api/*", "/apis", "/apis/*"]
    verbs: ["get"]
  - apiGroups: ["authorization.k8s.io"]
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    verbs: ["create"]
"#,
    );
    for product in clusters_from.iter().collect::<BTreeSet<_>>() {
        let kind = sources::kind_of(*product);
        let (group, plural) = (kind.group, kind.plural);
        write!(
            yaml,
            "  # The clusters that the gateway follows, with the kubeconfigs in them.\n  - apiGroups: [\"{group}\"]\n    resources: [\"{plural}\"]\n    verbs: [\"list\", \"watch\"]\n"
        )?;
    }
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
    if !no_flow_schema {
        let subject = match subject_user {
            Some(user) => {
                let user = serde_json::to_string(user)?;
                format!("{{ kind: User, user: {{ name: {user} }} }}")
            }
            None => format!(
                "{{ kind: ServiceAccount, serviceAccount: {{ name: {name}, namespace: {namespace} }} }}"
            ),
        };
        let flow = Flow {
            name,
            subject: &subject,
            version: *kubernetes_version,
            shares: *concurrency_shares,
        };
        yaml.push_str(&flow.to_yaml()?);
    }
    Ok(yaml)
}

fn head(way: &str) -> String {
    format!(
        r"# What the gateway may do in a member cluster: be its users, for whom it sends requests. It may read and
# write nothing as itself. Printed by `cubegate cluster manifest`; groups that users are given later are
# named with --group.
#
# Apply it, and make the kubeconfig for `cubegate cluster add`:
{way}"
    )
}

/// How the token of the service account becomes a kubeconfig.
fn token_way(name: &str, namespace: &str) -> String {
    format!(
        r"#   kubectl apply -f manifest.yaml
#   cubegate cluster kubeconfig --kubeconfig ~/.kube/config --namespace {namespace} --name {name} --output gateway.kubeconfig
# Its token is that of the Secret, which does not end; with --token-lifetime it is one that ends.
"
    )
}

/// How the user gets a client certificate from the cluster.
fn certificate_way(user: &str) -> String {
    // What openssl would read as the beginning of another part.
    let shown = user.replace(['\n', '\r', '\'', '/'], "?");
    format!(
        r"#   kubectl apply -f manifest.yaml
#   openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout gateway.key -subj '/CN={shown}' -out gateway.csr
#   kubectl apply -f - <<END
#   apiVersion: certificates.k8s.io/v1
#   kind: CertificateSigningRequest
#   metadata: {{ name: cubegate-gateway }}
#   spec:
#     signerName: kubernetes.io/kube-apiserver-client
#     usages: [digital signature, client auth]
#     request: $(base64 -w0 gateway.csr)
#   END
#   kubectl certificate approve cubegate-gateway
#   kubectl get csr cubegate-gateway -o jsonpath='{{.status.certificate}}' | base64 -d >gateway.crt
#   kubectl config view --minify --raw -o jsonpath='{{.clusters[0].cluster.certificate-authority-data}}' | base64 -d >ca.crt
#   config() {{ kubectl config --kubeconfig gateway.kubeconfig $@; }}
#   config set-cluster it --embed-certs --certificate-authority ca.crt \
#     --server $(kubectl config view --minify -o jsonpath='{{.clusters[0].cluster.server}}')
#   config set-credentials gateway --embed-certs --client-key gateway.key --client-certificate gateway.crt
#   config set-context it --cluster it --user gateway
#   config use-context it
"
    )
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
    use serde_json::{Value, json};

    use super::*;

    fn args(groups: &[&str], users: &[&str], subject_user: Option<&str>) -> ClusterManifestArgs {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        ClusterManifestArgs {
            clusters_from: Vec::new(),
            groups: owned(groups),
            users: owned(users),
            name: "cubegate-gateway".to_owned(),
            namespace: "cubegate-system".to_owned(),
            subject_user: subject_user.map(str::to_owned),
            kubernetes_version: (1, 29),
            concurrency_shares: 30,
            no_flow_schema: false,
        }
    }

    fn objects(args: &ClusterManifestArgs) -> Vec<Value> {
        serde_saphyr::from_multiple(&manifest(args).unwrap()).unwrap()
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
                "ClusterRoleBinding",
                "PriorityLevelConfiguration",
                "FlowSchema"
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
        assert_eq!(objects.len(), 4);
        assert_eq!(objects[1]["subjects"][0]["name"], "cubegate: \"x\"");
        assert_eq!(
            objects[3]["spec"]["rules"][0]["subjects"],
            json!([
                { "kind": "Group", "group": { "name": "kubecube" } },
                { "kind": "User", "user": { "name": "cubegate: \"x\"" } },
            ])
        );
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
    fn the_flow_is_of_the_version_that_the_cluster_has() {
        for (version, api, shares) in [
            ((1, 20), "v1beta1", "assuredConcurrencyShares"),
            ((1, 25), "v1beta2", "assuredConcurrencyShares"),
            ((1, 28), "v1beta3", "nominalConcurrencyShares"),
            ((1, 29), "v1", "nominalConcurrencyShares"),
            ((2, 0), "v1", "nominalConcurrencyShares"),
        ] {
            let mut args = args(&[], &[], None);
            args.kubernetes_version = version;
            let objects = objects(&args);
            let level = find(&objects, "PriorityLevelConfiguration");
            let api = format!("flowcontrol.apiserver.k8s.io/{api}");
            assert_eq!(level["apiVersion"], api.as_str());
            assert_eq!(level["spec"]["limited"][shares], 30);
            assert_eq!(find(&objects, "FlowSchema")["apiVersion"], api.as_str());
        }
        let mut old = args(&[], &[], None);
        old.kubernetes_version = (1, 19);
        let refused = manifest(&old).unwrap_err().to_string();
        assert!(refused.contains("--no-flow-schema"), "{refused}");
        old.no_flow_schema = true;
        assert_eq!(objects(&old).len(), 5);
    }

    #[test]
    fn the_local_stack_uses_what_is_printed() {
        // Its API servers are of any version.
        let mut args = args(&[], &[], Some("cubegate"));
        args.no_flow_schema = true;
        let printed = manifest(&args).unwrap();
        assert_eq!(
            printed,
            include_str!("../../../../../deploy/local/gateway-rbac.yaml"),
            "run: make generate"
        );
    }
}
