//! Tokens that were taken back.

use cubegate_filter_config::{REVOCATION_PARTS, RevocationKind, RevocationPart};

use super::*;

const VERSION: &str = "/clusters/pivot-cluster/version";

fn token_of(world: &World) -> String {
    world.sign(&Claims {
        access_key: Some("key-1".to_owned()),
        key_epoch: Some(2),
        session: Some("session-1".to_owned()),
        generation: Some(2),
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
    type Change = fn(&mut Epochs, &mut Sessions);
    let world = World::new();
    let token = token_of(&world);
    assert!(is_good(&world, &token));
    let changes: [(&str, Change); 5] = [
        ("user", |epochs, _| epochs.raise_user("jeff", 3)),
        ("key", |epochs, _| epochs.raise_key("key-1", 3)),
        ("session", |_, sessions| {
            sessions.raise_session("session-1", u64::MAX, 0);
        }),
        ("generation", |_, sessions| {
            sessions.raise_session("session-1", 3, 0);
        }),
        ("token", |_, sessions| sessions.add_token("id-1", 0)),
    ];
    for (what, change) in changes {
        world.refuse(change);
        assert_eq!(world.gateway.verifier.remembered(), 1, "it is a cache hit");
        assert!(!is_good(&world, &token), "{what}");
        // And again when the entry has gone: the token itself is good.
        world.refuse(|_, _| {});
        assert!(is_good(&world, &token), "{what}");
    }
}

#[test]
fn what_was_taken_back_from_others_is_no_matter() {
    let world = World::new();
    let token = token_of(&world);
    world.refuse(|epochs, sessions| {
        epochs.raise_user("jeff", 2);
        epochs.raise_user("ann", 9);
        epochs.raise_key("key-1", 2);
        epochs.raise_key("key-2", 9);
        sessions.raise_session("key-1", u64::MAX, 0);
        sessions.raise_session("session-1", 2, 0);
        sessions.add_token("session-1", 0);
    });
    assert!(is_good(&world, &token));
    let without_ids = world.token("bob", &[]);
    assert!(is_good(&world, &without_ids));
}

#[test]
fn a_token_without_an_epoch_is_a_kubecubes_and_of_no_epoch() {
    let world = World::new();
    let token = world.token("jeff", &[]);
    world.refuse(|epochs, _| epochs.raise_user("jeff", 1));
    assert!(is_good(&world, &token));
}

#[test]
fn a_token_of_a_key_without_an_epoch_is_older_than_all_with_one() {
    let world = World::new();
    let token = world.sign(&Claims {
        access_key: Some("key-1".to_owned()),
        ..claims("jeff", &[])
    });
    assert!(is_good(&world, &token));
    world.refuse(|epochs, _| epochs.raise_key("key-1", 1));
    assert!(!is_good(&world, &token));
}

#[test]
fn nobody_is_let_through_while_it_is_not_known_what_was_taken_back() {
    let world = World::new();
    let bearer = format!("Bearer {}", token_of(&world));
    let document = world.document.as_bytes();
    let epochs = Epochs::default().to_parts();
    let sessions = Sessions::default().to_parts(usize::MAX).0;
    let all = [epochs.clone(), sessions.clone()].concat();
    let all_but_one = all.iter().skip(1).cloned().collect();
    for known in [Vec::new(), epochs, sessions, all_but_one] {
        let revocations = Revocations::default();
        for (part, document) in known {
            revocations.take_part(part, document).unwrap();
        }
        let gateway = Gateway::compile(
            document,
            |_| None,
            None,
            &revocations,
            &Members::default(),
            &Meters::default(),
        )
        .unwrap();
        let unknowing = World {
            gateway: Rc::new(gateway),
            signer: world.signer.clone(),
            document: world.document.clone(),
        };
        for (path, expected) in [
            (VERSION, r#""kind":"Status""#),
            (
                "/api/v1/cube/proxy/clusters/pivot-cluster/version",
                r#"{"code":503,"#,
            ),
        ] {
            let (_, host, flow) = unknowing.send("GET", path, &[("authorization", &bearer)]);
            assert_eq!(flow, Flow::Pause);
            let (status, body) = host.refusal();
            assert_eq!(status, 503);
            assert!(body.contains(expected), "{body}");
            assert_eq!(host.reply_header("retry-after").as_deref(), Some("1"));
        }
        // What the control plane answers by itself goes on.
        let (_, _, flow) = unknowing.send("POST", "/oauth/token", &[]);
        assert_eq!(flow, Flow::Continue);
    }
}

#[test]
fn a_refused_document_leaves_what_was_in_force_and_changes_are_counted() {
    let world = World::new();
    let token = token_of(&world);
    world.refuse(|epochs, _| epochs.raise_user("jeff", 3));
    let revocations = world.gateway.revocations();
    let changes = revocations.changes();
    let (part, document) = Epochs::default().to_parts().remove(0);
    let mut broken = document.clone();
    broken.pop();
    assert!(revocations.take_part(part, broken.clone()).is_err());
    assert!(revocations.take(broken).is_err());
    let of_sessions = RevocationPart::of(RevocationKind::Sessions).next().unwrap();
    assert!(revocations.take_part(of_sessions, document).is_err());
    assert_eq!(revocations.changes(), changes);
    assert!(!is_good(&world, &token));
    world.refuse(|_, _| {});
    assert_eq!(
        revocations.changes(),
        changes + u64::from(2 * REVOCATION_PARTS)
    );
}

#[test]
fn a_whole_list_of_a_file_is_in_force_by_itself() {
    let world = World::new();
    let token = token_of(&world);
    let revocations = world.gateway.revocations();
    let mut epochs = Epochs::default();
    epochs.raise_user("jeff", 3);
    revocations.take(epochs.to_bytes()).unwrap();
    assert!(!is_good(&world, &token));
    revocations.take(Epochs::default().to_bytes()).unwrap();
    assert!(is_good(&world, &token));

    let of_files = Revocations::default();
    assert!(!of_files.are_known());
    of_files.take(Epochs::default().to_bytes()).unwrap();
    assert!(!of_files.are_known());
    let (bytes, _) = Sessions::default().to_bytes(usize::MAX);
    of_files.take(bytes).unwrap();
    assert!(of_files.are_known());
}
