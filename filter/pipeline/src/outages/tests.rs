use cubegate_filter_config::{MemberEntry, MembersPart, PartKind, VERSION};

use super::*;

/// Tells of these members, all of one part's; the second says whether it is unreachable.
fn tell(members: &Members, of: &[(&str, bool)]) {
    let mut parts: HashMap<PartKind, MembersPart> = HashMap::new();
    for (name, unreachable) in of {
        let kind = PartKind::of_member(name);
        let part = parts.entry(kind).or_default();
        part.version = VERSION;
        part.members
            .insert((*name).to_owned(), mk_entry(*unreachable));
    }
    for (kind, part) in parts {
        members
            .take(kind, &serde_json::to_vec(&part).unwrap())
            .unwrap();
    }
}

fn mk_entry(unreachable: bool) -> MemberEntry {
    MemberEntry {
        authority: "10.0.0.1:6443".to_owned(),
        path_prefix: "/k8s".to_owned(),
        any_path: false,
        unreachable,
        discovery: None,
    }
}

/// Which looks are due, of members that are all there.
fn due(outages: &Outages, now: u64) -> Vec<String> {
    let find = |name: &str| {
        let cluster = mk_entry(false).into_cluster(name);
        Some(Rc::new(Member::of(cluster)))
    };
    let looks = outages.take_due(now, find).into_iter();
    looks.map(|look| look.member).collect()
}

/// Those of a worker, with one member that nothing is known of, and when it is.
fn mk_outages() -> (Outages, Members) {
    let members = Members::default();
    tell(&members, &[("m", false)]);
    (Outages::default(), members)
}

#[test]
fn a_member_is_down_when_a_look_fails_and_up_when_one_goes_well() {
    let (outages, _) = mk_outages();
    assert!(!outages.is_down("m", 100));
    assert!(due(&outages, 100).is_empty());
    outages.failed("m", 100);
    assert!(!outages.is_down("m", 100), "one request is no proof");
    assert_eq!(due(&outages, 100), ["m"]);
    assert!(due(&outages, 100).is_empty(), "a look is under way");
    assert!(!outages.is_down("m", 101));
    assert_eq!(outages.looked("m", false, 102), Some(Turn::Down));
    assert!(outages.is_down("m", 102));
    assert!(due(&outages, 103).is_empty());
    assert_eq!(due(&outages, 104), ["m"]);
    assert_eq!(outages.looked("m", false, 104), None);
    assert_eq!(due(&outages, 106), ["m"]);
    assert_eq!(outages.looked("m", true, 106), Some(Turn::Up));
    assert!(!outages.is_down("m", 106));
    assert!(outages.0.doubted.borrow().is_empty());
}

#[test]
fn one_that_answers_a_look_or_anybody_is_up() {
    let (outages, _) = mk_outages();
    outages.failed("m", 100);
    due(&outages, 100);
    assert_eq!(outages.looked("m", true, 100), None);
    assert!(outages.0.doubted.borrow().is_empty());
    // A request that was under way longer than the look.
    outages.failed("m", 200);
    due(&outages, 200);
    outages.looked("m", false, 202);
    outages.answered("m");
    assert!(!outages.is_down("m", 202));
    // The answer came first, and the look after it is of an older time.
    outages.failed("m", 300);
    due(&outages, 300);
    outages.answered("m");
    assert_eq!(outages.looked("m", true, 301), None);
    assert!(outages.0.doubted.borrow().is_empty());
}

#[test]
fn one_that_nobody_asks_for_is_forgotten() {
    let (outages, _) = mk_outages();
    outages.failed("m", 100);
    due(&outages, 100);
    outages.looked("m", false, 102);
    assert_eq!(due(&outages, 129), ["m"]);
    outages.looked("m", false, 129);
    assert!(due(&outages, 131).is_empty());
    assert!(!outages.is_down("m", 131));
    assert!(outages.0.doubted.borrow().is_empty());
}

