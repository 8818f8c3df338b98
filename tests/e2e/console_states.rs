//! What pages look like that are full, that refuse what was typed, and that have done it: in
//! every language and theme, and on a telephone.

use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::browser::{By, Language, Page, Visitor};
use cubegate_tests::gateway::{ADMIN_PASSWORD, Options};
use cubegate_tests::kube::pod;
use cubegate_tests::run::unique;
use cubegate_tests::{Gateway, Site, block_on, until};
use serde_json::{Value, json};

use crate::support::console::{Console, View, look};
use crate::support::in_the_world;

const PASSWORD: &str = "a good Passw0rd";

/// Longest time until a cluster is looked at.
const PATIENCE: Duration = Duration::from_secs(60);

/// More than a page shows, of one user.
const MANY_KEYS: usize = 10_000;

/// No command of the harness may take longer than half a minute.
const AT_ONCE: usize = 1_000;

/// A form that is refused.
struct Refused<'a> {
    /// Names its pictures.
    name: &'a str,
    path: &'a str,
    /// Fields by their selectors, and what is put into them.
    typed: &'a [(&'a str, &'a str)],
    /// What is chosen beside that.
    chosen: &'a [&'a str],
    /// The button.
    sends: &'a str,
}

const FORMS: [Refused<'_>; 5] = [
    Refused {
        name: "keys-new-refused",
        path: "/console/keys/new",
        typed: &[("#name", "no verb at all")],
        chosen: &["input[name=access][value=some]"],
        sends: "main .primary[type=submit]",
    },
    Refused {
        name: "token-refused",
        path: "/console/token",
        typed: &[("#access-key", "0a1b2c3d"), ("#secret-key", "wrong")],
        chosen: &[],
        sends: "main .primary[type=submit]",
    },
    Refused {
        name: "clusters-new-refused",
        path: "/console/clusters/new",
        typed: &[("#name", "a-cluster"), ("#kubeconfig", "kind: Config")],
        chosen: &[],
        sends: "main .primary[type=submit]",
    },
    Refused {
        name: "users-new-refused",
        path: "/console/users/new",
        typed: &[
            ("#name", "admin"),
            ("#display-name", "Another one"),
            ("#password", "a good Passw0rd"),
        ],
        chosen: &[],
        sends: "main .primary[type=submit]",
    },
    Refused {
        name: "user-refused",
        path: "/console/users/name/admin",
        typed: &[("#group", "system:masters")],
        chosen: &[],
        sends: "form:has(#group) [type=submit]",
    },
];

#[test]
fn forms_that_are_refused_have_no_fault_and_lose_nothing() -> Result<()> {
    in_the_world(async |world| {
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        for language in Language::ALL {
            let visitor = Visitor {
                language,
                ..Visitor::default()
            };
            console
                .visit("refused", visitor, async |page| {
                    for form in &FORMS {
                        refuse(page, form).await?;
                    }
                    page.forget_cookies().await?;
                    page.goto("/console/login").await?;
                    page.fill(By::Css("input[name=name]"), "somebody").await?;
                    page.fill(By::Css("input[name=password]"), "wrong").await?;
                    page.click(By::Css("main [type=submit]")).await?;
                    page.find(By::Css(".notice.failed")).await?;
                    ensure!(page.value(By::Css("input[name=name]")).await? == "somebody");
                    ensure!(
                        page.value(By::Css("input[name=password]"))
                            .await?
                            .is_empty()
                    );
                    look(page, "login-refused").await
                })
                .await?;
        }
        Ok(())
    })
}

async fn refuse(page: &Page, form: &Refused<'_>) -> Result<()> {
    page.goto(form.path).await?;
    for (field, text) in form.typed {
        page.fill(By::Css(field), text).await?;
    }
    for choice in form.chosen {
        page.click(By::Css(choice)).await?;
    }
    page.click(By::Css(form.sends)).await?;
    page.find(By::Css(".notice.failed")).await?;
    for (field, text) in form.typed {
        let value = page.value(By::Css(field)).await?;
        let is_secret = ["#password", "#secret-key"].contains(field);
        let expected = if is_secret { "" } else { text };
        ensure!(value == expected, "{}: {field} has {value:?}", form.name);
    }
    look(page, form.name).await
}

