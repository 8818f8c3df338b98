//! `kubectl --as`: a request for somebody else runs as that one where the cluster's rules
//! let its caller impersonate it, and never as the caller.

mod refusals;

use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::kube::{Rule, Subject, config_map, pod};
use cubegate_tests::run::unique;
use cubegate_tests::{Client, until};
use serde_json::json;

use crate::support::{World, cube, in_the_world, kube, kubectl};

const READ_MAPS: Rule<'_> = Rule {
    group: "",
    resources: &["configmaps"],
    verbs: &["get", "list"],
};

/// kubectl at `member-1` with this token.
async fn run(world: &World, token: &str, arguments: &[&str]) -> Result<Output> {
    kubectl::run(&world.gateway, &kube("member-1", ""), token, arguments).await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// A new user, known to nobody's rules.
fn somebody(prefix: &str) -> String {
    format!("{prefix}-{}", unique())
}

/// What Kubernetes says to `caller` who may not be `user`.
fn refusal(user: &str, caller: &str) -> String {
    format!(
        "users \"{user}\" is forbidden: User \"{caller}\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"
    )
}

#[test]
fn kubectl_as_somebody_may_do_what_that_one_may() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let namespace = server.namespace("as").await?;
        let bob = somebody("bob");
        let admin = world.gateway.admin_token().await?;
        let in_it = ["--namespace", &namespace];
        let can_i = |verb: &'static str, who: &[&'static str]| {
            let mut all = vec!["auth", "can-i", verb, "configmaps"];
            all.extend_from_slice(who);
            all.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let asked = async |verb: &'static str, user: Option<&str>| {
            let mut arguments = can_i(verb, &[]);
            arguments.extend(in_it.map(str::to_owned));
            if let Some(user) = user {
                arguments.extend(["--as".to_owned(), user.to_owned()]);
            }
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let output = run(world, admin, &arguments).await?;
            anyhow::Ok((text(&output.stdout), text(&output.stderr)))
        };
        assert_eq!(asked("delete", None).await?.0, "yes");
        assert_eq!(asked("delete", Some(&bob)).await?.0, "no");
        assert_eq!(asked("list", Some(&bob)).await?.0, "no");

        server
            .grant(&namespace, Subject::User(&bob), &[READ_MAPS])
            .await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        server.create(&maps, &config_map("one", &json!({}))).await?;
        assert_eq!(asked("list", Some(&bob)).await?.0, "yes");
        let as_bob = ["--as", &bob];
        let list = [&["get", "configmaps", "--output=name"], &in_it[..], &as_bob].concat();
        let listed = run(world, admin, &list).await?;
        assert_eq!(text(&listed.stdout), "configmap/one", "{listed:?}");
        let delete = [&["delete", "configmap", "one"], &in_it[..], &as_bob].concat();
        let deleted = run(world, admin, &delete).await?;
        let told = text(&deleted.stderr);
        ensure!(!deleted.status.success(), "{deleted:?}");
        ensure!(
            told.contains(&format!("User \"{bob}\" cannot delete")),
            "{told}"
        );
        server.get(&format!("{maps}/one")).await?;
        Ok(())
    })
}

#[test]
fn a_user_who_may_not_impersonate_is_told_so_as_kubernetes_does() -> Result<()> {
    in_the_world(async |world| {
        let (bob, carol) = (somebody("bob"), somebody("carol"));
        let client = world.gateway.user(&carol, &[]).await?;
        let token = world.gateway.new_token(&carol).await?;
        let can_i = ["auth", "can-i", "get", "pods", "--as", &bob];
        let told = run(world, &token, &can_i).await?;
        ensure!(!told.status.success(), "{told:?}");
        let told = text(&told.stderr);
        ensure!(told.contains(&refusal(&bob, &carol)), "{told}");
        // Of what it asks for first, the API's groups, kubectl tells no more than this,
        // whoever answers.
        let got = run(world, &token, &["get", "pods", "--as", &bob]).await?;
        ensure!(!got.status.success(), "{got:?}");
        let direct = &world.stack.member.gateway_kubeconfig;
        let account = "system:serviceaccount:default:default";
        let same = kubectl::directly(direct, &["get", "pods", "--as", account]).await?;
        let last = |output: &Output| text(&output.stderr).lines().last().map(str::to_owned);
        assert_eq!(last(&got), last(&same), "{got:?}");
        for path in [kube("member-1", "/version"), cube("member-1", "/version")] {
            let answer = client.get(&path).header("impersonate-user", &bob);
            let message = answer.send().await?.kube_error(403)?;
            assert_eq!(message, refusal(&bob, &carol));
        }
        Ok(())
    })
}

