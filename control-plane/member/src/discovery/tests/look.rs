//! What one small request tells of a server.

use cubegate_testing::{cluster, path_of, serve};

use super::Discoverer;
use crate::ProbeError;
use crate::discovery::Look;

async fn look_at(server: &str) -> Result<Look, ProbeError> {
    let discoverer = Discoverer::new(&cluster("member-1", server)).unwrap();
    discoverer.look().await
}

#[tokio::test]
async fn a_server_tells_its_version_as_far_as_it_is_one() {
    for (told, version) in [
        (r#"{"major":"1","gitVersion":"v1.20.4"}"#, "v1.20.4"),
        (r#"{"gitVersion":"v1\u0000\n.20"}"#, "v1.20"),
        ("{}", ""),
        ("a page of HTML", ""),
    ] {
        let server = serve(|head| {
            assert!(head.contains("cubegate-discovery/"), "{head}");
            match path_of(head) {
                "/version" => (200, told.to_owned()),
                _ => (500, String::new()),
            }
        });
        assert_eq!(look_at(&server).await.unwrap().version, version, "{told}");
    }
    let long = serve(|_| (200, format!(r#"{{"gitVersion":"{}"}}"#, "v".repeat(9_999))));
    assert_eq!(look_at(&long).await.unwrap().version.len(), 64);
}

#[tokio::test]
async fn only_what_makes_it_useless_is_an_error() {
    for (status, is_there) in [(401, false), (403, true), (404, true), (503, true)] {
        let server = serve(move |_| (status, String::new()));
        let look = look_at(&server).await;
        assert_eq!(look.is_ok(), is_there, "{status} {look:?}");
        if let Err(error) = look {
            assert_eq!(error, ProbeError::Unauthorized { server });
        }
    }
    let dead = "http://127.0.0.1:1".to_owned();
    let refused = look_at(&dead).await.unwrap_err();
    assert_eq!(refused, ProbeError::Refused { server: dead });
    let nowhere = look_at("http://no-such-name.invalid").await.unwrap_err();
    let host = "no-such-name.invalid".to_owned();
    assert_eq!(nowhere, ProbeError::NameNotFound { host });
}
