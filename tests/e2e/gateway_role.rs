//! The role that `cubegate cluster manifest` prints, in a real API server.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::kube::{Rule, Subject};
use cubegate_tests::kubeconfig::{self, Kubeconfig};
use cubegate_tests::run::unique;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::{Client, Site};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::support::{cube, in_the_world};

/// Makes in the cluster what is printed, as `kubectl apply` would.
async fn apply(server: &ApiServer, printed: &str) -> Result<()> {
    const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
    for document in serde_yaml_ng::Deserializer::from_str(printed) {
        let object = Value::deserialize(document)?;
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let collection = match object["kind"].as_str().context("no kind")? {
            "Namespace" => "/api/v1/namespaces".to_owned(),
            "ServiceAccount" => format!("/api/v1/namespaces/{namespace}/serviceaccounts"),
            "Secret" => format!("/api/v1/namespaces/{namespace}/secrets"),
            "ClusterRole" => format!("{RBAC}/clusterroles"),
            "ClusterRoleBinding" => format!("{RBAC}/clusterrolebindings"),
            kind => anyhow::bail!("{kind} is not expected"),
        };
        server.kube.create(&collection, &object).await?;
    }
    Ok(())
}

/// A token of the account: nobody fills the Secret where no controllers run.
async fn token(server: &ApiServer, namespace: &str, account: &str) -> Result<String> {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let request =
        json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
    let answer = server.kube.create(&path, &request).await?;
    let token = answer["status"]["token"].as_str().context("no token")?;
    Ok(token.to_owned())
}

fn write_kubeconfig(site: &Site, server: &ApiServer, token: &str) -> Result<PathBuf> {
    let config = Kubeconfig::read(&server.kubeconfig)?;
    let ca = std::str::from_utf8(&config.ca)?;
    let mut document = kubeconfig::document(&config.server, Some(ca));
    document["users"][0]["user"] = json!({ "token": token });
    let file = site.dir().join(format!("{}.kubeconfig", unique()));
    fs::write(&file, document.to_string())?;
    Ok(file)
}

#[test]
fn the_printed_role_gives_users_and_the_named_groups_and_nothing_else() -> Result<()> {
    in_the_world(async |world| {
        let (gateway, server) = (&world.gateway, &world.stack.member);
        let name = format!("role-{}", unique());
        let team = format!("team-{}", unique());
        let printed = gateway
            .site()
            .ok(&[
                "cluster",
                "manifest",
                "--group",
                &team,
                "--name",
                &name,
                "--namespace",
                &name,
            ])
            .await?;
        apply(server, &printed).await?;
        let token = token(server, &name, &name).await?;

        // By itself it is nobody, and it is no member of Kubernetes' own groups.
        let config = Kubeconfig::read(&server.kubeconfig)?;
        let direct = Client::tls(&config.server, &config.ca, None)?.with_bearer(&token)?;
        let pods = "/api/v1/namespaces/default/pods";
        let own = direct.get(pods).send().await?.kube_error(403)?;
        ensure!(
            own.contains(&format!("serviceaccount:{name}:{name}")),
            "{own}"
        );
        for group in ["system:masters", "system:nodes", "another-team"] {
            let answer = direct
                .get(pods)
                .header("impersonate-user", "jeff")
                .header("impersonate-group", group);
            let refusal = answer.send().await?.kube_error(403)?;
            ensure!(refusal.contains("cannot impersonate"), "{group}: {refusal}");
        }
        let account = format!("system:serviceaccount:{name}:{name}");
        let answer = direct.get(pods).header("impersonate-user", &account);
        let refusal = answer.send().await?.kube_error(403)?;
        ensure!(refusal.contains("cannot impersonate"), "{refusal}");

        // It is enough for the gateway, which has no fault to find.
        let file = write_kubeconfig(gateway.site(), server, &token)?;
        let file = file.display().to_string();
        let site = Site::new("role")?;
        site.ok(&[
            "user",
            "add",
            "jeff",
            "--password",
            "a good Passw0rd",
            "--group",
            &team,
        ])
        .await?;
        let ended = site
            .run(&["cluster", "add", &name, "--kubeconfig", &file])
            .await?;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        gateway
            .site()
            .add_cluster(&name, file.as_ref(), true)
            .await?;
        let user = format!("member-{}", unique());
        let client = gateway.user(&user, &[&team]).await?;
        gateway.wait_for_cluster(&client, &name).await?;
        let namespace = server.kube.namespace("role").await?;
        let rule = Rule {
            group: "",
            resources: &["pods"],
            verbs: &["list"],
        };
        server
            .kube
            .grant(&namespace, Subject::Group(&team), &[rule])
            .await?;
        let path = cube(&name, &format!("/api/v1/namespaces/{namespace}/pods"));
        client.get(&path).send().await?.expect(200)?;
        Ok(())
    })
}

