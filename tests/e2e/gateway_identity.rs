//! Who the caller is in the member cluster: the token's user, and nobody else.

use anyhow::Result;
use cubegate_tests::kube::{Rule, Subject, pod};
use cubegate_tests::run::unique;

use crate::support::{cube, in_the_world, kube};

const READ_PODS: Rule<'_> = Rule {
    group: "",
    resources: &["pods"],
    verbs: &["get", "list"],
};

#[test]
fn a_user_without_rights_gets_the_api_servers_own_refusal() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("nobody-{}", unique());
        let client = world.gateway.user(&user, &[]).await?;
        for path in [
            cube("pivot-cluster", "/api/v1/namespaces/default/pods"),
            cube(
                "pivot-cluster",
                "/api/v1/namespaces/default/pods?isFilter=false",
            ),
            kube("pivot-cluster", "/api/v1/namespaces/default/pods"),
            kube(
                "pivot-cluster",
                "/api/v1/namespaces/default/pods?pageSize=5",
            ),
        ] {
            let message = client.get(&path).send().await?.kube_error(403)?;
            assert_eq!(
                message,
                format!(
                    "pods is forbidden: User \"{user}\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\""
                ),
                "{path}"
            );
        }
        Ok(())
    })
}

#[test]
fn a_user_may_do_exactly_what_the_member_cluster_lets_that_user_do() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("reader-{}", unique());
        let server = &world.stack.member.kube;
        let (open, closed) = (
            server.namespace("open").await?,
            server.namespace("closed").await?,
        );
        server
            .grant(&open, Subject::User(&user), &[READ_PODS])
            .await?;
        for namespace in [&open, &closed] {
            server
                .create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod("p"))
                .await?;
        }

        let client = world.gateway.user(&user, &[]).await?;
        let pods =
            |namespace: &str| cube("member-1", &format!("/api/v1/namespaces/{namespace}/pods"));
        assert_eq!(
            client
                .get(&pods(&open))
                .send()
                .await?
                .expect(200)?
                .names()?,
            ["p"]
        );
        client.get(&pods(&closed)).send().await?.kube_error(403)?;
        client
            .delete(&format!("{}/p", pods(&open)))
            .send()
            .await?
            .kube_error(403)?;
        server
            .get(&format!("/api/v1/namespaces/{open}/pods/p"))
            .await?;
        Ok(())
    })
}

#[test]
fn a_users_groups_count_in_the_member_cluster() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let group = format!("team-{}", unique());
        let (team, everybody) = (
            server.namespace("team").await?,
            server.namespace("all").await?,
        );
        server
            .grant(&team, Subject::Group(&group), &[READ_PODS])
            .await?;
        server
            .grant(&everybody, Subject::Group("kubecube"), &[READ_PODS])
            .await?;
        let member = world
            .gateway
            .user(&format!("in-{}", unique()), &[&group])
            .await?;
        let other = world
            .gateway
            .user(&format!("out-{}", unique()), &[])
            .await?;

        let pods = |namespace: &str| {
            cube(
                "pivot-cluster",
                &format!("/api/v1/namespaces/{namespace}/pods"),
            )
        };
        member.get(&pods(&team)).send().await?.expect(200)?;
        other.get(&pods(&team)).send().await?.kube_error(403)?;
        for client in [member, other] {
            client.get(&pods(&everybody)).send().await?.expect(200)?;
        }
        Ok(())
    })
}

/// Headers by which a client asks to be somebody else (`kubectl --as`), and what it is
/// answered when it may not.
const IMPERSONATIONS: [(&str, u16); 8] = [
    ("Impersonate-User: system:admin", 403),
    ("Impersonate-User: admin", 403),
    ("IMPERSONATE-USER: admin", 403),
    ("Impersonate-Group: system:masters", 400),
    ("iMpErSoNaTe-GrOuP: system:masters", 400),
    ("Impersonate-Uid: 0", 400),
    ("Impersonate-Extra-Scopes: all", 400),
    ("Impersonate-Extra-: x", 400),
];

/// Headers by which a client could try to be somebody else.
const CLAIMS: [&str; 8] = [
    "X-Remote-User: admin",
    "x-remote-group: system:masters",
    "X-REMOTE-EXTRA-scopes: all",
    "Connection: Impersonate-User",
    "Connection: Impersonate-Group, Impersonate-User",
    "Connection: keep-alive, impersonate-user",
    "X-Cubegate-Cluster: cluster/member-1",
    "X-Cubegate-Class: stream",
];

