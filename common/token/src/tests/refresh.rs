//! Refresh tokens, which never call.

use super::*;

fn refresh() -> RefreshClaims {
    RefreshClaims {
        user: "jeff".to_owned(),
        session: "s-1".to_owned(),
        generation: Some(3),
        id: "r-1".to_owned(),
        issued_at: NOW,
        expires_at: NOW + 14_400,
    }
}

#[test]
fn a_refresh_token_refreshes_and_never_calls() {
    for (signer, keys) in [ed25519(), hs256()] {
        let token = signer.sign_refresh(&refresh()).unwrap();
        assert_eq!(token.split('.').count(), 3);
        assert_eq!(verify(&keys, &token, NOW).unwrap_err(), TokenError::Type);
        let token = UnverifiedToken::new(token);
        assert_eq!(keys.verify_refresh(&token, NOW).unwrap(), refresh());
        assert_eq!(
            keys.verify_refresh(&token, NOW + 14_431).unwrap_err(),
            TokenError::Expired
        );
    }
}

#[test]
fn what_calls_never_refreshes() {
    for (signer, keys) in [ed25519(), hs256()] {
        let mut of_a_session = claims("jeff");
        of_a_session.session = Some("s-1".to_owned());
        let token = UnverifiedToken::new(signer.sign(&of_a_session).unwrap());
        assert_eq!(
            keys.verify_refresh(&token, NOW).unwrap_err(),
            TokenError::Type
        );
    }
    let plain = payload(r#""UserInfo":{"username":"admin"},"sid":"s","jti":"i""#);
    let keys = hs256().1;
    assert_eq!(
        keys.verify_refresh(&UnverifiedToken::new(plain), NOW)
            .unwrap_err(),
        TokenError::Type
    );
}
