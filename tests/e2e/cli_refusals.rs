//! What goes wrong on the command line: one sentence that says what to do, and
//! an exit code that is not 0.

mod up;

use std::fs;

use anyhow::Result;
use cubegate_tests::faults::{Scripted, whole};
use cubegate_tests::gateway::free_port;
use cubegate_tests::{Site, block_on, kubeconfig};
use serde_json::json;

#[test]
fn a_kubeconfig_that_cannot_be_used_is_one_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("kubeconfigs")?;
        site.begin().await?;
        let good = kubeconfig::document("https://127.0.0.1:1", None);
        let with = |pointer: &str, value: serde_json::Value| {
            let mut document = good.clone();
            *document.pointer_mut(pointer).unwrap() = value;
            document.to_string()
        };
        let ca = "/clusters/0/cluster";
        for (what, text) in [
            ("empty", String::new()),
            ("no YAML", "a: b: c: [".to_owned()),
            ("no kubeconfig", "hello".to_owned()),
            ("bytes", "\u{1}\u{2}".to_owned()),
            ("no clusters", with("/clusters", json!([]))),
            ("no such context", with("/current-context", json!("other"))),
            (
                "no URL",
                with("/clusters/0/cluster/server", json!("nowhere")),
            ),
            (
                "another scheme",
                with("/clusters/0/cluster/server", json!("ftp://127.0.0.1")),
            ),
            (
                "no certificate",
                with(
                    ca,
                    json!({ "server": "https://127.0.0.1:1", "certificate-authority-data": "AAAA" }),
                ),
            ),
            (
                "no base64",
                with(
                    ca,
                    json!({ "server": "https://127.0.0.1:1", "certificate-authority-data": "!" }),
                ),
            ),
            (
                "unverified",
                with(
                    ca,
                    json!({ "server": "https://127.0.0.1:1", "insecure-skip-tls-verify": true }),
                ),
            ),
            (
                "a program",
                with(
                    "/users/0/user",
                    json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "true" } }),
                ),
            ),
        ] {
            let file = site.dir().join("kubeconfig");
            fs::write(&file, &text)?;
            let file = file.display().to_string();
            let ended = site
                .run(&["cluster", "add", "c", "--kubeconfig", &file])
                .await?;
            let sentence = ended.one_sentence()?;
            assert!(sentence.contains("kubeconfig"), "{what}: {sentence}");
        }
        let ended = site
            .run(&["cluster", "add", "c", "--kubeconfig", "/nowhere/at/all"])
            .await?;
        assert!(ended.one_sentence()?.contains("/nowhere/at/all"));
        let listed = site.ok(&["cluster", "list"]).await?;
        assert_eq!(
            listed.lines().count(),
            1,
            "nothing was registered: {listed}"
        );
        Ok(())
    })
}

#[test]
fn a_cluster_that_does_not_answer_as_one_is_not_registered() -> Result<()> {
    block_on(async {
        let site = Site::new("unreachable")?;
        site.begin().await?;
        let other = Scripted::start(whole("<html>hello</html>")).await?;
        for (what, port) in [
            ("nobody listens", free_port()?),
            ("no API server", other.port()),
        ] {
            // Plain HTTP and no credential would each be worth a warning, a second line.
            let mut document = kubeconfig::document(&format!("https://127.0.0.1:{port}"), None);
            document["users"][0]["user"] = json!({ "token": "t" });
            let file = site.dir().join("kubeconfig");
            fs::write(&file, document.to_string())?;
            let file = file.display().to_string();
            let ended = site
                .run(&["cluster", "add", "c", "--kubeconfig", &file])
                .await?;
            let sentence = ended.one_sentence()?;
            assert!(sentence.contains("--no-check"), "{what}: {sentence}");
            assert!(sentence.contains(&port.to_string()), "{what}: {sentence}");
        }
        let listed = site.ok(&["cluster", "list"]).await?;
        assert_eq!(listed.lines().count(), 1, "{listed}");
        Ok(())
    })
}

#[test]
fn a_plain_http_server_is_taken_with_a_warning() -> Result<()> {
    block_on(async {
        let site = Site::new("plain-http")?;
        site.begin().await?;
        let file = kubeconfig::write(site.dir(), "c", "http://127.0.0.1:1", None)?;
        let file = file.display().to_string();
        let ended = site
            .run(&["cluster", "add", "c", "--kubeconfig", &file, "--no-check"])
            .await?;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("warning"), "{ended:?}");
        // And it is not taken twice by accident.
        let ended = site
            .run(&["cluster", "add", "c", "--kubeconfig", &file, "--no-check"])
            .await?;
        assert_ne!(ended.code, Some(0), "{ended:?}");
        Ok(())
    })
}

