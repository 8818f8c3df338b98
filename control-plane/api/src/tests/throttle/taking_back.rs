//! Tokens that are taken back, too often.

use super::*;

async fn is_good(app: &TestApp, token: &str) -> bool {
    let headers = [("authorization", format!("Bearer {token}"))];
    app.send("GET", "/oauth/userinfo", &headers, "")
        .await
        .status
        == 200
}

#[tokio::test]
async fn to_take_tokens_back_has_the_rate_of_tokens_in_the_shape_of_each_api() {
    let app = mk_app(ThrottleSettings {
        tokens_per_user: 2,
        tokens_per_address: 0,
        ..ThrottleSettings::default()
    })
    .await;
    let form = || {
        (
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        )
    };
    let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
    // Each of another user, as they count together.
    for (user, way) in [("jeff", 0), ("admin", 1)] {
        let token = app.token(user).await;
        let take_back = async |token: &str| match way {
            0 => {
                let body = format!("token={token}");
                app.send("POST", "/oauth/revoke", &[form()], body).await
            }
            _ => {
                let headers = [bearer(token)];
                app.send("GET", "/oauth/logout", &headers, "").await
            }
        };
        for _ in 0..2 {
            let other = app.token(user).await;
            assert_eq!(take_back(&other).await.status, 200);
            assert!(!is_good(&app, &other).await);
        }
        let wait = assert_kubesphere_429(&take_back(&token).await);
        assert!((1..=30).contains(&wait), "{wait}");
        // What was not taken back is good, and KubeCube's logout counts, too.
        assert!(is_good(&app, &token).await);
        let headers = [bearer(&token)];
        let answer = app.send("POST", "/api/v1/cube/logout", &headers, "").await;
        assert_kubecube_429(&answer);
        assert!(is_good(&app, &token).await);
    }
}
