//! What is made of numbers and answers that nobody can wait for: a full disk, a clock that is wrong.

use std::path::Path;

use anyhow::anyhow;
use axum::http::StatusCode;

use super::database::compare;
use super::files::judge_room;
use super::ports::judge_readiness;
use super::report::{Report, State};

/// What a check says.
fn told(check: impl FnOnce(&mut Report)) -> (State, &'static str, String) {
    let mut report = Report::default();
    check(&mut report);
    let (state, check, message) = report.last();
    (state, check, message.to_owned())
}

#[test]
fn a_disk_that_is_nearly_full_is_told_before_it_is() {
    for (mib, expected, said) in [
        (0, State::Fail, "nothing can be written soon; make room"),
        (99, State::Fail, "99 MiB are free where /data is: nothing"),
        (100, State::Warn, "a million audit records take about 1 GiB"),
        (1023, State::Warn, "1023 MiB are free where /data is;"),
        (1024, State::Ok, "1024 MiB are free where /data is"),
        (u64::MAX, State::Ok, "MiB are free"),
    ] {
        let (state, check, message) = told(|report| judge_room(report, Path::new("/data"), mib));
        assert_eq!((state, check), (expected, "disk"), "{mib}: {message}");
        assert!(message.contains(said), "{mib}: {message}");
    }
}

#[test]
fn clocks_that_are_apart_are_told_by_how_much_and_in_which_direction() {
    for (apart, expected, said) in [
        (0, State::Ok, "member-1's clock and this machine's agree"),
        (-4, State::Ok, "agree"),
        (
            5,
            State::Warn,
            "clock is 5 s ahead of this machine's; set both",
        ),
        (-239, State::Warn, "clock is 239 s behind this machine's"),
        (240, State::Fail, "240 s ahead"),
        (-86_400, State::Fail, "further apart than five minutes"),
    ] {
        let (state, check, message) = told(|report| compare(report, "member-1's", apart));
        assert_eq!((state, check), (expected, "clocks"), "{apart}: {message}");
        assert!(message.contains(said), "{apart}: {message}");
    }
}

#[test]
fn what_a_control_plane_says_of_its_documents_is_told() {
    let api = "127.0.0.1:8080".parse().unwrap();
    let verbose = "[+]database\n[+]users: 17 of 4096 bytes\n[+]sessions: 4 of 4096 bytes\nok\n";
    let near = "{\"message\":\"the document of sessions is near its limit\"}\n";
    for (answer, expected, said) in [
        (
            Some(Ok((StatusCode::OK, verbose.to_owned()))),
            State::Ok,
            "what Envoys are told fits: users: 17 of 4096 bytes, sessions: 4 of 4096 bytes",
        ),
        (
            Some(Ok((StatusCode::SERVICE_UNAVAILABLE, near.to_owned()))),
            State::Fail,
            "is not ready (503 Service Unavailable): {\"message\":\"the document of sessions is near",
        ),
        (
            Some(Err(anyhow!("no TLS session"))),
            State::Fail,
            "the HTTP API at 127.0.0.1:8080 does not answer: no TLS session",
        ),
        (None, State::Fail, "does not answer in time"),
    ] {
        let (state, check, message) = told(|report| judge_readiness(report, api, answer));
        assert_eq!((state, check), (expected, "documents"), "{message}");
        assert!(message.contains(said), "{message}");
    }
}
