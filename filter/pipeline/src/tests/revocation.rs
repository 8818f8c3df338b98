//! Tokens that were taken back.

use super::*;

const VERSION: &str = "/clusters/pivot-cluster/version";

fn token_of(world: &World) -> String {
    world.sign(&Claims {
        access_key: Some("key-1".to_owned()),
        key_epoch: Some(2),
        session: Some("session-1".to_owned()),
        epoch: Some(2),
        id: Some("id-1".to_owned()),
        ..claims("jeff", &[])
    })
}

fn is_good(world: &World, token: &str) -> bool {
    let bearer = format!("Bearer {token}");
    let (_, host, flow) = world.send("GET", VERSION, &[("authorization", &bearer)]);
    if flow == Flow::Pause {
        let (status, body) = host.refusal();
        assert_eq!(status, 401);
        assert!(body.contains("Unauthorized"), "{body}");
    }
    flow == Flow::Continue
}

#[test]
fn a_token_that_was_taken_back_is_refused_also_when_it_was_verified_before() {
    let world = World::new();
    let token = token_of(&world);
    assert!(is_good(&world, &token));
    assert_eq!(world.gateway.verifier.remembered(), 1);
    for revoked in [
        r#"{"users":{"jeff":3}}"#,
        r#"{"keys":{"key-1":3}}"#,
        r#"{"sessions":["session-1"]}"#,
        r#"{"tokens":["id-1"]}"#,
    ] {
        let pushed = world.push("revoked", revoked);
        assert_eq!(pushed.gateway.verifier.remembered(), 1, "it is a cache hit");
        assert!(!is_good(&pushed, &token), "{revoked}");
        // And again when the entry has gone: the token itself is good.
        assert!(is_good(&pushed.push("revoked", "{}"), &token));
    }
}

#[test]
fn what_was_taken_back_from_others_is_no_matter() {
    let world = World::new();
    let token = token_of(&world);
    let others = world.push(
        "revoked",
        r#"{"users":{"jeff":2,"ann":9},"keys":{"key-1":2,"key-2":9},"sessions":["key-1"],"tokens":["session-1"]}"#,
    );
    assert!(is_good(&others, &token));
    let without_ids = world.token("bob", &[]);
    assert!(is_good(&others, &without_ids));
}

#[test]
fn a_token_without_an_epoch_is_a_kubecubes_and_of_no_epoch() {
    let world = World::new();
    let token = world.token("jeff", &[]);
    assert!(is_good(&world, &token));
    assert!(is_good(
        &world.push("revoked", r#"{"users":{"jeff":1}}"#),
        &token
    ));
}

#[test]
fn a_token_of_a_key_without_an_epoch_is_older_than_all_with_one() {
    let world = World::new();
    let token = world.sign(&Claims {
        access_key: Some("key-1".to_owned()),
        ..claims("jeff", &[])
    });
    assert!(is_good(&world, &token));
    let pushed = world.push("revoked", r#"{"keys":{"key-1":1}}"#);
    assert!(!is_good(&pushed, &token));
}
