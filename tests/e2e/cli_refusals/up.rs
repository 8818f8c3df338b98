//! What keeps a gateway from starting.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use cubegate_tests::cli::Ended;
use cubegate_tests::gateway::free_port;
use cubegate_tests::{Options, Site, block_on};

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
