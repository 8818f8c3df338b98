//! The page of Envoys when one of them refuses something or is behind, and what somebody sees
//! whose login is locked.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::browser::{By, Language, Page, Visitor};
use cubegate_tests::gateway::{ADMIN_PASSWORD, free_port};
use cubegate_tests::{Gateway, Options, Site, block_on, until};
use rustix::process::{Pid, Signal, kill_process};

use crate::cli_envoys::refused_kubeconfig;
use crate::support::console::{Console, View, look};

/// Longest time until Envoy has answered, or is known not to.
const PATIENCE: Duration = Duration::from_secs(60);

/// More than are let pass.
const GUESSES: usize = 30;

/// Waits until a page says this.
async fn until_it_reads(page: &Page, path: &str, words: &str) -> Result<()> {
    until(words, PATIENCE, || async {
        page.goto(path).await?;
        Ok(page.text().await?.contains(words).then_some(()))
    })
    .await
}

#[test]
fn an_envoy_that_refuses_or_is_behind_has_no_fault() -> Result<()> {
    // Its own gateway: what comes later waits with the refused one.
    block_on(async {
        let site = Site::new("console-envoys")?;
        let gateway = Gateway::start(site, &Options::default()).await?;
        let site = gateway.site();
        // Not through Envoy, which is to stand still.
        let console = Console {
            origin: &gateway.endpoints().control_plane,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        let view = |name, path| View { name, path };
        let wait = async |words| {
            let visitor = Visitor::default();
            console
                .visit("envoys", visitor, async |page| {
                    until_it_reads(page, "/console/envoys", words).await
                })
                .await
        };

        let envoy = i32::try_from(gateway.health().pid())?;
        let envoy = Pid::from_raw(envoy).context("no process")?;
        kill_process(envoy, Signal::STOP)?;
        let behind = async {
            site.add_plain_cluster("later", free_port()?).await?;
            wait("Behind").await?;
            console
                .walk(&[view("envoys-behind", "/console/envoys")])
                .await
        };
        let behind = behind.await;
        kill_process(envoy, Signal::CONT)?;
        behind?;
        wait("Up to date").await?;

        let file = site.dir().join("refused.kubeconfig");
        fs::write(&file, refused_kubeconfig()?)?;
        site.add_cluster("refused", &file, false).await?;
        wait("Refuses 1").await?;
        console
            .walk(&[
                view("envoys-refusing", "/console/envoys"),
                view("clusters-refused", "/console/clusters"),
            ])
            .await?;
        gateway.stop().await
    })
}

#[test]
fn a_locked_login_has_no_fault() -> Result<()> {
    block_on(async {
        let site = Site::new("console-locked")?;
        let gateway = Gateway::start(site, &Options::default()).await?;
        let console = Console {
            origin: &gateway.endpoints().gateway,
            account: None,
        };
        for (language, words) in [
            (Language::English, "too many wrong passwords"),
            (Language::Chinese, "密码错误次数过多"),
        ] {
            let visitor = Visitor {
                language,
                ..Visitor::default()
            };
            console
                .visit("locked", visitor, async |page| {
                    for _ in 0..GUESSES {
                        page.fill(By::Css("input[name=name]"), "jeff").await?;
                        page.fill(By::Css("input[name=password]"), "a guess")
                            .await?;
                        page.click(By::Css("main [type=submit]")).await?;
                        page.find(By::Css(".notice.failed")).await?;
                        if page.text().await?.contains(words) {
                            return look(page, "login-locked").await;
                        }
                    }
                    ensure!(false, "nobody is locked out after {GUESSES} guesses");
                    Ok(())
                })
                .await?;
        }
        gateway.stop().await
    })
}
