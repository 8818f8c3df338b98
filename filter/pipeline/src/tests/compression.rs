//! The page goes out as small as the client takes it.

use std::io::Read as _;

use super::*;

const LIST: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods?pageSize=100";

fn large() -> String {
    let item = r#"{"metadata":{"name":"a","labels":{"app":"web","tier":"front"}}}"#;
    format!(r#"{{"items":[{}]}}"#, vec![item; 50].join(","))
}

/// What the client gets that sends this `Accept-Encoding`.
fn reply(encoding: &str, more: &[(&str, &str)], body: &str) -> Reply {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let mut request = vec![("authorization", bearer.as_str())];
    if !encoding.is_empty() {
        request.push(("accept-encoding", encoding));
    }
    let (mut exchange, host, _) = world.send("GET", LIST, &request);
    assert_eq!(
        host.request_header("accept-encoding").as_deref(),
        Some("identity")
    );
    let mut head = vec![(":status", "200"), ("content-type", "application/json")];
    head.extend_from_slice(more);
    host.answer(&mut exchange, &head, &[body.as_bytes()]);
    host.reply.take().unwrap()
}

fn header<'a>(reply: &'a Reply, name: &str) -> Vec<&'a str> {
    let headers = reply.headers.iter();
    let found = headers.filter(|(have, _)| have == name);
    found.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_page_is_compressed_for_whom_takes_gzip() {
    let plain = reply("", &[], &large());
    assert_eq!(header(&plain, "content-encoding"), [""; 0]);
    let reply = reply("deflate, gzip;q=0.8", &[], &large());
    assert_eq!(header(&reply, "content-encoding"), ["gzip"]);
    assert_eq!(header(&reply, "vary"), ["Accept-Encoding"]);
    assert_eq!(header(&reply, "content-length"), [""; 0]);
    assert!(reply.body.len() < plain.body.len() / 5);
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(reply.body.as_slice())
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(text, plain.body);
}

#[test]
fn a_page_stays_as_it_is_for_all_others_and_says_that_it_could_differ() {
    for encoding in ["", "identity", "br", "gzip;q=0", "*;q=0", "identity;q=0"] {
        let reply = reply(encoding, &[], &large());
        assert_eq!(header(&reply, "content-encoding"), [""; 0], "{encoding}");
        assert_eq!(header(&reply, "vary"), ["Accept-Encoding"]);
        assert!(reply.body.starts_with(b"{"));
    }
}

#[test]
fn a_small_page_is_not_worth_it() {
    let reply = reply("gzip", &[], r#"{"items":[]}"#);
    assert_eq!(header(&reply, "content-encoding"), [""; 0]);
    assert_eq!(header(&reply, "vary"), [""; 0]);
}

#[test]
fn a_page_that_would_stop_the_worker_goes_out_as_it_is() {
    let item = format!(r#"{{"data":"{}"}}"#, "x".repeat(3 << 20));
    let reply = reply("gzip", &[], &format!(r#"{{"items":[{item},{item}]}}"#));
    assert_eq!(header(&reply, "content-encoding"), [""; 0]);
    assert_eq!(reply.status, 200);
}

#[test]
fn the_upstreams_own_vary_is_kept() {
    for (theirs, ours) in [
        ("Accept", "Accept, Accept-Encoding"),
        ("accept-encoding, Accept", "accept-encoding, Accept"),
        ("*", "*"),
    ] {
        let reply = reply("gzip", &[("vary", theirs)], &large());
        assert_eq!(header(&reply, "vary"), [ours]);
        assert_eq!(header(&reply, "content-encoding"), ["gzip"]);
    }
}
