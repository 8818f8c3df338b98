//! `cubegate import --from-kubecube`, from a real API server with KubeCube's
//! custom resources.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::cli::Ended;
use cubegate_tests::gateway::Options;
use cubegate_tests::run::unique;
use cubegate_tests::{Gateway, Site, Stack, block_on, kubeconfig, until};
use serde_json::{Value, json};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const USERS: &str = "/apis/user.kubecube.io/v1/users";
const KEYS: &str = "/apis/user.kubecube.io/v1/keys";
const CLUSTERS: &str = "/apis/cluster.kubecube.io/v1/clusters";

/// How long an API server may take to serve a new resource.
const SERVED: Duration = Duration::from_secs(30);

/// Any salt does; KubeCube's is in its source.
const SALT: &str = "pepper and salt";

/// `printf '%s' 'Admin123456pepper and salt' | md5sum`
const MD5: &str = "437af7a01a8537e109e27b1ebe2c94d9";

fn crd(group: &str, plural: &str, kind: &str) -> Value {
    json!({
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": { "plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List") },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    })
}

/// The names of one run of the test: the API server serves other tests too.
struct Names {
    user: String,
    locked: String,
    access_key: String,
    secret_key: String,
    member: String,
    dead: String,
    unverified: String,
}

impl Names {
    fn new() -> Self {
        let unique = unique();
        let key = unique.clone();
        Self {
            user: format!("jane-{unique}"),
            locked: format!("locked-{unique}"),
            access_key: format!("a{key:0>31}"),
            secret_key: format!("5{key:0>31}"),
            member: format!("taken-{unique}"),
            dead: format!("dead-{unique}"),
            unverified: format!("unverified-{unique}"),
        }
    }
}

async fn create_resources(stack: &Stack) -> Result<()> {
    let kube = &stack.pivot.kube;
    for (group, plural, kind, path) in [
        ("user.kubecube.io", "users", "User", USERS),
        ("user.kubecube.io", "keys", "Key", KEYS),
        ("cluster.kubecube.io", "clusters", "Cluster", CLUSTERS),
    ] {
        kube.ensure(CRDS, &crd(group, plural, kind)).await?;
        until(&format!("{plural} are served"), SERVED, async || {
            let status = kube.client().get(path).send().await?.status;
            Ok((status == 200).then_some(()))
        })
        .await?;
    }
    Ok(())
}

async fn fill(stack: &Stack, names: &Names) -> Result<()> {
    let kube = &stack.pivot.kube;
    let user = |name: &str, state: &str| {
        json!({
            "apiVersion": "user.kubecube.io/v1", "kind": "User", "metadata": { "name": name },
            "spec": { "displayName": "Jane", "email": "", "phone": "", "language": "zh", "loginType": "normal", "state": state, "password": MD5 },
        })
    };
    kube.create(USERS, &user(&names.user, "normal")).await?;
    kube.create(USERS, &user(&names.locked, "forbidden"))
        .await?;
    let key = json!({
        "apiVersion": "user.kubecube.io/v1", "kind": "Key", "metadata": { "name": names.access_key },
        "spec": { "secretKey": names.secret_key, "user": names.user },
    });
    kube.create(KEYS, &key).await?;
    // As kubectl takes it: what is empty is not there.
    let good = fs::read_to_string(&stack.member.gateway_kubeconfig)?.replace(
        "client-certificate-data:",
        "username: ''\n    password: ''\n    as: ''\n    as-groups: []\n    as-user-extra: {}\n    client-certificate-data:",
    );
    let mut unverified = kubeconfig::document("https://127.0.0.1:1", None);
    unverified["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = json!(true);
    for (name, config) in [
        (&names.member, good),
        (
            &names.dead,
            kubeconfig::document("http://127.0.0.1:1", None).to_string(),
        ),
        (&names.unverified, unverified.to_string()),
    ] {
        let cluster = json!({
            "apiVersion": "cluster.kubecube.io/v1", "kind": "Cluster", "metadata": { "name": name },
            "spec": { "kubeConfig": STANDARD.encode(config), "kubernetesAPIEndpoint": "127.0.0.1:6443", "isMemberCluster": true },
        });
        kube.create(CLUSTERS, &cluster).await?;
    }
    Ok(())
}

/// The result of one object in the report.
fn result<'a>(ended: &'a Ended, kind: &str, name: &str) -> Result<&'a str> {
    let words = |line: &'a str| line.split_whitespace().collect::<Vec<_>>();
    ended
        .stdout
        .lines()
        .map(words)
        .find(|words| words.get(..2) == Some(&[kind, name]))
        .and_then(|words| words.get(2).copied())
        .with_context(|| format!("the report does not name {kind} {name}: {ended:?}"))
}

async fn import(site: &Site, stack: &Stack, more: &[&str]) -> Result<Ended> {
    let path = stack.pivot.kubeconfig.display().to_string();
    let mut arguments = vec!["import", "--from-kubecube", &path, "--password-salt", SALT];
    arguments.extend(more);
    let ended = site.run(&arguments).await?;
    ensure!(ended.code == Some(0), "{ended:?}");
    Ok(ended)
}

#[test]
fn a_kubecube_is_taken_over_once_and_its_keys_passwords_and_clusters_work() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let names = Names::new();
        create_resources(stack).await?;
        fill(stack, &names).await?;
        let site = Site::new("kubecube")?;
        site.begin().await?;

        let objects = [
            ("user", &names.user, "created"),
            ("user", &names.locked, "created"),
            ("key", &names.access_key, "created"),
            ("cluster", &names.member, "created"),
            ("cluster", &names.dead, "skipped"),
            ("cluster", &names.unverified, "skipped"),
        ];
        let dry = import(&site, stack, &["--dry-run"]).await?;
        for (kind, name, wanted) in objects {
            assert_eq!(result(&dry, kind, name)?, wanted, "{name}: {dry:?}");
        }
        // The head, and the administrator of the first start.
        for (what, lines) in [("user", 2), ("key", 1), ("cluster", 1)] {
            let listed = site.ok(&[what, "list"]).await?;
            assert_eq!(
                listed.lines().count(),
                lines,
                "a dry run changes nothing: {listed}"
            );
        }

        let first = import(&site, stack, &[]).await?;
        for (kind, name, wanted) in objects {
            assert_eq!(result(&first, kind, name)?, wanted, "{name}: {first:?}");
        }
        for secret in [MD5, &names.secret_key, "PRIVATE KEY"] {
            let said = format!("{}{}", first.stdout, first.stderr);
            assert!(!said.contains(secret), "the report shows a secret: {said}");
        }

        let gateway = Gateway::start(site, &Options::default()).await?;
        for (name, password, status) in [
            (&names.user, "Admin123456", 200),
            (&names.user, "Admin123456", 200),
            (&names.user, MD5, 401),
            (&names.locked, "Admin123456", 400),
        ] {
            let answer = gateway.client().login(name, password).await?;
            answer.expect(status)?;
        }

        let pair = json!({ "accessKey": names.access_key, "secretKey": names.secret_key });
        let token = gateway
            .client()
            .post("/api/v1/cube/key/token")
            .json(&pair)
            .send()
            .await?
            .expect(200)?
            .json()?;
        let token = token["token"].as_str().context("no token")?;
        let client = gateway.client().with_bearer(token)?;
        gateway.wait_for_cluster(&client, &names.member).await?;
        let whoami = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": { "verb": "list", "resource": "pods" } } });
        let path = format!(
            "/clusters/{}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            names.member
        );
        client.post(&path).json(&whoami).send().await?.expect(201)?;

        // A login has hashed the password anew meanwhile; that is no change.
        let second = import(gateway.site(), stack, &[]).await?;
        for (kind, name, wanted) in objects {
            let wanted = if wanted == "created" {
                "unchanged"
            } else {
                wanted
            };
            assert_eq!(result(&second, kind, name)?, wanted, "{name}: {second:?}");
        }
        assert!(
            second.stdout.contains("0 created, 0 replaced"),
            "{second:?}"
        );
        gateway.health().check().await
    })
}

#[test]
fn what_is_no_kubecube_is_refused_in_one_sentence() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let site = Site::new("kubecube")?;
        site.begin().await?;
        let member = stack.member.kubeconfig.display().to_string();
        let ended = site.run(&["import", "--from-kubecube", &member]).await?;
        let sentence = ended.one_sentence()?;
        assert!(sentence.contains("pivot cluster"), "{sentence}");
        let ended = site.run(&["import", "--from-kubecube", "/nowhere"]).await?;
        assert!(ended.one_sentence()?.contains("/nowhere"));
        for wrong in [
            vec!["import"],
            vec!["import", "FILE", "--from-kubecube", "/x"],
        ] {
            assert_eq!(site.run(&wrong).await?.code, Some(2), "{wrong:?}");
        }
        Ok(())
    })
}
