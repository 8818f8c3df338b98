//! Every page in every language, theme and state: nothing that axe-core, the browser's console
//! or a narrow screen complains of, and a picture of each under `target/screenshots/console`.

use anyhow::{Result, ensure};
use cubegate_tests::browser::Visitor;
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::run::unique;
use serde_json::json;

use crate::support::console::{Console, View};
use crate::support::in_the_world;

const PASSWORD: &str = "a good Passw0rd";

/// Bytes that the first page may bring.
const FIRST_PAGE: u64 = 100_000;

const fn view<'a>(name: &'a str, path: &'a str) -> View<'a> {
    View { name, path }
}

/// What everybody has.
const PAGES: [View<'_>; 8] = [
    view("keys", "/console/keys"),
    view("keys-new", "/console/keys/new"),
    view("token", "/console/token"),
    view("clusters", "/console/clusters"),
    view("resources", "/console/resources?cluster=member-1"),
    view("sessions", "/console/sessions"),
    view("docs", "/console/docs"),
    view("nothing", "/console/nothing"),
];

/// What administrators have beside it.
const ADMIN_PAGES: [View<'_>; 10] = [
    view("clusters-new", "/console/clusters/new"),
    view("cluster-remove", "/console/clusters/member-1/remove"),
    view("users", "/console/users"),
    view("users-new", "/console/users/new"),
    view("user", "/console/users/name/admin"),
    view("users-keys", "/console/users/keys"),
    view("envoys", "/console/envoys"),
    view("audit", "/console/audit"),
    view("audit-faulty", "/console/audit?filter=%28"),
    view("audit-none", "/console/audit?user=nobody-is-called-so"),
];

/// What says that there is nothing, or what is wrong.
const STATES: [View<'_>; 5] = [
    view("keys-empty", "/console/keys"),
    view("key-gone", "/console/keys/0a1b2c3d"),
    view(
        "resources-empty",
        "/console/resources?cluster=member-1&resource=pods.v1&search=no-such-pod",
    ),
    view(
        "resources-unknown",
        "/console/resources?cluster=no-such-cluster",
    ),
    view("users-forbidden", "/console/users"),
];

#[test]
fn everybodys_and_administrators_pages_have_no_fault() -> Result<()> {
    in_the_world(async |world| {
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        let mut pages = PAGES.to_vec();
        pages.extend(ADMIN_PAGES);
        console.walk(&pages).await
    })
}

#[test]
fn pages_that_have_nothing_to_show_or_may_not_have_no_fault() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("empty-{}", unique());
        let arguments = ["user", "add", &user, "--password", PASSWORD];
        world.gateway.site().ok(&arguments).await?;
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some((&user, PASSWORD)),
        };
        console.walk(&STATES).await?;
        let stranger = Console {
            account: None,
            ..console
        };
        stranger.walk(&[view("login", "/console/login")]).await
    })
}

#[test]
fn long_names_break_no_page() -> Result<()> {
    in_the_world(async |world| {
        let long = format!("{}{}", "l".repeat(50), unique());
        let user: String = long.chars().take(63).collect();
        let client = world.gateway.user(&user, &[]).await?;
        for number in 0..4 {
            let body = json!({
                "name": format!("{number}{}", "n".repeat(62)),
                "description": "d".repeat(256),
                "scope": { "namespaces": ["a".repeat(63), "b".repeat(63)], "verbs": ["get"] },
            });
            let path = "/api/v1/cube/key/create";
            client.post(path).json(&body).send().await?.expect(200)?;
        }
        let kube = &world.stack.member.kube;
        let namespace = kube.namespace("long-names").await?;
        let name = format!("{}.{}", "m".repeat(120), "m".repeat(120));
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let map = cubegate_tests::kube::config_map(&name, &json!({}));
        kube.create(&maps, &map).await?;
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some((&user, PASSWORD)),
        };
        console
            .walk(&[
                view("keys-long", "/console/keys"),
                view("sessions-long", "/console/sessions"),
            ])
            .await?;
        let admin = Console {
            account: Some(("admin", ADMIN_PASSWORD)),
            ..console
        };
        admin
            .walk(&[
                view("users-long", "/console/users?query=llll"),
                view("users-keys-long", "/console/users/keys?query=nnnn"),
                view(
                    "resources-long",
                    "/console/resources?cluster=member-1&resource=configmaps.v1&search=mmmm",
                ),
            ])
            .await
    })
}

#[test]
fn the_first_page_is_small() -> Result<()> {
    in_the_world(async |world| {
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: None,
        };
        console
            .visit("small", Visitor::default(), async |page| {
                let load = page.load().await?;
                let bytes: u64 = load.loaded.iter().map(|file| file.bytes).sum();
                ensure!(bytes > 0, "nothing was loaded");
                ensure!(bytes <= FIRST_PAGE, "{bytes} bytes: {:?}", load.loaded);
                Ok(())
            })
            .await
    })
}