#[test]
fn tables_that_are_full_have_no_fault() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.member.kube;
        let namespace = kube.namespace("full-tables").await?;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        for number in 0..30 {
            kube.create(&pods, &pod(&format!("web-{number:02}")))
                .await?;
        }
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        let list = format!("/console/resources?cluster=member-1&namespace={namespace}");
        let sorted = format!("{list}&sort=-metadata.creationTimestamp:time&page=2");
        let object = format!(
            "/console/resources/object?cluster=member-1&resource=pods.v1&namespace={namespace}&name=web-00"
        );
        let view = |name, path| View { name, path };
        console
            .walk(&[
                view("resources-full", &list),
                view("resources-sorted", &sorted),
                view("object-full", &object),
                view(
                    "resources-nodes",
                    "/console/resources?cluster=member-1&resource=namespaces.v1",
                ),
            ])
            .await
    })
}

#[test]
fn clusters_that_are_not_there_or_do_not_answer_have_no_fault() -> Result<()> {
    block_on(async {
        let site = Site::new("console-clusters")?;
        let gateway = Gateway::start(site, &Options::default()).await?;
        let console = Console {
            origin: &gateway.endpoints().gateway,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        let view = |name, path| View { name, path };
        console
            .walk(&[
                view("clusters-empty", "/console/clusters"),
                view("resources-no-clusters", "/console/resources"),
            ])
            .await?;
        let closed = cubegate_tests::gateway::free_port()?;
        gateway.site().add_plain_cluster("gone", closed).await?;
        console
            .visit("gone", Visitor::default(), async |page| {
                until("the cluster is abnormal", PATIENCE, || async {
                    page.goto("/console/clusters").await?;
                    Ok(page.text().await?.contains("Abnormal").then_some(()))
                })
                .await
            })
            .await?;
        console
            .walk(&[view("clusters-abnormal", "/console/clusters")])
            .await?;
        gateway.stop().await
    })
}

#[test]
fn language_theme_and_time_are_the_readers() -> Result<()> {
    in_the_world(async |world| {
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        let visitor = Visitor {
            time_zone: "Asia/Shanghai",
            ..Visitor::default()
        };
        console
            .visit("choices", visitor, async |page| {
                page.goto("/console/sessions").await?;
                // Each switch says what it leads to, and stays from page to page.
                page.click(By::Role("button", "中文")).await?;
                page.reads("会话").await?;
                page.click(By::Css("button[name=theme]")).await?;
                page.goto("/console/clusters").await?;
                page.reads("集群").await?;
                let seen: [String; 3] = page
                    .script(
                        "return [document.documentElement.lang, document.documentElement.dataset.theme,
                            getComputedStyle(document.body).colorScheme]",
                        &[],
                    )
                    .await?;
                assert_eq!(seen, ["zh-CN", "dark", "dark"]);
                // The exact moment, where the reader is and as the gateway says it.
                page.goto("/console/sessions").await?;
                let title: String = page
                    .script("return document.querySelector('tbody time').title", &[])
                    .await?;
                ensure!(title.contains("GMT+8") && title.ends_with('Z'), "{title}");
                Ok(())
            })
            .await
    })
}

#[test]
fn ten_thousand_keys_break_no_page() -> Result<()> {
    in_the_world(async |world| {
        let site = world.gateway.site();
        let user = format!("many-{}", unique());
        site.add_user(&user, PASSWORD).await?;
        let keys: Vec<Value> = (0..MANY_KEYS)
            .map(|number| {
                let half = format!("{}{number:08x}", unique());
                json!({ "accessKey": format!("a{half}"), "secretKey": format!("5{half}"), "user": user })
            })
            .collect();
        let file = site.dir().join(format!("{user}.json"));
        for keys in keys.chunks(AT_ONCE) {
            std::fs::write(&file, json!({ "users": [], "keys": keys }).to_string())?;
            site.ok(&["import", &file.display().to_string()]).await?;
        }
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some((&user, PASSWORD)),
        };
        console
            .visit("many-keys", Visitor::default(), async |page| {
                page.goto("/console/keys?page=400&size=20").await?;
                page.reads(&format!("7981–8000 of {MANY_KEYS}")).await?;
                look(page, "keys-many").await
            })
            .await?;
        let admin = Console {
            account: Some(("admin", ADMIN_PASSWORD)),
            ..console
        };
        let outcome = admin
            .visit("many-keys-admin", Visitor::default(), async |page| {
                page.goto(&format!("/console/users/keys?user={user}&size=200&page=50"))
                    .await?;
                page.reads(&format!("9801–10000 of {MANY_KEYS}")).await?;
                look(page, "users-keys-many").await?;
                page.goto(&format!("/console/users/name/{user}")).await?;
                page.reads(&format!("All {MANY_KEYS} keys of the user"))
                    .await
            })
            .await;
        // The other tests' lists are short again.
        site.ok(&["user", "delete", &user]).await?;
        outcome
    })
}
