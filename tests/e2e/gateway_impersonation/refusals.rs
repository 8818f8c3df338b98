//! Requests that name somebody and go nowhere: what cannot be told, what is switched off,
//! what a bounded key may not, and clusters that do not say.

use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::faults::{Script, Scripted, Step, send, whole};
use cubegate_tests::gateway::Options;
use cubegate_tests::run::unique;

use super::{refusal, somebody};
use crate::support::{World, cube, in_the_playground, in_the_world, kube};

/// Lines that do not say for whom, and what is said to them.
const UNTOLD: [(&[&str], &str); 12] = [
    (
        &["Impersonate-Group: system:masters"],
        "need an Impersonate-User",
    ),
    (
        &["iMpErSoNaTe-GrOuP: a", "impersonate-group: b"],
        "need an Impersonate-User",
    ),
    (&["Impersonate-Uid: 0"], "need an Impersonate-User"),
    (
        &["Impersonate-Extra-Scopes: all"],
        "need an Impersonate-User",
    ),
    (&["Impersonate-User:"], "1 to 1024 bytes"),
    (&["Impersonate-User: \x01"], ""),
    (&["Impersonate-User: b\u{e9}\u{85}"], "1 to 1024 bytes"),
    (
        &["Impersonate-User: bob", "IMPERSONATE-USER: admin"],
        "send each once",
    ),
    (
        &["Impersonate-User: bob", "Impersonate-Extra-: x"],
        "Impersonate-Extra-{key}",
    ),
    (&["Impersonate-User: bob", "Impersonate-: x"], "take it out"),
    (
        &["Impersonate-User: bob", "Impersonate-Users: x"],
        "take it out",
    ),
    (
        &["Impersonate-User: bob", "Impersonate-Extra-%zz: x"],
        "Impersonate-Extra-{key}",
    ),
];

#[test]
fn what_does_not_say_for_whom_is_refused_with_a_sentence() -> Result<()> {
    in_the_world(async |world| {
        let raw = world.gateway.raw()?;
        let token = world.gateway.admin_token().await?;
        let authorization = format!("Authorization: Bearer {token}");
        let refused = async |path: &str, lines: &[&str], said: &str| {
            let mut all = vec![authorization.as_bytes()];
            all.extend(lines.iter().map(|line| line.as_bytes()));
            let answer = raw.get(path, &all).await?;
            ensure!(
                answer.status == 400,
                "{lines:?}: {} {}",
                answer.status,
                answer.body
            );
            // What is no header at all Envoy refuses by itself.
            ensure!(
                said.is_empty() || (answer.body.contains(said) && answer.body.contains("--as")),
                "{lines:?}: {}",
                answer.body
            );
            Ok(())
        };
        for path in [kube("member-1", "/version"), cube("member-1", "/version")] {
            for (lines, said) in UNTOLD {
                refused(&path, lines, said).await?;
            }
            let mut many = vec!["Impersonate-User: bob"];
            many.extend(["Impersonate-Group: g"; 65]);
            refused(&path, &many, "64 groups").await?;
        }
        for path in [
            "/api/v1/cube/key",
            "/api/v1/cube/clusters/info",
            "/oauth/userinfo",
            "/kapis/iam.kubesphere.io/v1alpha2/users",
            "/healthz",
        ] {
            refused(path, &["Impersonate-User: bob"], "impersonates nobody").await?;
        }
        // A name with an underscore is none of them, and Envoy takes none.
        let lines = [authorization.as_bytes(), b"Impersonate_User: bob"];
        let answer = raw.get(&kube("member-1", "/version"), &lines).await?;
        ensure!(answer.status == 400, "{}", answer.status);
        Ok(())
    })
}

#[test]
fn it_is_refused_where_it_is_switched_off() -> Result<()> {
    in_the_world(async |world| {
        let options = Options {
            flags: vec!["--no-impersonation".to_owned()],
            ..Options::default()
        };
        let gateway = World::gateway_with("as-nobody", world.stack, &options).await?;
        let admin = gateway.admin().await?;
        gateway.wait_for_cluster(&admin, "member-1").await?;
        for name in [
            "impersonate-user",
            "impersonate-group",
            "impersonate-extra-x",
        ] {
            for path in [kube("member-1", "/version"), cube("member-1", "/version")] {
                let answer = admin.get(&path).header(name, "bob").send().await?;
                let message = answer.kube_error(403)?;
                assert_eq!(
                    message,
                    "Impersonation (kubectl --as) is switched off at this gateway."
                );
            }
        }
        admin
            .get(&kube("member-1", "/version"))
            .send()
            .await?
            .expect(200)?;
        Ok(())
    })
}

