use cubegate_token::UnverifiedToken;
use serde_json::json;

use super::{TestApp, mk_pair};

const CREATE: &str = "/api/v1/cube/key/create";
const KEY: &str = "/api/v1/cube/key";
const TOKEN: &str = "/api/v1/cube/key/token";

fn query(digits: &str) -> String {
    let [access_key, secret_key] = mk_pair(digits);
    format!("{TOKEN}?accessKey={access_key}&secretKey={secret_key}")
}

#[tokio::test]
async fn the_guides_way_from_key_to_token() {
    let app = TestApp::new().await;
    let bearer = app.bearer("jeff").await;
    let created = app
        .send("POST", CREATE, std::slice::from_ref(&bearer), "")
        .await;
    assert_eq!(created.status, 200);
    assert_eq!(created.header("cache-control"), "no-store");
    let created = created.json();
    assert_eq!(created.as_object().unwrap().len(), 2);
    let half = |name: &str| created[name].as_str().unwrap().to_owned();
    let (access_key, secret_key) = (half("accessKey"), half("secretKey"));

    app.pass(100);
    let path = format!("{TOKEN}?accessKey={access_key}&secretKey={secret_key}");
    let answer = app.send("GET", &path, &[], "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("set-cookie"), "");
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let claims = app
        .state
        .issuer
        .verify(&UnverifiedToken::new(&token), app.state.clock.now())
        .unwrap();
    assert_eq!(claims.user, "jeff");
    assert_eq!(claims.groups, ["kubecube"]);
    assert_eq!(claims.access_key.as_ref(), Some(&access_key));
    assert_eq!(claims.expires_at - claims.issued_at, 3600);

    let listed = app
        .send(
            "GET",
            KEY,
            &[("authorization", format!("Bearer {token}"))],
            "",
        )
        .await;
    assert_eq!(
        listed.json(),
        json!({
            "kind": "KeyList",
            "apiVersion": "user.kubecube.io/v1",
            "metadata": {},
            "items": [{
                "metadata": {
                    "name": access_key,
                    "creationTimestamp": "2023-11-14T22:13:20Z",
                    "labels": { "kubecube.io/user": "jeff" }
                },
                "spec": {
                    "user": "jeff",
                    "lastUsedTime": "2023-11-14T22:15:00Z",
                    "lastUsedAddress": "127.0.0.1",
                }
            }]
        })
    );
    assert!(!listed.body.contains(&secret_key));
}

#[tokio::test]
async fn a_token_is_refused_in_the_documented_order() {
    let app = TestApp::new().await;
    let with = |access_key: &str, secret_key: &str| {
        format!("{TOKEN}?accessKey={access_key}&secretKey={secret_key}")
    };
    let [access_key, secret_key] = mk_pair("12");
    let cases = [
        (TOKEN.to_owned(), "key not exist."),
        (with("", &secret_key), "key not exist."),
        (with("zzz", "zzz"), "key not exist."),
        (
            with(&format!("%20{access_key}"), &secret_key),
            "key not exist.",
        ),
        (
            format!("{TOKEN}?accesskey={access_key}&secretKey={secret_key}"),
            "bad request. there is no parameter \"accesskey\"; \"accessKey\" may be meant.",
        ),
        (
            format!("{TOKEN}?access={access_key}&secretKey={secret_key}"),
            "key not exist.",
        ),
        (
            format!("{TOKEN}?accessKey=zzz&accessKey={access_key}&secretKey={secret_key}"),
            "key not exist.",
        ),
        (with(&access_key, ""), "secretkey and accesskey not match."),
        (
            with(&access_key, "zzz"),
            "secretkey and accesskey not match.",
        ),
        (
            with(&mk_pair("34")[0], "zzz"),
            "secretkey and accesskey not match.",
        ),
        (query("34"), "user not exist."),
        (query("56"), "User is disabled."),
    ];
    for (path, message) in cases {
        app.send_in_vain("GET", &path, &[], "")
            .await
            .assert_refused(400, message);
    }
    assert_eq!(app.send("GET", &query("12"), &[], "").await.status, 200);
}

#[tokio::test]
async fn an_imported_key_works_once_its_user_is_there() {
    let app = TestApp::new().await;
    app.send("GET", &query("34"), &[], "")
        .await
        .assert_refused(400, "user not exist.");
    app.add_user(
        "ghost",
        "ghostPass1",
        cubegate_domain::UserState::Normal,
        &[],
    )
    .await;
    assert_eq!(app.send("GET", &query("34"), &[], "").await.status, 200);
}

#[tokio::test]
async fn a_token_by_post_takes_its_keys_from_the_body_alone() {
    let app = TestApp::new().await;
    let [access_key, secret_key] = mk_pair("12");
    let as_json = json!({ "accessKey": access_key, "secretKey": secret_key }).to_string();
    let as_form = format!("accessKey={access_key}&secretKey={secret_key}");
    let form = (
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    );
    let json_type = ("content-type", "application/json".to_owned());
    for (headers, body) in [
        (vec![json_type.clone()], as_json.clone()),
        (vec![form.clone()], as_form.clone()),
        // What `curl -d` says of JSON.
        (vec![form.clone()], as_json.clone()),
        (vec![], as_json),
        (vec![], as_form),
    ] {
        let answer = app.send("POST", TOKEN, &headers, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.json()["token"].is_string());
    }

    app.send_in_vain("POST", &query("12"), &[], "")
        .await
        .assert_refused(401, "Authenticate failed.");
    let bearer = app.bearer("jeff").await;
    assert_eq!(
        app.send_in_vain("POST", &query("12"), &[bearer], "")
            .await
            .status,
        404
    );
    for (headers, body, message) in [
        (vec![json_type.clone()], "{}", "key not exist."),
        (
            vec![json_type.clone()],
            "accessKey=1",
            "Body format invalid.",
        ),
        (
            vec![json_type],
            r#"{"accessKey":1}"#,
            "Body format invalid.",
        ),
        (vec![form.clone()], "[]", "Body format invalid."),
        (vec![form], "x=1", "key not exist."),
    ] {
        let answer = app.send_in_vain("POST", &query("12"), &headers, body).await;
        answer.assert_refused(400, message);
    }
}

#[tokio::test]
async fn the_cap_holds_against_parallel_requests() {
    let app = TestApp::new().await;
    let bearer = app.bearer("jeff").await;
    let answers = futures(50, |n| {
        let method = if n % 2 == 0 { "GET" } else { "POST" };
        app.send(method, CREATE, std::slice::from_ref(&bearer), "")
    })
    .await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((made.len(), refused.len()), (5, 45));
    for answer in refused {
        answer.assert_refused(400, "already have 5 credentials, can't create more.");
    }
    assert_eq!(app.state.store.list_keys("jeff").await.unwrap().len(), 5);
}

#[tokio::test]
async fn only_ones_own_key_is_deleted() {
    let app = TestApp::new().await;
    let jeff = [app.bearer("jeff").await];
    let admin = [app.bearer("admin").await];
    let path = format!("{KEY}?accessKey={}", mk_pair("12")[0]);

    app.send_in_vain("DELETE", &path, &jeff, "")
        .await
        .assert_refused(400, "key and user not match.");
    app.send_in_vain("DELETE", KEY, &admin, "")
        .await
        .assert_refused(400, "key not exist.");
    let body = json!({ "accessKey": mk_pair("12")[0] }).to_string();
    app.send_in_vain("DELETE", KEY, &admin, body)
        .await
        .assert_refused(400, "key not exist.");
    let foreign = format!("{KEY}?accessKey={}", mk_pair("56")[0]);
    app.send_in_vain("DELETE", &foreign, &admin, "")
        .await
        .assert_refused(400, "key and user not match.");

    let answer = app.send("DELETE", &path, &admin, "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({ "message": "success" }))
    );
    app.send("DELETE", &path, &admin, "")
        .await
        .assert_refused(400, "key not exist.");
    app.send("GET", &query("12"), &[], "")
        .await
        .assert_refused(400, "key not exist.");
}

#[tokio::test]
async fn everybody_sees_the_own_keys_only() {
    let app = TestApp::new().await;
    let listed = app.send("GET", KEY, &[app.bearer("jeff").await], "").await;
    assert_eq!(listed.json()["items"], json!([]));
    let listed = app.send("GET", KEY, &[app.bearer("admin").await], "").await;
    assert_eq!(
        listed.json()["items"][0]["metadata"]["name"],
        json!(mk_pair("12")[0])
    );
    assert_eq!(
        listed.json()["items"][0]["spec"]["lastUsedTime"],
        json!(null)
    );
    assert!(!listed.body.contains(&mk_pair("12")[1]));
}

async fn futures<F: Future>(count: usize, make: impl Fn(usize) -> F) -> Vec<F::Output> {
    let mut running: Vec<_> = (0..count).map(|n| Box::pin(make(n))).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}