#[test]
fn a_cluster_name_that_cannot_stand_in_a_path_is_one_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("cluster-names")?;
        site.begin().await?;
        let file = kubeconfig::write(site.dir(), "c", "https://127.0.0.1:1", None)?;
        let file = file.display().to_string();
        for name in ["", "A", "a/b", "a b", "-a", "..", "a%bc", "a\nb"] {
            // `--` keeps a leading dash from being a flag.
            let ended = site
                .run(&[
                    "cluster",
                    "add",
                    "--kubeconfig",
                    &file,
                    "--no-check",
                    "--",
                    name,
                ])
                .await?;
            ended.one_sentence()?;
        }
        let ended = site.run(&["cluster", "remove", "nobody"]).await?;
        assert!(ended.one_sentence()?.contains("nobody"));
        Ok(())
    })
}

#[test]
fn a_mistyped_folder_is_no_empty_gateway() -> Result<()> {
    block_on(async {
        let site = Site::new("mistyped")?;
        // No credential would be worth a warning, a second line.
        let mut config = kubeconfig::document("https://127.0.0.1:1", None);
        config["users"][0]["user"] = json!({ "token": "t" });
        let kubeconfig = site.dir().join("kubeconfig");
        fs::write(&kubeconfig, config.to_string())?;
        let kubeconfig = kubeconfig.display().to_string();
        let document = site.dir().join("import.json");
        fs::write(&document, json!({ "users": [] }).to_string())?;
        let document = document.display().to_string();
        let certs = site.dir().join("certs").display().to_string();
        let nowhere = site.dir().join("nowhere");
        let empty = site.dir().join("empty");
        fs::create_dir(&empty)?;
        let database = format!("sqlite://{}", empty.join("other.db").display());
        let add = [
            "cluster",
            "add",
            "c",
            "--no-check",
            "--kubeconfig",
            &kubeconfig,
        ];
        for command in [
            &add[..],
            &["cluster", "list"],
            &["cluster", "host", "c"],
            &["cluster", "remove", "c"],
            &["user", "add", "jane", "--password", "a good Passw0rd"],
            &["user", "list"],
            &["key", "create", "jane"],
            &["key", "list"],
            &["audit", "export"],
            &["import", &document],
            &["bootstrap", "--write-certs", &certs],
        ] {
            for (folder, more, place) in [
                (&nowhere, &[][..], nowhere.as_path()),
                (&empty, &[][..], empty.as_path()),
                (
                    &empty,
                    &["--database-url", &database],
                    &empty.join("other.db"),
                ),
            ] {
                if command[0] == "bootstrap" && !more.is_empty() {
                    continue;
                }
                let folder = folder.display().to_string();
                let arguments = [command, &["--data-dir", &folder], more].concat();
                let ended = site.run(&arguments).await?;
                let sentence = ended.one_sentence()?;
                assert_eq!(ended.code, Some(1), "{ended:?}");
                assert!(
                    sentence.contains("there is no gateway in")
                        && sentence.contains(&place.display().to_string()),
                    "{arguments:?}: {sentence}"
                );
                assert!(!nowhere.exists(), "{arguments:?}");
                assert_eq!(fs::read_dir(&empty)?.count(), 0, "{arguments:?}");
            }
        }
        // Where one was started they all find it.
        site.begin().await?;
        site.ok(&add).await?;
        Ok(())
    })
}

#[test]
fn wrong_usage_says_how_it_is_used() -> Result<()> {
    block_on(async {
        let site = Site::new("usage")?;
        for arguments in [
            &["no-such-command"][..],
            &["up", "--no-such-flag"],
            &["cluster", "add"],
            &["up", "--listen", "nowhere"],
        ] {
            let ended = site.run(arguments).await?;
            assert_eq!(ended.code, Some(2), "{ended:?}");
            assert!(
                ended.stderr.contains("--help") || ended.stderr.contains("Usage"),
                "{ended:?}"
            );
        }
        for arguments in [
            &["--help"][..],
            &["up", "--help"],
            &["cluster", "add", "--help"],
        ] {
            assert!(site.ok(arguments).await?.contains("Usage"));
        }
        Ok(())
    })
}

#[test]
fn a_shared_secret_that_is_too_short_is_one_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("secret")?;
        let artifacts = site.artifacts();
        let listen = format!("127.0.0.1:{}", free_port()?);
        let (envoy, filter) = (
            artifacts.envoy.display().to_string(),
            artifacts.filter.display().to_string(),
        );
        let arguments = [
            "up",
            "--listen",
            &listen,
            "--envoy",
            &envoy,
            "--filter",
            &filter,
            "--jwt-hs256-secret",
            "fifteen-bytes-x",
        ];
        let ended = site.run(&arguments).await?;
        let sentence = ended.one_sentence()?;
        assert!(
            !sentence.contains("fifteen-bytes-x"),
            "a secret is never shown: {sentence}"
        );
        Ok(())
    })
}