#[test]
fn what_the_control_plane_cannot_reach_is_looked_at_before_anybody_asks() {
    let (outages, members) = mk_outages();
    tell(&members, &[("m", true)]);
    outages.follow(&members, 100);
    assert!(!outages.is_down("m", 0));
    assert_eq!(due(&outages, 100), ["m"]);
    outages.looked("m", false, 102);
    // Seldom, while nobody does.
    assert!(due(&outages, 131).is_empty());
    assert_eq!(due(&outages, 132), ["m"]);
    outages.looked("m", false, 132);
    assert!(outages.is_down("m", 140));
    assert_eq!(due(&outages, 142), ["m"]);
    outages.looked("m", false, 142);
    assert_eq!(due(&outages, 144), ["m"]);
    outages.looked("m", false, 144);
    // At once when the control plane has an answer.
    tell(&members, &[("m", false)]);
    outages.follow(&members, 145);
    assert!(outages.is_down("m", 145));
    assert_eq!(due(&outages, 145), ["m"]);
    assert_eq!(outages.looked("m", true, 145), Some(Turn::Up));
    assert!(outages.0.doubted.borrow().is_empty());
}

#[test]
fn what_this_proxy_reaches_is_up_whoever_does_not() {
    let (outages, members) = mk_outages();
    tell(&members, &[("m", true)]);
    outages.follow(&members, 100);
    due(&outages, 100);
    assert_eq!(outages.looked("m", true, 100), None);
    assert!(!outages.is_down("m", 101));
    // Told once more, for another member of its part.
    tell(&members, &[("m", true)]);
    outages.follow(&members, 102);
    assert!(due(&outages, 1_000).is_empty());
    outages.failed("m", 1_000);
    assert_eq!(due(&outages, 1_000), ["m"]);
}

#[test]
fn a_member_that_is_gone_or_moved_is_another_one() {
    let (outages, members) = mk_outages();
    outages.follow(&members, 90);
    let down = || {
        outages.failed("m", 100);
        due(&outages, 100);
        outages.looked("m", false, 100);
    };
    down();
    let mut part = MembersPart::new();
    let mut moved = mk_entry(false);
    moved.authority = "10.0.0.2:6443".to_owned();
    part.members.insert("m".to_owned(), moved);
    let document = serde_json::to_vec(&part).unwrap();
    members.take(PartKind::of_member("m"), &document).unwrap();
    outages.follow(&members, 101);
    assert!(!outages.is_down("m", 101));
    tell(&members, &[("m", false)]);
    outages.follow(&members, 102);
    down();
    let empty = serde_json::to_vec(&MembersPart::new()).unwrap();
    members.take(PartKind::of_member("m"), &empty).unwrap();
    outages.follow(&members, 103);
    assert!(outages.0.doubted.borrow().is_empty());
}

#[test]
fn many_are_looked_at_in_turn() {
    let (outages, members) = mk_outages();
    let names: Vec<String> = (0..100).map(|number| format!("m-{number}")).collect();
    let told: Vec<_> = names.iter().map(|name| (name.as_str(), true)).collect();
    tell(&members, &told);
    outages.follow(&members, 100);
    let first = due(&outages, 100);
    let second = due(&outages, 101);
    assert_eq!((first.len(), second.len()), (AT_ONCE, 100 - AT_ONCE));
    assert!(first.iter().all(|name| !second.contains(name)));
    assert!(due(&outages, 102).is_empty());
}

#[test]
fn a_look_of_which_nothing_is_heard_is_made_again() {
    let (outages, _) = mk_outages();
    outages.failed("m", 100);
    assert_eq!(due(&outages, 100), ["m"]);
    assert!(due(&outages, 109).is_empty());
    assert_eq!(due(&outages, 110), ["m"]);
    assert_eq!(outages.looked("m", false, 110), Some(Turn::Down));
}

#[test]
fn a_look_asks_for_the_version_where_the_member_is() {
    let look = Probe::at("m".to_owned(), &mk_entry(false).into_cluster("m"));
    assert_eq!(look.call.cluster, "cluster/m");
    assert_eq!(look.call.headers.get_str(":path"), Some("/k8s/version"));
    assert_eq!(
        look.call.headers.get_str(":authority"),
        Some("10.0.0.1:6443")
    );
    assert_eq!(look.call.headers.get("authorization"), None);
}

#[test]
fn an_answer_is_what_a_server_says_and_not_the_proxy() {
    let answer = |status: &str, body: &str| {
        let headers = Headers::of(&[(":status", status), ("content-type", "application/json")]);
        is_answer(Some(headers), body.as_bytes().to_vec())
    };
    for status in ["200", "401", "403", "404", "429", "500"] {
        assert!(answer(status, ""), "{status}");
    }
    let status = r#"{"kind":"Status","message":"etcd is away"}"#;
    assert!(answer("503", status));
    assert!(!answer(
        "503",
        "upstream connect error or disconnect/reset before headers"
    ));
    assert!(!answer("504", "upstream request timeout"));
    assert!(!is_answer(None, Vec::new()));
}
