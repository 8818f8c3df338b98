//! The keys of all users, for administrators, and requests that are done once.

use cubegate_api_types::cube::message;
use cubegate_domain::KeyAttributes;
use serde_json::{Value, json};

use super::TestApp;

const KEYS: &str = "/api/v1/cube/keys";
const CREATE: &str = "/api/v1/cube/key/create";

impl TestApp {
    async fn add_key(&self, user: &str, name: &str) -> String {
        let attributes = KeyAttributes {
            name: name.to_owned(),
            ..KeyAttributes::default()
        };
        let now = self.state.clock.now();
        let pair = self.state.store.create_key_with(user, attributes, now);
        pair.await.unwrap().access_key
    }

    /// A page as administrators see it: names, and how many there are.
    async fn listed_keys(&self, query: &str) -> (Vec<String>, u64) {
        let admin = [self.bearer("admin").await];
        let answer = self
            .send("GET", &format!("{KEYS}{query}"), &admin, "")
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(!answer.body.contains("secret"), "{}", answer.body);
        let page: Value = answer.json();
        let names = page["items"].as_array().unwrap().iter();
        let names = names.map(|key| key["spec"]["name"].as_str().unwrap_or_default().to_owned());
        (names.collect(), page["total"].as_u64().unwrap())
    }
}

#[tokio::test]
async fn administrators_see_whose_keys_there_are() {
    let app = TestApp::new().await;
    // Those by which the test itself asks have no name, and come last.
    let own = app.listed_keys("").await.1;
    let of_jeff = app.listed_keys("?user=jeff").await.1;
    for (user, name) in [("jeff", "c"), ("jeff", "a"), ("admin", "b")] {
        app.add_key(user, name).await;
    }
    let all = app.listed_keys("?sort=spec.name&pageSize=2").await;
    assert_eq!(all, (vec!["a".to_owned(), "b".to_owned()], own + 3));
    let (next, _) = app
        .listed_keys("?sort=spec.name&pageSize=2&pageNum=2")
        .await;
    assert_eq!(next.first().map(String::as_str), Some("c"));
    let (names, count) = app.listed_keys("?user=jeff&sort=spec.name").await;
    assert_eq!(
        (&names[..2], count),
        (&["a".to_owned(), "c".to_owned()][..], of_jeff + 2)
    );
    assert_eq!(app.listed_keys("?user=nobody").await, (vec![], 0));
    let found = app.listed_keys("?filter=spec.name%3Db").await;
    assert_eq!(found, (vec!["b".to_owned()], 1));
    let jeff = [app.bearer("jeff").await];
    let refused = app.send("GET", KEYS, &jeff, "").await;
    refused.assert_refused(403, message::FORBIDDEN);
}

#[tokio::test]
async fn what_is_sent_again_under_its_name_is_told_so_and_not_done() {
    let app = TestApp::new().await;
    let send = async |path: &str, once: &str| {
        let headers = [
            app.bearer("jeff").await,
            ("idempotency-key", once.to_owned()),
        ];
        app.send("POST", path, &headers, "").await
    };
    let before = app.listed_keys("?user=jeff").await.1;
    let made = send(CREATE, "\"8e03978e\"").await;
    assert_eq!(made.status, 200, "{}", made.body);
    // With and without the quotes of a structured field it is the same.
    let again = send(CREATE, "8e03978e").await;
    again.assert_refused(409, message::DONE_ALREADY);
    let key = made.json()["accessKey"].as_str().unwrap().to_owned();
    let rotate = format!("/api/v1/cube/key/rotate?accessKey={key}");
    assert_eq!(send(&rotate, "r").await.status, 200);
    send(&rotate, "r")
        .await
        .assert_refused(409, message::DONE_ALREADY);
    // Another user's is another one.
    let admin = [
        app.bearer("admin").await,
        ("idempotency-key", "r".to_owned()),
    ];
    assert_eq!(app.send("POST", CREATE, &admin, "").await.status, 200);
    for name in ["", "a b", &"x".repeat(129)] {
        let refused = send(CREATE, name).await;
        assert_eq!(refused.status, 400, "{name:?}");
    }
    let of_jeff = app.listed_keys("?user=jeff").await;
    assert_eq!(of_jeff.1, before + 1, "{}", json!(of_jeff.0));
}
