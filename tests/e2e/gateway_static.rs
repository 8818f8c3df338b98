//! `cubegate render static`: an Envoy beside an application, without a control plane.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::free_port;
use cubegate_tests::kube::{Rule, Subject};
use cubegate_tests::run::unique;
use cubegate_tests::static_envoy::{Envoy, LISTENER};
use cubegate_tests::{Artifacts, Client, Run, Site};
use serde_json::json;

use crate::support::{World, in_the_world, kube};

/// Renders a folder with these flags, and starts Envoy with it.
async fn sidecar(site: &Site, flags: &[&str]) -> Result<(Envoy, PathBuf)> {
    let dir = Run::current()?.folder(&unique())?;
    let folder = dir.join("rendered");
    let (port, admin) = (free_port()?, free_port()?);
    let output = folder.display().to_string();
    let filter = Artifacts::find()?.filter.display().to_string();
    let (listen, page) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{admin}"));
    let own = [
        "render",
        "static",
        "--output",
        &output,
        "--filter",
        &filter,
        "--listen",
        &listen,
        "--envoy-admin",
        &page,
    ];
    let said = site.ok(&[&own[..], flags].concat()).await?;
    let file = folder.join("static.yaml");
    ensure!(
        said.contains(&format!("envoy -c {}", file.display())),
        "{said}"
    );
    let admin = format!("http://{page}");
    let bases = BTreeMap::from([(LISTENER, format!("http://{listen}"))]);
    let envoy = Envoy::launch(dir, &file, &["--concurrency", "1"], &admin, bases);
    Ok((envoy.await?, folder))
}

/// `NAME=KUBECONFIG`
fn cluster(name: &str, kubeconfig: &Path) -> String {
    format!("{name}={}", kubeconfig.display())
}

/// A kubeconfig with a token of an account that may impersonate this user alone.
async fn bound_to(world: &World, user: &str) -> Result<String> {
    let server = &world.stack.member;
    let name = format!("sidecar-{}", unique());
    let site = world.gateway.site();
    let own = ["--name", &name, "--namespace", &name];
    let manifest = ["cluster", "manifest", "--no-flow-schema", "--user", user];
    let printed = site.ok(&[&manifest[..], &own].concat()).await?;
    crate::gateway_role::apply(server, &printed).await?;
    let file = site.dir().join(format!("{name}.kubeconfig"));
    let file = file.display().to_string();
    let administrator = server.kubeconfig.display().to_string();
    let write = [
        "cluster",
        "kubeconfig",
        "--kubeconfig",
        &administrator,
        "--output",
        &file,
        "--token-lifetime",
        "7200",
    ];
    site.ok(&[&write[..], &own].concat()).await?;
    Ok(file)
}