#[test]
fn a_credential_with_more_or_fewer_rights_than_the_gateway_needs_is_warned_about() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member;
        let site = Site::new("rights")?;
        site.begin().await?;
        let add = async |name: &str, file: &PathBuf| {
            let file = file.display().to_string();
            let ended = site
                .run(&["cluster", "add", name, "--kubeconfig", &file])
                .await?;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            Ok::<_, anyhow::Error>(ended.stderr)
        };
        assert_eq!(add("right", &server.gateway_kubeconfig).await?, "");

        let said = add("administrator", &server.kubeconfig).await?;
        for part in ["system:masters", "rights of its own (", "cluster manifest"] {
            ensure!(said.contains(part), "{part}: {said}");
        }

        // Nobody may be impersonated, and secrets can be read.
        let account = format!("reader-{}", unique());
        let namespace = server.kube.namespace("reader").await?;
        let collection = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        let object = json!({ "metadata": { "name": account } });
        server.kube.create(&collection, &object).await?;
        let role = json!({
            "metadata": { "name": account },
            "rules": [{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] }],
        });
        let binding = json!({
            "metadata": { "name": account },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": account },
            "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": namespace }],
        });
        let rbac = "/apis/rbac.authorization.k8s.io/v1";
        server
            .kube
            .create(&format!("{rbac}/clusterroles"), &role)
            .await?;
        server
            .kube
            .create(&format!("{rbac}/clusterrolebindings"), &binding)
            .await?;
        let token = token(server, &namespace, &account).await?;
        let file = write_kubeconfig(&site, server, &token)?;
        let said = add("reader", &file).await?;
        ensure!(
            said.contains("may not impersonate users and groups"),
            "{said}"
        );
        ensure!(said.contains("(get secrets)"), "{said}");
        // The API says the same.
        let body = json!({
            "name": format!("reader-{}", unique()), "kubeconfig": fs::read_to_string(&file)?,
        });
        let admin = world.gateway.admin().await?;
        let answer = admin
            .post("/api/v1/cube/clusters")
            .json(&body)
            .send()
            .await?
            .expect(200)?;
        ensure!(answer.text().contains("(get secrets)"), "{}", answer.text());

        let team = format!("team-{}", unique());
        site.ok(&[
            "user",
            "add",
            "jeff",
            "--password",
            "a good Passw0rd",
            "--group",
            &team,
        ])
        .await?;
        let said = add("group", &server.gateway_kubeconfig).await?;
        let expected = format!("may not impersonate the group {team},");
        ensure!(
            said.contains(&expected) && said.contains("--group"),
            "{said}"
        );
        Ok(())
    })
}

#[test]
fn a_role_is_not_printed_for_a_group_of_kubernetes_own() -> Result<()> {
    in_the_world(async |world| {
        for flags in [["--group", "system:masters"], ["--user", "system:admin"]] {
            let arguments = [&["cluster", "manifest"], &flags[..]].concat();
            let ended = world.gateway.site().run(&arguments).await?;
            let sentence = ended.one_sentence()?;
            ensure!(sentence.contains("keeps for itself"), "{sentence}");
        }
        Ok(())
    })
}