#[test]
fn a_bounded_key_is_for_what_its_owner_may() -> Result<()> {
    in_the_world(async |world| {
        // Of its own, for one may have five keys.
        let (site, user) = (world.gateway.site(), format!("bounded-{}", unique()));
        site.add_user(&user, "a good Passw0rd").await?;
        world.stack.member.kube.make_cluster_admin(&user).await?;
        for flags in [
            ["--cluster", "member-1"],
            ["--namespace", "default"],
            ["--verb", "get"],
        ] {
            let key = site.create_key_with(&user, &flags).await?;
            let token = world.gateway.exchange(&key).await?;
            let client = world.gateway.client().with_bearer(&token)?;
            let path = kube("member-1", "/version");
            client.get(&path).send().await?.expect(200)?;
            let answer = client.get(&path).header("impersonate-user", "bob");
            let answer = answer.send().await?;
            if flags[0] == "--cluster" {
                // The path keeps this bound, whoever it is.
                answer.expect(200)?;
                continue;
            }
            let message = answer.kube_error(403)?;
            ensure!(
                message.contains("bounded access key impersonates nobody"),
                "{message}"
            );
        }
        Ok(())
    })
}

fn answered(status: &str, content_type: &str, body: &str) -> Script {
    let length = body.len();
    vec![send(format!(
        "HTTP/1.1 {status} Some\r\nContent-Type: {content_type}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    ))]
}

/// An upstream that gives everything, and answers reviews like this.
async fn reviewing(answer: Script) -> Result<Scripted> {
    Scripted::answering(
        move |head| match head.contains("selfsubjectaccessreviews") {
            true => answer.clone(),
            false => whole(r#"{"gitVersion":"v1"}"#),
        },
    )
    .await
}

#[test]
fn a_cluster_that_does_not_say_who_may_be_whom_lets_nobody() -> Result<()> {
    in_the_playground(async |playground| {
        const STATUS: &str = r#"{"kind":"Status","message":"busy"}"#;
        let json = |status: &str, body: &str| answered(status, "application/json", body);
        let rows = [
            (json("200", r#"{"kind":"PodList","items":[]}"#), 502),
            (
                json("201", r#"{"kind":"SelfSubjectAccessReview","status":{}}"#),
                502,
            ),
            (answered("404", "text/plain", "404 page not found"), 502),
            (answered("302", "text/plain", "elsewhere"), 502),
            (json("429", STATUS), 429),
            (answered("429", "text/plain", "Too many requests"), 429),
            (json("503", STATUS), 503),
            (json("401", STATUS), 502),
            (vec![send("HTTP/1.1 201 Created\r\nContent-Le")], 502),
            (Vec::new(), 502),
            (vec![Step::Wait(Duration::from_secs(60))], 504),
        ];
        let tried = rows.into_iter().map(|(script, expected)| async move {
            let upstream = reviewing(script.clone()).await?;
            let cluster = playground.cluster(upstream.port()).await?;
            let path = kube(&cluster, "/api/v1/nodes/n");
            let client = playground.client()?;
            let answer = client
                .get(&path)
                .header("impersonate-user", "bob")
                .patience(Duration::from_secs(40))
                .send()
                .await?;
            ensure!(
                answer.status == expected,
                "{expected}: {}",
                answer.describe()
            );
            answer.kube_error(expected).or_else(|error| {
                // The server's own words pass as they are.
                let own = answer.text().contains("busy");
                if own { Ok(String::new()) } else { Err(error) }
            })?;
            let reached = upstream.heads()?;
            let as_bob = reached
                .iter()
                .find(|head| head.contains("impersonate-user: bob"));
            ensure!(as_bob.is_none(), "{as_bob:?}");
            Ok(())
        });
        futures::future::try_join_all(tried).await?;
        Ok(())
    })
}

#[test]
fn a_yes_is_remembered_for_a_moment_and_a_no_is_not() -> Result<()> {
    in_the_playground(async |playground| {
        let said = |allowed: bool| {
            let body =
                format!(r#"{{"kind":"SelfSubjectAccessReview","status":{{"allowed":{allowed}}}}}"#);
            answered("201", "application/json", &body)
        };
        for (allowed, status, most) in [(true, 200, 4), (false, 403, 8)] {
            let upstream = reviewing(said(allowed)).await?;
            let cluster = playground.cluster(upstream.port()).await?;
            let client = playground.client()?;
            let bob = somebody("bob");
            for _ in 0..8 {
                let path = kube(&cluster, "/api/v1/nodes/n");
                let answer = client.get(&path).header("impersonate-user", &bob);
                let answer = answer.send().await?.expect(status)?;
                if !allowed {
                    assert_eq!(answer.kube_error(403)?, refusal(&bob, "admin"));
                }
            }
            let heads = upstream.heads()?;
            let reviews = heads
                .iter()
                .filter(|head| head.contains("selfsubjectaccessreviews"));
            let asked = reviews.count();
            // Each worker asks for itself.
            ensure!(asked <= most && (allowed || asked == most), "{asked}");
        }
        Ok(())
    })
}