#[test]
fn the_clusters_rules_say_who_may_be_whom() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let (bob, eve, carol) = (somebody("bob"), somebody("eve"), somebody("carol"));
        let team = somebody("team");
        let namespace = server.namespace("as").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        server.create(&maps, &config_map("one", &json!({}))).await?;
        server
            .grant(&namespace, Subject::Group(&team), &[READ_MAPS])
            .await?;
        let client = world.gateway.user(&carol, &[]).await?;
        let path = kube("member-1", &maps);
        let ask = |user: &str| client.get(&path).header("impersonate-user", user);
        ask(&bob).send().await?.kube_error(403)?;

        let rules = json!([
            { "apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"], "resourceNames": [bob] },
            { "apiGroups": [""], "resources": ["groups"], "verbs": ["impersonate"], "resourceNames": [team, "ungiven"] },
            { "apiGroups": ["authentication.k8s.io"], "resources": ["userextras/acme/why"], "verbs": ["impersonate"] },
        ]);
        server.grant_everywhere(&carol, &rules).await?;
        // The API server needs a moment to know its rules.
        until("carol may be bob", Duration::from_secs(10), || async {
            let message = ask(&bob).send().await?.kube_error(403)?;
            Ok(message
                .contains(&format!(
                    "User \"{bob}\" cannot list resource \"configmaps\""
                ))
                .then_some(()))
        })
        .await?;
        let in_team = ask(&bob).header("Impersonate-Group", &team);
        assert_eq!(in_team.send().await?.expect(200)?.names()?, ["one"]);
        // Of the whole request nothing is let through that is not allowed.
        let message = ask(&eve).send().await?.kube_error(403)?;
        assert_eq!(message, refusal(&eve, &carol));
        for (name, value, named) in [
            (
                "impersonate-group",
                "system:masters",
                "groups \"system:masters\"",
            ),
            ("impersonate-uid", "0", "uids.authentication.k8s.io \"0\""),
            (
                "impersonate-extra-other",
                "x",
                "userextras.authentication.k8s.io \"x\"",
            ),
        ] {
            let with = ask(&bob)
                .header("impersonate-group", &team)
                .header(name, value);
            let message = with.send().await?.kube_error(403)?;
            ensure!(
                message.starts_with(&format!(
                    "{named} is forbidden: User \"{carol}\" cannot impersonate resource \""
                )),
                "{message}"
            );
        }
        // What the gateway may not give, the API server refuses it.
        let ungiven = ask(&bob).header("impersonate-group", "ungiven");
        let message = ungiven.send().await?.kube_error(403)?;
        ensure!(
            message.starts_with("groups \"ungiven\" is forbidden: User \"cubegate\" cannot"),
            "{message}"
        );
        Ok(())
    })
}

/// Every form of path to a cluster's secrets in a namespace.
fn forms(namespace: &str) -> [String; 8] {
    const KAPIS: &str = "resources.kubesphere.io/v1alpha3/namespaces";
    let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
    [
        kube("pivot-cluster", &secrets),
        cube("pivot-cluster", &secrets),
        cube("pivot-cluster", &format!("{secrets}?pageSize=1")),
        kube(
            "pivot-cluster",
            &format!("{secrets}?filter=metadata.name~a"),
        ),
        format!("/api/clusters/pivot-cluster/v1/namespaces/{namespace}/secrets"),
        secrets,
        format!("/kapis/{KAPIS}/{namespace}/secrets"),
        format!("/kapis/clusters/pivot-cluster/{KAPIS}/{namespace}/secrets"),
    ]
}

#[test]
fn no_form_of_path_answers_as_the_caller() -> Result<()> {
    in_the_world(async |world| {
        let namespace = world.stack.pivot.kube.namespace("as").await?;
        let (admin, carol) = (world.gateway.admin().await?, somebody("carol"));
        let client = world.gateway.user(&carol, &[]).await?;
        let bob = somebody("bob");
        // KubeSphere's lists wait for what the cluster has.
        let kapis = &forms(&namespace)[6];
        until(
            "the list of KubeSphere",
            Duration::from_secs(30),
            || async { Ok((admin.get(kapis).send().await?.status == 200).then_some(())) },
        )
        .await?;
        for path in forms(&namespace) {
            admin.get(&path).send().await?.expect(200)?;
            let answer = admin.get(&path).header("IMPERSONATE-User", &bob);
            let message = answer.send().await?.kube_error(403)?;
            let expected = format!("User \"{bob}\" cannot list resource \"secrets\"");
            ensure!(message.contains(&expected), "{path}: {message}");
            let answer = client.get(&path).header("impersonate-user", "admin");
            let message = answer.send().await?.kube_error(403)?;
            assert_eq!(message, refusal("admin", &carol), "{path}");
        }
        let pod = format!("/api/v1/namespaces/{namespace}/pods/p/exec?command=sh");
        for path in [kube("pivot-cluster", &pod), cube("pivot-cluster", &pod)] {
            let token = world.gateway.admin_token().await?;
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\nAuthorization: Bearer {token}\r\nImpersonate-User: {bob}\r\n\r\n"
            );
            let mut conversation = world.gateway.raw()?.begin(request.as_bytes()).await?;
            let expected = format!("User \\\"{bob}\\\" cannot");
            conversation
                .until(&expected, Duration::from_secs(10))
                .await
                .context(path)?;
        }
        Ok(())
    })
}

