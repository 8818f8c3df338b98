//! That the lists are the same everywhere, and like real ones.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;

fn items(list: &[u8]) -> Vec<Value> {
    let list: Value = serde_json::from_slice(list).unwrap();
    list["items"].as_array().unwrap().clone()
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_every_release() {
    let digest = Sha256::digest(PodList::of(40).to_json());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    // A change here makes all published figures incomparable with earlier ones.
    assert_eq!(
        hex,
        "b6910d96f32b05c5b95186da7f47761a40870977d1267f7e28325448e5b65a7a"
    );
}

#[test]
fn another_seed_gives_other_pods() {
    let other = PodList {
        seed: 1,
        ..PodList::of(5)
    };
    assert_ne!(other.to_json(), PodList::of(5).to_json());
}

#[test]
fn the_default_list_has_the_published_size() {
    let list = PodList::default().to_json();
    let each = list.len() / PodList::default().pods;
    assert!((9_000..9_400).contains(&each), "{each} bytes a pod");
    assert!(
        list.starts_with(br#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":""#)
    );
    assert!(list.ends_with(b"]}\n"));
}

#[test]
fn almost_half_of_the_bytes_say_who_set_what() {
    let items = items(&PodList::of(300).to_json());
    let bytes = |pointer: &str| -> usize {
        items
            .iter()
            .map(|item| item.pointer(pointer).unwrap().to_string().len())
            .sum()
    };
    let percent = 100 * bytes("/metadata/managedFields") / bytes("");
    assert!((40..=50).contains(&percent), "{percent} %");
}

#[test]
fn pods_have_names_of_their_own_in_the_servers_order_and_times_in_none() {
    let items = items(&PodList::of(600).to_json());
    let text =
        |item: &Value, pointer: &str| item.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let names: Vec<_> = items
        .iter()
        .map(|item| {
            (
                text(item, "/metadata/namespace"),
                text(item, "/metadata/name"),
            )
        })
        .collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
    let times: Vec<_> = items
        .iter()
        .map(|item| text(item, "/metadata/creationTimestamp"))
        .collect();
    let ascending = times.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((200..400).contains(&ascending), "{ascending} of 599 ascend");
}

#[test]
fn pods_hold_what_makes_lists_hard_to_scan() {
    let list = String::from_utf8(PodList::of(300).to_json()).unwrap();
    assert!(!list.is_ascii());
    for part in [
        r#"{\"apiVersion\":\"v1\""#,
        r"\\\",
        r"\u003c",
        r"C:\\exports",
        r#""k:{\"name\":\"main\"}""#,
    ] {
        assert!(list.contains(part), "{part}");
    }
    for item in items(list.as_bytes()) {
        for pointer in [
            "/metadata/labels/app",
            "/metadata/ownerReferences/0/uid",
            "/spec/containers/0/env/2/name",
            "/spec/volumes/2",
            "/spec/tolerations/1",
            "/status/conditions/3/type",
            "/status/containerStatuses/0/containerID",
            "/status/podIPs/0/ip",
            "/metadata/managedFields/2/fieldsV1/f:status",
        ] {
            assert!(item.pointer(pointer).is_some(), "{pointer} of {item}");
        }
    }
}

#[test]
fn manifests_hold_what_a_client_would_send() {
    let manifests = PodList::of(30).manifests("bench");
    assert_eq!(manifests.len(), 30);
    let pod: Value = serde_json::from_str(&manifests[0]).unwrap();
    assert_eq!(pod["metadata"]["namespace"], "bench");
    assert!(pod["metadata"]["managedFields"].is_null() && pod["status"].is_null());
}
