//! What goes wrong on the command line: one sentence that says what to do, and
//! an exit code that is not 0.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use cubegate_tests::cli::Ended;
use cubegate_tests::faults::{Scripted, whole};
use cubegate_tests::gateway::free_port;
use cubegate_tests::{Options, Site, block_on, kubeconfig};
use serde_json::json;

/// `cubegate up` with these paths in the place of the right ones.
async fn up(site: &Site, port: u16, data_dir: &Path, envoy: &Path, filter: &Path) -> Result<Ended> {
    let text = |path: &Path| path.display().to_string();
    site.run(&[
        "up".to_owned(),
        "--plain".to_owned(),
        "--listen".to_owned(),
        format!("127.0.0.1:{port}"),
        "--data-dir".to_owned(),
        text(data_dir),
        "--envoy".to_owned(),
        text(envoy),
        "--filter".to_owned(),
        text(filter),
        "--admin-password".to_owned(),
        "Admin123456".to_owned(),
    ])
    .await
}

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
fn a_port_in_use_is_one_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("port")?;
        let taken = TcpListener::bind("127.0.0.1:0")?;
        let port = taken.local_addr()?.port();
        let artifacts = site.artifacts();
        let ended = up(
            &site,
            port,
            site.data_dir(),
            &artifacts.envoy,
            &artifacts.filter,
        )
        .await?;
        let sentence = ended.one_sentence()?;
        assert!(
            sentence.contains(&port.to_string()) && sentence.contains("--listen"),
            "{sentence}"
        );
        Ok(())
    })
}

#[test]
fn a_data_directory_that_cannot_be_written_is_one_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("unwritable")?;
        let file = site.dir().join("a-file");
        fs::write(&file, "")?;
        // Root may write where the mode forbids it, so these are no folders at all.
        for path in [
            file.as_path(),
            &file.join("below"),
            Path::new("/proc/cubegate"),
            Path::new("/dev/null"),
        ] {
            let artifacts = site.artifacts();
            let ended = up(
                &site,
                free_port()?,
                path,
                &artifacts.envoy,
                &artifacts.filter,
            )
            .await?;
            let sentence = ended.one_sentence()?;
            assert!(sentence.contains("--data-dir"), "{sentence}");
            let folder = path.display().to_string();
            for command in [
                &["user", "list"][..],
                &["cluster", "list"],
                &["key", "list"],
            ] {
                let arguments = [command, &["--data-dir", &folder]].concat();
                site.run(&arguments).await?.one_sentence()?;
            }
        }
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
fn an_envoy_that_does_not_start_is_one_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("envoy")?;
        let refuses = site.dir().join("refuses");
        fs::write(&refuses, "#!/bin/sh\necho 'the reason why' >&2\nexit 3\n")?;
        fs::set_permissions(&refuses, fs::Permissions::from_mode(0o755))?;
        let no_program = site.dir().join("no-program");
        fs::write(&no_program, "hello")?;
        for (envoy, wanted) in [
            (Path::new("/nowhere/envoy"), "--envoy"),
            (&no_program, "--envoy"),
            (&refuses, "the reason why"),
            (Path::new("/bin/true"), "Envoy"),
        ] {
            let filter = &site.artifacts().filter;
            let ended = up(&site, free_port()?, site.data_dir(), envoy, filter).await?;
            let sentence = ended.one_sentence()?;
            assert!(sentence.contains(wanted), "{}: {sentence}", envoy.display());
        }
        Ok(())
    })
}

#[test]
fn a_filter_that_is_not_there_or_is_none_is_one_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("filter")?;
        let no_module = site.dir().join("no.wasm");
        fs::write(&no_module, "this is no module")?;
        for filter in [Path::new("/nowhere/filter.wasm"), &no_module] {
            let envoy = &site.artifacts().envoy;
            let ended = up(&site, free_port()?, site.data_dir(), envoy, filter).await?;
            let sentence = ended.one_sentence()?;
            assert!(sentence.contains("filter"), "{sentence}");
        }
        Ok(())
    })
}

#[test]
fn a_second_gateway_on_the_same_data_is_one_sentence() -> Result<()> {
    block_on(async {
        let site = Site::new("twice")?;
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let gateway = cubegate_tests::Gateway::start(site.clone(), &options).await?;
        let artifacts = site.artifacts();
        let ended = up(
            &site,
            free_port()?,
            site.data_dir(),
            &artifacts.envoy,
            &artifacts.filter,
        )
        .await?;
        assert!(ended.one_sentence()?.contains("--data-dir"), "{ended:?}");
        gateway.health().check().await?;
        gateway.stop().await
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