#[test]
fn a_rendered_envoy_serves_clusters_with_tokens_of_the_gateway() -> Result<()> {
    in_the_world(async |world| {
        let (gateway, server) = (&world.gateway, &world.stack.member);
        let user = format!("app-{}", unique());
        gateway.user(&user, &[]).await?;
        let token = gateway.new_token(&user).await?;
        let namespace = server.kube.namespace("sidecar").await?;
        let rule = Rule {
            group: "",
            resources: &["configmaps"],
            verbs: &["list", "watch"],
        };
        server
            .kube
            .grant(&namespace, Subject::User(&user), &[rule])
            .await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        for name in ["a", "b", "c"] {
            let object = json!({ "metadata": { "name": name } });
            server.kube.create(&maps, &object).await?;
        }

        // One cluster by a client certificate, the same one by a token that is good for this
        // user alone.
        let first = cluster("member-1", &server.gateway_kubeconfig);
        let second = cluster("by-token", Path::new(&bound_to(world, &user).await?));
        let clusters = ["--cluster", &first, "--cluster", &second];
        let (envoy, folder) = sidecar(gateway.site(), &clusters).await?;
        let base = envoy.base(LISTENER)?;
        let client = Client::plain(&base)?.with_bearer(&token)?;
        for name in ["member-1", "by-token"] {
            let query = "?pageSize=2&sortName=metadata.name&sortOrder=desc";
            let page = client.get(&(kube(name, &maps) + query)).send().await?;
            let page = page.expect(200)?;
            assert_eq!(page.names()?, ["c", "b"], "{name}");
            assert_eq!(page.total()?, 3, "{name}");
            // RBAC decides there, as ever.
            let path = kube(name, "/api/v1/namespaces/default/secrets");
            let refused = client.get(&path).send().await?.kube_error(403)?;
            ensure!(refused.contains(&user), "{refused}");
        }
        // Paths that name no cluster are the first one's.
        client.get(&maps).send().await?.expect(200)?;
        let nobody = Client::plain(&base)?.get(&maps).send().await?;
        ensure!(nobody.kube_error(403)?.contains("system:anonymous"));

        // Whom the token may not impersonate, nobody gets there as.
        let admin = Client::plain(&base)?.with_bearer(gateway.admin_token().await?)?;
        admin
            .get(&kube("member-1", &maps))
            .send()
            .await?
            .expect(200)?;
        let refused = admin.get(&kube("by-token", &maps)).send().await?;
        let refused = refused.kube_error(403)?;
        ensure!(refused.contains("cannot impersonate"), "{refused}");

        // Credentials are files for nobody else, and not in what Envoy shows of itself.
        let files = fs::read_dir(&folder)?.collect::<std::io::Result<Vec<_>>>()?;
        assert_eq!(files.len(), 6, "{files:?}");
        for file in files {
            let mode = file.metadata()?.permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file:?}");
        }
        let secret = fs::read_to_string(folder.join("by-token.token"))?;
        let shown = envoy.admin().get("/config_dump").send().await?.text();
        let yaml = fs::read_to_string(folder.join("static.yaml"))?;
        ensure!(!shown.contains(&secret) && !yaml.contains(&secret));
        ensure!(!yaml.contains("PRIVATE KEY") && !yaml.contains("CHANGE-ME"));
        Ok(())
    })
}

#[test]
fn a_rendered_envoy_needs_no_more_of_the_gateway_than_what_it_publishes() -> Result<()> {
    in_the_world(async |world| {
        let keys = world.gateway.client().get("/oauth/keys").send().await?;
        let site = Site::new("elsewhere")?;
        let file = site.dir().join("keys.json");
        fs::write(&file, keys.expect(200)?.body)?;
        let file = file.to_str().context("a path that is no text")?;
        let given = cluster("member-1", &world.stack.member.gateway_kubeconfig);
        let (envoy, _) = sidecar(&site, &["--jwks", file, "--cluster", &given]).await?;
        ensure!(!site.data_dir().exists(), "a data directory was made");
        let admin = Client::plain(&envoy.base(LISTENER)?)?;
        let admin = admin.with_bearer(world.gateway.admin_token().await?)?;
        let path = kube("member-1", "/api/v1/namespaces");
        admin.get(&path).send().await?.expect(200)?;
        // It tells of itself without a control plane, too.
        admin.get("/livez/filter").send().await?.expect(200)?;
        Ok(())
    })
}

#[test]
fn an_envoy_in_clear_is_rendered_for_its_own_machine_alone() -> Result<()> {
    in_the_world(async |world| {
        let site = world.gateway.site();
        let given = cluster("member-1", &world.stack.member.gateway_kubeconfig);
        let folder = site.dir().join("refused").display().to_string();
        let own = ["render", "static", "--output", &folder, "--cluster", &given];
        for (flags, part) in [
            (&["--listen", "0.0.0.0:30080"][..], "--tls-cert"),
            (&["--cluster", &given], "given twice"),
            (&["--jwks", "/dev/null"], "no JSON Web Key Set"),
        ] {
            let ended = site.run(&[&own[..], flags].concat()).await?;
            let sentence = ended.one_sentence()?;
            ensure!(sentence.contains(part), "{sentence}");
            ensure!(!Path::new(&folder).exists());
        }
        Ok(())
    })
}
