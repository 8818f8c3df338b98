//! The client certificate that the manifest's words lead to.

use std::fs;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::Site;
use cubegate_tests::run::unique;
use serde_json::json;
use tokio::process::Command;

use crate::support::{in_the_world, kubectl};

/// Where the cluster's own signer does its part.
const SIGNED: &str = "kubectl get csr";

#[test]
fn a_certificate_made_as_the_manifest_says_is_all_that_the_gateway_needs() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member;
        let site = Site::new("certificate")?;
        let user = format!("gateway-{}", unique());
        let own = ["--subject-user", &user, "--name", &user, "--no-flow-schema"];
        let manifest = ["cluster", "manifest"];
        let printed = site.ok(&[&manifest[..], &own].concat()).await?;
        fs::write(site.dir().join("manifest.yaml"), &printed)?;
        // Its comments, from the first command on.
        let words: Vec<&str> = printed
            .lines()
            .filter_map(|line| line.strip_prefix("#   "))
            .collect();
        let words = words.join("\n");
        let (before, after) = words.split_once(SIGNED).context("no certificate is got")?;

        let kubectl = kubectl::program().await?;
        let shell = async |script: &str| {
            let path = std::env::var("PATH")?;
            let folder = kubectl.parent().context("no folder")?.display();
            let run = Command::new("bash")
                .args(["-ec", script])
                .env("PATH", format!("{folder}:{path}"))
                .env("KUBECONFIG", &server.kubeconfig)
                .env("HOME", site.dir())
                .current_dir(site.dir())
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .output();
            let output = run.await?;
            ensure!(output.status.success(), "{script}: {output:?}");
            anyhow::Ok(())
        };
        // The words read the administrator's kubeconfig where it is by default.
        shell(before).await?;

        // What kube-controller-manager does, which does not run here.
        let pki = server
            .kubeconfig
            .with_file_name("pki")
            .display()
            .to_string();
        shell(&format!(
            "openssl x509 -req -in gateway.csr -CA {pki}/ca.crt -CAkey {pki}/ca.key -set_serial 7 -days 2 -out signed.crt \
             -extfile <(printf 'extendedKeyUsage=clientAuth\\nkeyUsage=digitalSignature\\n')"
        ))
        .await?;
        let signed = STANDARD.encode(fs::read(site.dir().join("signed.crt"))?);
        let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests/cubegate-gateway";
        let request = server.kube.client().patch(&format!("{path}/status"));
        let body = json!({ "status": { "certificate": signed } }).to_string();
        let answer = request
            .header("content-type", "application/merge-patch+json")
            .body(body);
        answer.send().await?.expect(200)?;

        shell(&format!("{SIGNED}{after}")).await?;
        server.kube.delete(path).await?;
        let file = site.dir().join("gateway.kubeconfig");
        let written = fs::read_to_string(&file)?;
        ensure!(
            !written.contains("kubernetes-admin"),
            "the administrator's own is in it"
        );
        let file = file.display().to_string();
        site.begin().await?;
        let add = ["cluster", "add", "member-1", "--kubeconfig", &file];
        let added = site.run(&add).await?;
        assert_eq!((added.code, added.stderr.as_str()), (Some(0), ""));
        Ok(())
    })
}
