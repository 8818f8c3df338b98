//! The role that `cubegate cluster manifest` prints, in a real API server.

mod certificate;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::kube::{Rule, Subject};
use cubegate_tests::kubeconfig::{self, Kubeconfig};
use cubegate_tests::run::unique;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::{Answer, Client, Site, until};
use serde_json::{Value, json};

use crate::support::{cube, in_the_world};

/// An API server reads its FlowSchemas anew within moments.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes in the cluster what is printed, as `kubectl apply` would.
pub(crate) async fn apply(server: &ApiServer, printed: &str) -> Result<()> {
    const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
    let flow = format!("/apis/{}", flow_control(server).await?.1);
    for object in serde_saphyr::from_multiple::<Value>(printed)? {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let collection = match object["kind"].as_str().context("no kind")? {
            "Namespace" => "/api/v1/namespaces".to_owned(),
            "ServiceAccount" => format!("/api/v1/namespaces/{namespace}/serviceaccounts"),
            "Secret" => format!("/api/v1/namespaces/{namespace}/secrets"),
            "ClusterRole" => format!("{RBAC}/clusterroles"),
            "ClusterRoleBinding" => format!("{RBAC}/clusterrolebindings"),
            "PriorityLevelConfiguration" => format!("{flow}/prioritylevelconfigurations"),
            "FlowSchema" => format!("{flow}/flowschemas"),
            kind => anyhow::bail!("{kind} is not expected"),
        };
        server.kube.create(&collection, &object).await?;
    }
    Ok(())
}

/// The server's Kubernetes as the command wants it, and its version of flow control.
async fn flow_control(server: &ApiServer) -> Result<(String, &'static str)> {
    let version: Value = server.kube.get("/version").await?.json()?;
    let part = |name: &str| {
        let digits = version[name].as_str().unwrap_or_default();
        digits.trim_end_matches('+').to_owned()
    };
    let (major, minor) = (part("major"), part("minor"));
    let api = match minor.parse()? {
        0..=22 => "flowcontrol.apiserver.k8s.io/v1beta1",
        23..=25 => "flowcontrol.apiserver.k8s.io/v1beta2",
        26..=28 => "flowcontrol.apiserver.k8s.io/v1beta3",
        _ => "flowcontrol.apiserver.k8s.io/v1",
    };
    Ok((format!("{major}.{minor}"), api))
}

/// A token of the account: nobody fills the Secret where no controllers run.
async fn token(server: &ApiServer, namespace: &str, account: &str) -> Result<String> {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    // Two days: of one that ends within a day `cluster add` warns.
    let spec = json!({ "expirationSeconds": 172_800 });
    let request =
        json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec });
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

/// A user in this group.
async fn add_jeff(site: &Site, group: &str) -> Result<()> {
    let add = ["user", "add", "jeff", "--password", "a good Passw0rd"];
    let add = [&add[..], &["--group", group]].concat();
    site.ok(&add).await.map(drop)
}

#[test]
fn the_printed_role_gives_users_and_the_named_groups_and_nothing_else() -> Result<()> {
    in_the_world(async |world| {
        let (gateway, server) = (&world.gateway, &world.stack.member);
        let name = format!("role-{}", unique());
        let team = format!("team-{}", unique());
        let (version, flow) = flow_control(server).await?;
        let own = ["--name", &name, "--namespace", &name];
        let manifest = ["cluster", "manifest", "--group", &team];
        let manifest = [&manifest[..], &own, &["--kubernetes-version", &version]].concat();
        let printed = gateway.site().ok(&manifest).await?;
        apply(server, &printed).await?;

        // Its kubeconfig, by the administrator's. Two days: of one that ends within a day
        // `cluster add` warns.
        let file = gateway.site().dir().join(format!("{name}.kubeconfig"));
        let file = file.display().to_string();
        let administrator = server.kubeconfig.display().to_string();
        let kubeconfig = ["cluster", "kubeconfig", "--kubeconfig", &administrator];
        let kubeconfig = [&kubeconfig[..], &own, &["--output", &file]].concat();
        // Nobody fills the Secret where no controllers run.
        let refused = gateway.site().run(&kubeconfig).await?;
        let refused = refused.one_sentence()?.to_owned();
        ensure!(refused.contains("--token-lifetime"), "{refused}");
        let lifetime = ["--token-lifetime", "172800"];
        gateway
            .site()
            .ok(&[&kubeconfig[..], &lifetime].concat())
            .await?;
        let written: Value = serde_saphyr::from_str(&fs::read_to_string(&file)?)?;
        let token = written["users"][0]["user"]["token"].as_str();
        let token = token.context("no token")?;
        let mode = fs::metadata(&file)?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        // By itself it is nobody, and it is no member of Kubernetes' own groups.
        let config = Kubeconfig::read(&server.kubeconfig)?;
        let direct = Client::tls(&config.server, &config.ca, None)?.with_bearer(token)?;
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
        let site = Site::new("role")?;
        add_jeff(&site, &team).await?;
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
        let listed = until("the API server knows the binding", PATIENCE, || async {
            let answer = client.get(&path).send().await?;
            Ok((answer.status != 403).then_some(answer))
        });
        listed.await?.expect(200)?;

        // What the gateway asks for its users has its own share of the API server, and so has
        // what it asks for itself; an administrator's requests do not.
        let path = format!("/apis/{flow}/flowschemas/{name}");
        let schema: Value = server.kube.get(&path).await?.json()?;
        let uid = schema["metadata"]["uid"].as_str().context("no uid")?;
        let header = "x-kubernetes-pf-flowschema-uid";
        let classified = |answer: &Answer| answer.header(header).as_deref() == Some(uid);
        let sorted = until("the API server sorts by it", PATIENCE, || {
            let asked = direct
                .get(pods)
                .header("impersonate-user", &user)
                .header("impersonate-group", "kubecube");
            async { Ok(classified(&asked.send().await?).then_some(())) }
        });
        sorted.await?;
        ensure!(classified(&direct.get("/version").send().await?));
        ensure!(!classified(&server.kube.get("/version").await?));
        server.kube.delete(&path).await?;
        let path = format!("/apis/{flow}/prioritylevelconfigurations/{name}");
        server.kube.delete(&path).await
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
        add_jeff(&site, &team).await?;
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
