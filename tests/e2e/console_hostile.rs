//! What people with bad intentions name things and type: it is text, and breaks no page.

use anyhow::{Result, ensure};
use cubegate_tests::browser::{Page, Viewport, Visitor};
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::run::unique;
use serde_json::json;

use crate::support::console::{Console, judge};
use crate::support::in_the_world;

const PASSWORD: &str = "a good Passw0rd";

/// Markup, quotes, and a sign that turns what follows it around.
const NAME: &str = "</td><img src=x onerror=document.title='ran'>\"'&\u{202e}live";

/// Longer than any name, and within what Envoy takes as a path.
const ENDLESS: usize = 10_000;

#[test]
fn names_are_text_wherever_they_stand() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("names-{}", unique());
        let client = world.gateway.user(&user, &[]).await?;
        let body = json!({ "name": NAME, "description": NAME });
        let made = client
            .post("/api/v1/cube/key/create")
            .json(&body)
            .send()
            .await?;
        let made = made.expect(200)?.json()?;
        let key = made["accessKey"].as_str().unwrap_or_default().to_owned();
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some((&user, PASSWORD)),
        };
        let paths = [
            "/console/keys".to_owned(),
            format!("/console/keys/{key}"),
            format!("/console/keys/{key}/delete"),
            format!("/console/keys/new?from={key}"),
        ];
        console
            .visit("names", Visitor::default(), async |page| {
                are_text(page, "hostile-own", &paths).await
            })
            .await?;
        let admin = Console {
            account: Some(("admin", ADMIN_PASSWORD)),
            ..console
        };
        let paths = [
            format!("/console/users/keys?user={user}"),
            format!("/console/users/name/{user}"),
        ];
        admin
            .visit("names-admin", Visitor::default(), async |page| {
                are_text(page, "hostile-admin", &paths).await
            })
            .await
    })
}

/// Markup without blanks, commas and slashes, which a user's name, a group and a program may have.
const MARKUP: &str = "<x-ran>\"'&";

#[test]
fn names_of_users_groups_and_programs_are_text() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("{MARKUP}{}", unique());
        let site = world.gateway.site();
        let arguments = [
            "user",
            "add",
            &user,
            "--password",
            PASSWORD,
            "--group",
            MARKUP,
        ];
        site.ok(&arguments).await?;
        let client = world.gateway.client();
        let login = client
            .post("/api/v1/cube/login")
            .header("user-agent", MARKUP)
            .json(&json!({ "name": user, "password": PASSWORD, "loginType": "normal" }))
            .send()
            .await?;
        login.expect(200)?;
        let encoded: String = user.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let paths = [
            format!("/console/users?query={encoded}"),
            format!("/console/users/name/{encoded}"),
            format!("/console/users/name/{encoded}/delete"),
            format!("/console/audit?user={encoded}"),
            format!("/console/users/keys?user={encoded}"),
            format!("/console/resources?cluster=member-1&search={encoded}"),
            format!("/console/login?next=/console/{encoded}"),
        ];
        let admin = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        admin
            .visit("names-users", Visitor::default(), async |page| {
                for (number, path) in paths.iter().enumerate() {
                    page.goto(path).await?;
                    let held: bool = page
                        .script(
                            "return document.documentElement.outerHTML.includes('x-ran&gt;')",
                            &[],
                        )
                        .await?;
                    ensure!(held, "{path} does not show the name");
                    is_no_markup(page, path).await?;
                    let faults = judge(page, &format!("hostile-user-{number}")).await?;
                    ensure!(faults.is_empty(), "{}", faults.join("\n"));
                }
                Ok(())
            })
            .await?;
        site.ok(&["user", "delete", &user]).await.map(drop)
    })
}

#[test]
fn what_is_typed_without_end_breaks_no_page() -> Result<()> {
    in_the_world(async |world| {
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        let long = "x".repeat(ENDLESS);
        let visitor = Visitor {
            viewport: Viewport::PHONE,
            ..Visitor::default()
        };
        console
            .visit("endless", visitor, async |page| {
                for path in [
                    "/console/users?query=",
                    "/console/users/keys?query=",
                    "/console/users/keys?user=",
                    "/console/users/name/",
                    "/console/keys/",
                    "/console/keys/new?from=",
                    "/console/resources?cluster=",
                    "/console/resources?cluster=member-1&search=",
                    "/console/resources?cluster=member-1&namespace=",
                    "/console/resources?cluster=member-1&sort=",
                    "/console/clusters/",
                    "/console/audit?filter=",
                    "/console/audit?user=",
                    "/console/login?next=/console/",
                    "/console/",
                ] {
                    page.goto(&format!("{path}{long}")).await?;
                    let text = page.text().await?;
                    ensure!(text.contains("Cubegate"), "{path}: {text:.200}");
                    let overflow = page.overflow().await?;
                    ensure!(overflow <= 0, "{path} is {overflow} pixels too wide");
                }
                Ok(())
            })
            .await
    })
}

/// Looks at pages that hold the name, which must not have run.
async fn are_text(page: &Page, name: &str, paths: &[String]) -> Result<()> {
    for (number, path) in paths.iter().enumerate() {
        page.goto(path).await?;
        let held: bool = page
            .script(
                "return document.body.innerText.includes(arguments[0]) ||
                    [...document.querySelectorAll('input')].some(field => field.value === arguments[0])",
                &[json!(NAME)],
            )
            .await?;
        ensure!(held, "{path} does not show the name");
        is_no_markup(page, path).await?;
        let faults = judge(page, &format!("{name}-{number}")).await?;
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
    }
    Ok(())
}

async fn is_no_markup(page: &Page, path: &str) -> Result<()> {
    let made: bool = page
        .script(
            "return !!document.querySelector('img[onerror], x-ran') || document.title === 'ran'",
            &[],
        )
        .await?;
    ensure!(!made, "{path} has made markup of a name");
    Ok(())
}
