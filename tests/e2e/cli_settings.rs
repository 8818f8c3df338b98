//! The file of `--config`, what the command line says of itself, and what a first start shows.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::free_port;
use cubegate_tests::{Client, Site, block_on, until};
use tokio::process::Command;

/// Writes a file for `--config` and says where.
fn config(site: &Site, text: &str) -> Result<String> {
    let path = site.dir().join("cubegate.toml");
    fs::write(&path, text)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(path.display().to_string())
}

#[test]
fn a_file_says_what_flags_and_variables_do_not() -> Result<()> {
    block_on(async {
        let site = Site::new("config")?;
        site.begin().await?;
        let data = site.data_dir().display().to_string();
        let listed = async |text: &str, variable: Option<&str>, flags: &[&str]| -> Result<_> {
            let file = config(&site, text)?;
            let arguments = [&["user", "list", "--config", &file], flags].concat();
            let mut command = site.command(&arguments);
            command.env_remove("CUBEGATE_DATA_DIR");
            if let Some(variable) = variable {
                command.env("CUBEGATE_DATA_DIR", variable);
            }
            let output = command.output().await?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&file, "FILE");
            Ok((
                output.status.code(),
                text(&output.stdout),
                text(&output.stderr),
            ))
        };
        let here = format!("data-dir = {data:?}\noutput = \"json\"\n");
        let elsewhere = "data-dir = \"/nowhere/at/all\"\n";
        let (code, shown, said) = listed(&here, None, &[]).await?;
        ensure!(code == Some(0), "{said}");
        serde_json::from_str::<serde_json::Value>(&shown)?;
        let (code, shown, _) = listed(&here, None, &["-o", "table"]).await?;
        ensure!(code == Some(0) && shown.starts_with("NAME"), "{shown}");
        // The variable before the file, the flag before the variable.
        let (code, _, said) = listed(&here, Some("/nowhere/at/all"), &[]).await?;
        ensure!(
            code == Some(1) && said.contains("/nowhere/at/all"),
            "{said}"
        );
        let flags = ["--data-dir", data.as_str()];
        let (code, _, said) = listed(elsewhere, Some("/nowhere/either"), &flags).await?;
        ensure!(code == Some(0), "{said}");

        let (code, _, said) = listed("\ndata-dri = \"/x\"", None, &[]).await?;
        assert_eq!(
            (code, said.as_str()),
            (
                Some(2),
                "cubegate: FILE, line 2: there is no data-dri; data-dir may be meant\n"
            )
        );
        let (code, _, said) = listed("data-dir = [", None, &[]).await?;
        ensure!(code == Some(2) && said.contains("FILE, line 1: "), "{said}");
        let site = site.with_variable("CUBEGATE_CONFIG", "/nowhere.toml");
        let refused = site.run(&["user", "list"]).await?;
        ensure!(refused.code == Some(2), "{refused:?}");
        ensure!(
            refused
                .one_sentence()?
                .contains("/nowhere.toml cannot be read")
        );
        Ok(())
    })
}

#[test]
fn a_control_plane_starts_from_a_file_alone_and_keeps_its_secrets() -> Result<()> {
    block_on(async {
        let site = Site::new("config-serve")?;
        let (api, xds) = (free_port()?, free_port()?);
        let text = format!(
            "plain = true\nfilter = {:?}\ndata-dir = {:?}\napi-listen = \"127.0.0.1:{api}\"
xds-listen = \"127.0.0.1:{xds}\"\nadmin-password = \"Of the file 1\"\nnode-id = \"not its own\"\n",
            site.artifacts().filter,
            site.data_dir(),
        );
        let file = config(&site, &text)?;
        let mut child = site
            .command(&["serve", "--config", &file])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let patience = std::time::Duration::from_secs(30);
        let client = until("it answers", patience, || async {
            let Ok(ca) = cubegate_tests::tls::read_pem(&site.data_dir().join("pki/xds-ca.crt"))
            else {
                return Ok(None);
            };
            let client = Client::tls(&format!("https://127.0.0.1:{api}"), &ca, None)?;
            let answer = client.get("/readyz").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(client))
        })
        .await?;
        client.login("admin", "Of the file 1").await?.expect(200)?;
        // Nothing of the file is an argument that others could read.
        let pid = child.id().context("it has ended")?;
        let line = fs::read(format!("/proc/{pid}/cmdline"))?;
        ensure!(!String::from_utf8_lossy(&line).contains("Of the file"));
        child.kill().await?;

        fs::set_permissions(&file, Permissions::from_mode(0o644))?;
        let refused = site.run(&["serve", "--config", &file]).await?;
        let sentence = refused.one_sentence()?;
        ensure!(
            sentence.contains("admin-password is a secret"),
            "{sentence}"
        );
        ensure!(!sentence.contains("Of the file"), "{sentence}");
        Ok(())
    })
}