#[test]
fn headers_of_the_client_that_name_somebody_have_no_effect() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("nobody-{}", unique());
        world.gateway.user(&user, &[]).await?;
        let token = world.gateway.new_token(&user).await?;
        let raw = world.gateway.raw()?;
        let authorization = format!("Authorization: Bearer {token}");
        let mut tries: Vec<Vec<&str>> = CLAIMS.iter().map(|claim| vec![*claim]).collect();
        tries.push(CLAIMS.to_vec());

        for path in [
            cube("pivot-cluster", "/api/v1/secrets"),
            kube("pivot-cluster", "/api/v1/secrets"),
        ] {
            for claims in &tries {
                let mut lines = vec![authorization.as_bytes()];
                lines.extend(claims.iter().map(|claim| claim.as_bytes()));
                let answer = raw.get(&path, &lines).await?;
                assert_eq!(answer.status, 403, "{claims:?}: {}", answer.body);
                assert!(
                    answer
                        .body
                        .contains(&format!("User \\\"{user}\\\" cannot list resource")),
                    "{claims:?}: {}",
                    answer.body
                );
            }
        }
        Ok(())
    })
}

#[test]
fn who_may_not_be_somebody_else_is_refused_and_not_taken_for_itself() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("nobody-{}", unique());
        let client = world.gateway.user(&user, &[]).await?;
        let token = world.gateway.new_token(&user).await?;
        let raw = world.gateway.raw()?;
        let authorization = format!("Authorization: Bearer {token}");
        let mut tries: Vec<(Vec<&str>, u16)> = IMPERSONATIONS
            .iter()
            .map(|(line, status)| (vec![*line], *status))
            .collect();
        let mut both = vec![
            "Impersonate-User: admin",
            "Impersonate-Group: system:masters",
        ];
        tries.push((both.clone(), 403));
        both.extend(CLAIMS.iter().filter(|line| !line.starts_with("Connection")));
        tries.push((both, 403));
        let all = IMPERSONATIONS.iter().map(|(line, _)| *line);
        tries.push((all.collect(), 400));

        for path in [
            // What everybody may read, so that an answer as the caller would be a 200.
            cube("pivot-cluster", "/version"),
            kube("pivot-cluster", "/version"),
        ] {
            for (lines, status) in &tries {
                let expected = match status {
                    403 => format!("User \\\"{user}\\\" cannot impersonate resource"),
                    _ => "--as".to_owned(),
                };
                let mut sent = vec![authorization.as_bytes()];
                sent.extend(lines.iter().map(|line| line.as_bytes()));
                let answer = raw.get(&path, &sent).await?;
                let told = answer.body.contains(&expected);
                assert!(answer.status == *status && told, "{lines:?}: {answer:?}");
            }
            for (line, status) in IMPERSONATIONS {
                let (name, value) = line.split_once(": ").unwrap();
                let answer = client.get(&path).header(name, value).send().await?;
                answer.kube_error(status)?;
            }
        }
        Ok(())
    })
}

#[test]
fn the_same_headers_have_no_effect_over_http_2() -> Result<()> {
    in_the_world(async |world| {
        let user = format!("nobody-{}", unique());
        let client = world.gateway.user(&user, &[]).await?;
        let path = cube("pivot-cluster", "/api/v1/secrets");
        // A connection header has no place in HTTP/2.
        for claim in CLAIMS
            .iter()
            .filter(|claim| !claim.starts_with("Connection"))
        {
            let (name, value) = claim.split_once(": ").unwrap();
            let answer = client.get(&path).header(name, value).send().await?;
            let message = answer.kube_error(403)?;
            assert!(
                message.contains(&format!("User \"{user}\" cannot list")),
                "{claim}: {message}"
            );
        }
        Ok(())
    })
}

#[test]
fn an_administrator_stays_one_whatever_the_connection_header_names() -> Result<()> {
    in_the_world(async |world| {
        let token = world.gateway.admin_token().await?;
        let raw = world.gateway.raw()?;
        let authorization = format!("Authorization: Bearer {token}");
        for line in [
            "Connection: Impersonate-User",
            "Connection: impersonate-group, x-remote-user",
            "Connection: X-Cubegate-Cluster",
        ] {
            let path = cube("pivot-cluster", "/api/v1/namespaces/default/secrets");
            let answer = raw
                .get(&path, &[authorization.as_bytes(), line.as_bytes()])
                .await?;
            assert_eq!(answer.status, 200, "{line}: {}", answer.body);
        }
        Ok(())
    })
}
