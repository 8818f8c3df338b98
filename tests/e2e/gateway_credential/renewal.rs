//! Tokens that end, that are taken back, and that two processes renew at the same time.

use std::os::unix::fs::PermissionsExt as _;

use tokio::task::JoinSet;

use super::*;

impl Machine {
    /// Lets the time come at which each kept token is renewed.
    fn age(&self) -> Result<()> {
        for entry in fs::read_dir(self.cache())? {
            let path = entry?.path();
            if path.extension().is_none_or(|kind| kind != "json") {
                continue;
            }
            let mut kept: Value = serde_json::from_slice(&fs::read(&path)?)?;
            kept["wide"]["renew_at"] = json!(1);
            for entry in kept["clusters"].as_object_mut().context("no clusters")? {
                entry.1["renew_at"] = json!(1);
            }
            fs::write(&path, kept.to_string())?;
        }
        Ok(())
    }

    async fn is_good(&self, token: &str) -> Result<bool> {
        let client = self.world.gateway.client().with_bearer(token)?;
        let answer = client
            .get("/clusters/member-1/api/v1/namespaces")
            .send()
            .await?;
        Ok(answer.status == 200)
    }
}

const MEMBER: [&str; 2] = ["--cluster", "member-1"];

#[test]
fn a_token_is_renewed_before_its_end_and_a_refresh_token_written_back() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        let login = machine.log_in().await?;
        let (file, _) = machine.exec_kubeconfig().await?;
        let first = machine.token(&MEMBER).await?;
        let written: Value = serde_json::from_slice(&fs::read(machine.credential())?)?;
        assert_ne!(written["refresh_token"], login["refresh_token"]);
        assert_eq!(mode(&machine.credential())?, 0o600);
        machine.age()?;
        let (good, _, said) = run(&file, &NAMESPACES).await?;
        ensure!(good, "{said}");
        let second = machine.token(&MEMBER).await?;
        assert_ne!(first, second);
        ensure!(machine.is_good(&second).await?);
        // The session goes on, and the answer was written whole.
        let sessions = world.gateway.site();
        let listed = sessions.ok(&["user", "sessions", &machine.user]).await?;
        assert_eq!(listed.lines().count(), 2, "{listed}");
        Ok(())
    })
}

#[test]
fn many_at_once_renew_one_refresh_token_and_the_session_goes_on() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        machine.log_in().await?;
        let (file, _) = machine.exec_kubeconfig().await?;
        for _ in 0..2 {
            let mut running = JoinSet::new();
            for number in 0..8 {
                let file = file.clone();
                let cluster = ["member-1", "pivot-cluster"][number % 2];
                running.spawn(async move {
                    let asked = ["--context", cluster, "version"];
                    run(&file, &asked).await
                });
            }
            while let Some(ended) = running.join_next().await {
                let (good, _, said) = ended??;
                ensure!(good, "{said}");
            }
            machine.age()?;
        }
        ensure!(machine.is_good(&machine.token(&MEMBER).await?).await?);
        Ok(())
    })
}

#[test]
fn a_token_that_was_taken_back_is_noticed_when_kubectl_comes_again() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        let key = machine.key(&[]).await?;
        let (file, _) = machine.exec_kubeconfig().await?;
        let (good, _, said) = run(&file, &NAMESPACES).await?;
        ensure!(good, "{said}");
        let token = machine.token(&MEMBER).await?;
        // Another scope begins another generation of the key's tokens; the key is good.
        let site = world.gateway.site();
        site.ok(&["key", "update", &key.access_key, "--cluster", "member-1"])
            .await?;
        until("the tokens of before are refused", PATIENCE, async || {
            Ok((!machine.is_good(&token).await?).then_some(()))
        })
        .await?;
        // kubectl is refused once, asks again, and has another one from then on.
        run(&file, &NAMESPACES).await?;
        let (good, _, said) = run(&file, &NAMESPACES).await?;
        ensure!(good, "{said}");

        site.ok(&["key", "delete", &key.access_key]).await?;
        until("the key's tokens are refused", PATIENCE, async || {
            let (good, _, said) = run(&file, &NAMESPACES).await?;
            let told = said.contains("cubegate: the gateway gives no token for the access key")
                && said.contains("key not exist.");
            Ok((!good && told).then_some(()))
        })
        .await
    })
}

#[test]
fn an_ended_session_is_told_and_another_login_counts_at_once() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        machine.log_in().await?;
        let (file, _) = machine.exec_kubeconfig().await?;
        let (good, _, said) = run(&file, &NAMESPACES).await?;
        ensure!(good, "{said}");
        let site = world.gateway.site();
        site.ok(&["user", "sessions", &machine.user, "--end-all"])
            .await?;
        until("its tokens are refused", PATIENCE, async || {
            let (good, _, said) = run(&file, &NAMESPACES).await?;
            Ok((!good && said.contains("log in again")).then_some(()))
        })
        .await?;
        machine.log_in().await?;
        let (good, _, said) = run(&file, &NAMESPACES).await?;
        ensure!(good, "{said}");
        Ok(())
    })
}

/// Docker's protocol, with a file in the place of a keyring.
const HELPER: &str = r#"#!/bin/sh
case $1 in
get) cat > /dev/null; cat "$KEYRING" ;;
store) cat > "$KEYRING" ;;
esac
"#;

#[test]
fn the_keyring_gives_a_credential_and_takes_another_refresh_token() -> Result<()> {
    in_the_world(async |world| {
        let machine = Machine::new(world).await?;
        let login = machine.log_in().await?;
        fs::remove_file(machine.credential())?;
        let bin = machine.dir.join("bin");
        fs::create_dir(&bin)?;
        let helper = bin.join("docker-credential-test");
        fs::write(&helper, HELPER)?;
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755))?;
        let keyring = machine.dir.join("keyring");
        let base = world.gateway.client().base();
        let kept = json!({
            "ServerURL": base, "Username": "<token>", "Secret": login["refresh_token"],
        });
        fs::write(&keyring, kept.to_string())?;
        let mut arguments = machine.flags("credential")?;
        arguments.truncate(5);
        let cache = machine.cache().display().to_string();
        let more = [
            "--credential-helper",
            "test",
            "--cache-dir",
            &cache,
            "--cluster",
            "member-1",
        ];
        arguments.extend(more.map(str::to_owned));
        let path = std::env::var("PATH")?;
        let ask = async || -> Result<String> {
            let mut command = world.gateway.site().command(&arguments);
            command
                .env("PATH", format!("{}:{path}", bin.display()))
                .env("KEYRING", &keyring);
            let output = tokio::time::timeout(PATIENCE, command.output()).await??;
            ensure!(output.status.success(), "{output:?}");
            let answer: Value = serde_json::from_slice(&output.stdout)?;
            Ok(answer["status"]["token"]
                .as_str()
                .context("no token")?
                .to_owned())
        };
        let first = ask().await?;
        ensure!(machine.is_good(&first).await?);
        let written: Value = serde_json::from_slice(&fs::read(&keyring)?)?;
        assert_ne!(written["Secret"], kept["Secret"]);
        assert_eq!(written["Username"], kept["Username"]);
        assert_eq!(written["ServerURL"], kept["ServerURL"]);
        assert_eq!(ask().await?, first);
        machine.age()?;
        let second = ask().await?;
        ensure!(machine.is_good(&second).await? && !machine.is_good(&first).await?);
        Ok(())
    })
}