#[test]
fn shells_complete_the_commands_and_each_has_a_manual_page() -> Result<()> {
    block_on(async {
        let site = Site::new("completions")?;
        fs::create_dir_all(site.dir())?;
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = site.ok(&["completions", shell]).await?;
            ensure!(script.contains("manifest"), "{shell}");
        }
        let file = site.dir().join("cubegate.bash");
        fs::write(&file, site.ok(&["completions", "bash"]).await?)?;
        let complete = "source \"$0\"; COMP_WORDS=(cubegate clu) COMP_CWORD=1; _cubegate cubegate clu cubegate; echo \"${COMPREPLY[@]}\"";
        let completed = Command::new("bash")
            .args(["-c", complete])
            .arg(&file)
            .output()
            .await?;
        assert_eq!(
            String::from_utf8_lossy(&completed.stdout),
            "cluster\n",
            "{completed:?}"
        );

        let pages = site.dir().join("man");
        site.ok(&["man", &pages.display().to_string()]).await?;
        for page in [
            "cubegate",
            "cubegate-serve",
            "cubegate-cluster-add",
            "cubegate-key-rotate",
        ] {
            let text = fs::read_to_string(pages.join(format!("{page}.1")))?;
            ensure!(text.contains(&format!(".TH {page} 1")), "{page}: {text}");
        }
        let main = site.ok(&["man"]).await?;
        for told in ["CUBEGATE_LOG", "Exit codes"] {
            ensure!(main.contains(told), "{main}");
        }
        let help = site.ok(&["serve", "--help"]).await?;
        for heading in [
            "Where clients connect:",
            "Tokens and logins:",
            "Control plane:",
            "Audit records:",
        ] {
            ensure!(help.contains(heading), "{heading}");
        }
        Ok(())
    })
}

#[test]
fn the_first_password_is_shown_by_the_start_that_succeeds() -> Result<()> {
    block_on(async {
        let site = Site::new("first-password")?;
        let listen = format!("127.0.0.1:{}", free_port()?);
        let filter = site.artifacts().filter.display().to_string();
        let envoy = site.artifacts().envoy.display().to_string();
        let arguments = |envoy: &str| {
            [
                "up",
                "--plain",
                "--envoy-standby=false",
                "--listen",
                &listen,
                "--filter",
                &filter,
            ]
            .iter()
            .map(|word| (*word).to_owned())
            .chain(["--envoy".to_owned(), envoy.to_owned()])
            .collect::<Vec<_>>()
        };
        // Everything is there but Envoy.
        let failed = site.run(&arguments("/nowhere/envoy")).await?;
        ensure!(
            failed.one_sentence()?.contains("/nowhere/envoy"),
            "{failed:?}"
        );
        ensure!(!failed.stdout.contains("password"), "{failed:?}");
        let users = site.ok(&["user", "list"]).await?;
        ensure!(!users.contains("admin"), "{users}");
        // A password that will not do is told before anything is started.
        let weak = [arguments(&envoy), vec!["--admin-password=short".to_owned()]].concat();
        ensure!(site.run(&weak).await?.one_sentence()?.contains("8 bytes"));

        let log = site.dir().join("up.log");
        let mut child = site
            .command(&arguments(&envoy))
            .stdout(fs::File::create(&log)?)
            .stderr(Stdio::null())
            .spawn()?;
        let patience = std::time::Duration::from_secs(60);
        let password = until("the password is shown", patience, || async {
            let said = fs::read_to_string(&log)?;
            let shown = said
                .lines()
                .find_map(|line| line.split_once("shown only now: "));
            let is_up = said.contains("Envoy admin");
            Ok(shown
                .filter(|_| is_up)
                .map(|(_, password)| password.to_owned()))
        })
        .await?;
        let client = Client::plain(&format!("http://{listen}"))?;
        client.login("admin", &password).await?.expect(200)?;
        let pid = rustix::process::Pid::from_raw(child.id().context("it has ended")?.cast_signed());
        rustix::process::kill_process(pid.context("no pid")?, rustix::process::Signal::TERM)?;
        child.wait().await?;
        Ok(())
    })
}