#[test]
fn a_list_is_what_the_other_one_may_see_through_all_its_calls() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let (open, closed) = (server.namespace("as").await?, server.namespace("as").await?);
        let bob = somebody("bob");
        server
            .grant(&open, Subject::User(&bob), &[READ_MAPS])
            .await?;
        // More than the API server gives at once, so that the rest is counted by a call.
        for number in 0..520 {
            let map = config_map(&format!("m-{number:03}"), &json!({}));
            let path = format!("/api/v1/namespaces/{open}/configmaps");
            server.create(&path, &map).await?;
        }
        let admin = world.gateway.admin().await?;
        let list = |namespace: &str, query: &str| {
            let path = format!("/api/v1/namespaces/{namespace}/configmaps?{query}");
            cube("pivot-cluster", &path)
        };
        let paged = async |client: &Client, path: &str| {
            let answer = client.get(path).header("impersonate-user", &bob);
            let answer = answer.send().await?;
            anyhow::Ok(answer)
        };
        let answer = paged(&admin, &list(&open, "pageSize=2"))
            .await?
            .expect(200)?;
        assert_eq!(answer.names()?.len(), 2);
        assert_eq!(answer.total()?, 520);
        let query = "selector=metadata.name=m-007&pageSize=5";
        let answer = paged(&admin, &list(&open, query)).await?.expect(200)?;
        assert_eq!(
            (answer.names()?, answer.total()?),
            (vec!["m-007".to_owned()], 1)
        );
        let answer = paged(&admin, &list(&closed, "pageSize=2")).await?;
        let message = answer.kube_error(403)?;
        ensure!(
            message.contains(&format!("User \"{bob}\" cannot list")),
            "{message}"
        );
        Ok(())
    })
}

#[test]
fn a_service_account_is_one_of_its_namespace() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let (namespace, carol) = (server.namespace("as").await?, somebody("carol"));
        let account = format!("system:serviceaccount:{namespace}:builder");
        let client = world.gateway.user(&carol, &[]).await?;
        let path = kube("member-1", "/api/v1/pods");
        let answer = client.get(&path).header("impersonate-user", &account);
        let message = answer.send().await?.kube_error(403)?;
        assert_eq!(
            message,
            format!(
                "serviceaccounts \"builder\" is forbidden: User \"{carol}\" cannot impersonate resource \"serviceaccounts\" in API group \"\" in the namespace \"{namespace}\""
            )
        );
        Ok(())
    })
}

#[test]
fn the_record_says_who_acted_and_as_whom() -> Result<()> {
    in_the_world(async |world| {
        let bob = somebody("bob");
        let admin = world.gateway.admin().await?;
        let path = kube("member-1", "/api/v1/namespaces/default/secrets");
        let answer = admin.get(&path).header("impersonate-user", &bob);
        let answer = answer.send().await?.expect(403)?;
        let id = answer.header("x-request-id").context("no x-request-id")?;
        let records = format!("/api/v1/cube/audit?filter=impersonated%3D%22{bob}%22");
        let record = until("the record", Duration::from_secs(15), || async {
            let mut body = admin.get(&records).send().await?.expect(200)?.json()?;
            let items = body["items"].as_array_mut().context("no items")?;
            Ok(items.pop())
        })
        .await?;
        assert_eq!(record["user"], "admin");
        assert_eq!(record["impersonated"], json!(bob));
        assert_eq!(record["requestId"], json!(id));
        assert_eq!(record["status"], 403);
        let pods = world.stack.member.kube.namespace("as").await?;
        let body = pod("p");
        let path = kube("member-1", &format!("/api/v1/namespaces/{pods}/pods"));
        let made = admin
            .post(&path)
            .json(&body)
            .header("impersonate-user", &bob);
        made.send().await?.kube_error(403)?;
        Ok(())
    })
}
