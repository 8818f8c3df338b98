use cubegate_domain::{KeyAttributes, UserState};
use cubegate_token::{KeyScope, Signer};

use super::*;

fn mk_user(groups: &[&str]) -> User {
    User {
        name: "jeff".to_owned(),
        display_name: "Jeff".to_owned(),
        state: UserState::Normal,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        version: 1,
        token_epoch: 1,
        profile: cubegate_domain::Profile::default(),
        created_at: OffsetDateTime::UNIX_EPOCH,
        last_login_at: None,
        last_login_ip: None,
        locked_until: None,
    }
}

fn mk_key(attributes: KeyAttributes) -> AccessKey {
    AccessKey {
        access_key: "ak".to_owned(),
        user: "jeff".to_owned(),
        attributes,
        token_epoch: 3,
        old_secret_until: None,
        made_by: None,
        created_at: OffsetDateTime::UNIX_EPOCH,
        last_used_at: None,
        last_used_address: None,
        last_used_cluster: None,
    }
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

#[test]
fn a_token_says_who_it_is_for_and_where_it_came_from() {
    let issuer =
        Issuer::ed25519(Ed25519Signer::generate("cubegate"), DEFAULT_TOKEN_LIFETIME).unwrap();
    let issued = issuer
        .issue_from_key(
            &mk_user(&["dev", "kubecube"]),
            &mk_key(KeyAttributes::default()),
            at(1_000_000),
        )
        .unwrap();
    let claims = issuer
        .verify(&UnverifiedToken::new(issued.token), at(1_000_010))
        .unwrap();
    assert_eq!(claims.user, "jeff");
    assert_eq!(claims.groups, ["kubecube", "dev"]);
    assert_eq!(claims.access_key.as_deref(), Some("ak"));
    assert_eq!((claims.key_epoch, claims.scope), (Some(3), None));
    assert_eq!(claims.id, Some(issued.id));
    assert_eq!(claims.issued_at, 1_000_000);
    assert_eq!(claims.expires_at, 1_003_600);
}

#[test]
fn a_token_is_good_for_what_its_key_is_and_no_longer() {
    let issuer =
        Issuer::ed25519(Ed25519Signer::generate("cubegate"), DEFAULT_TOKEN_LIFETIME).unwrap();
    let scope = KeyScope {
        namespaces: vec!["shop".to_owned()],
        ..KeyScope::default()
    };
    for (end, expected) in [(1_000_100, 1_000_100), (1_009_000, 1_003_600)] {
        let key = mk_key(KeyAttributes {
            expires_at: Some(at(end)),
            scope: scope.clone(),
            ..KeyAttributes::default()
        });
        let issued = issuer.issue_from_key(&mk_user(&[]), &key, at(1_000_000));
        let issued = issued.unwrap();
        let claims = issuer
            .verify(&UnverifiedToken::new(issued.token), at(1_000_010))
            .unwrap();
        assert_eq!(claims.scope.as_ref(), Some(&scope));
        assert_eq!((claims.expires_at, issued.expires_at), (expected, expected));
    }
}

#[test]
fn a_token_ends_with_its_lifetime() {
    let issuer = Issuer::hs256(
        Hs256Secret::new(*b"0123456789abcdef").unwrap(),
        Duration::from_secs(60),
    );
    let token = issuer.issue(&mk_user(&[]), at(1_000_000)).unwrap().token;
    let verify = |now| issuer.verify(&UnverifiedToken::new(token.clone()), at(now));
    assert!(verify(1_000_060).is_ok());
    assert_eq!(verify(1_000_091), Err(TokenError::Expired));
}

#[test]
fn another_key_of_the_same_issuer_is_not_ours() {
    let one = Ed25519Signer::generate("cubegate");
    let other = Ed25519Signer::generate("cubegate");
    let token = Issuer::ed25519(other, DEFAULT_TOKEN_LIFETIME)
        .unwrap()
        .issue(&mk_user(&[]), at(1_000_000))
        .unwrap()
        .token;
    let keys = KeySet::ed25519("cubegate", [one.public_key().unwrap()]).unwrap();
    let issuer = Issuer::new(Signer::Ed25519(Box::new(one)), keys, DEFAULT_TOKEN_LIFETIME);
    assert!(
        issuer
            .verify(&UnverifiedToken::new(token), at(1_000_000))
            .is_err()
    );
}

#[test]
fn a_token_to_check_a_cluster_is_for_nobody_and_for_what_that_cluster_tells_everybody() {
    let signer = Ed25519Signer::generate("cubegate");
    let secret = Hs256Secret::new(*b"0123456789abcdef").unwrap();
    // Under KubeCube's secret everybody is in its group.
    for (issuer, groups) in [
        (
            Issuer::ed25519(signer, DEFAULT_TOKEN_LIFETIME).unwrap(),
            Vec::new(),
        ),
        (
            Issuer::hs256(secret, DEFAULT_TOKEN_LIFETIME),
            vec!["kubecube".to_owned()],
        ),
    ] {
        let minute = Duration::from_secs(60);
        let issued = issuer.issue_for_check("m", minute, at(1_000_000)).unwrap();
        let claims = issuer
            .verify(&UnverifiedToken::new(issued.token), at(1_000_010))
            .unwrap();
        assert_eq!(claims.groups, groups);
        let scope = claims.scope.unwrap();
        assert_eq!(
            (scope.clusters, scope.namespaces, scope.verbs),
            (
                vec!["m".to_owned()],
                vec![String::new()],
                vec!["get".to_owned()]
            )
        );
        assert_eq!(claims.expires_at, 1_000_060);
    }
}
