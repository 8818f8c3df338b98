use super::*;

fn epochs(bytes: Vec<u8>) -> EpochsDocument {
    match RevocationDocument::parse(bytes).unwrap() {
        RevocationDocument::Epochs(document) => document,
        RevocationDocument::Sessions(_) => panic!("sessions"),
    }
}

fn sessions(bytes: Vec<u8>) -> SessionsDocument {
    match RevocationDocument::parse(bytes).unwrap() {
        RevocationDocument::Sessions(document) => document,
        RevocationDocument::Epochs(_) => panic!("epochs"),
    }
}

#[test]
fn what_was_written_is_read_and_nothing_else_is_refused() {
    let mut list = Epochs::default();
    for number in 0..1_000 {
        list.raise_user(&format!("user-{number}"), number);
        list.raise_key(&format!("key-{number}"), number);
    }
    list.raise_user("user-7", 3);
    list.raise_key("gone", u64::MAX);
    let document = epochs(list.to_bytes());
    for number in 0..1_000_u64 {
        let user = Mark::of(&format!("user-{number}"));
        assert!(!document.refuses_user(&user, number));
        if let Some(older) = number.checked_sub(1) {
            assert!(document.refuses_user(&user, older));
        }
        assert!(!document.refuses_key(&user, 0), "a user is no key");
    }
    assert!(document.refuses_key(&Mark::of("gone"), u64::MAX));
    assert!(!document.refuses_user(&Mark::of("nobody"), 0));

    let mut list = Sessions::default();
    list.raise_session("ended", u64::from(NONE_GOOD), 100);
    list.raise_session("replaced", 5, 100);
    list.raise_session("replaced", 4, 90);
    list.add_token("token", 100);
    let document = sessions(list.to_bytes(usize::MAX).0);
    assert!(document.refuses_session(&Mark::of("ended"), u64::MAX));
    assert!(document.refuses_session(&Mark::of("replaced"), 4));
    assert!(!document.refuses_session(&Mark::of("replaced"), 5));
    assert!(!document.refuses_session(&Mark::of("token"), 0));
    assert!(document.refuses_token(&Mark::of("token")));
    assert!(!document.refuses_token(&Mark::of("ended")));
}

#[test]
fn versions_are_told_apart_by_their_heads() {
    let head = |session: &str, lowest| {
        let mut list = Sessions::default();
        list.raise_session(session, lowest, 100);
        list.to_bytes(usize::MAX).0[..REVOCATION_HEAD].to_vec()
    };
    assert_eq!(head("s", 2), head("s", 2));
    assert_ne!(head("s", 2), head("s", 3));
    assert_ne!(head("s", 2), head("t", 2));
    assert_ne!(
        Epochs::default().to_bytes(),
        Sessions::default().to_bytes(usize::MAX).0
    );
}

#[test]
fn what_has_expired_leaves() {
    let mut list = Sessions::default();
    list.raise_session("s", 2, 100);
    list.add_token("t", 200);
    assert!(!list.forget_expired(99));
    assert!(list.forget_expired(100));
    assert_eq!(list.len(), 1);
    assert!(list.forget_expired(200));
    assert!(list.is_empty());
}

#[test]
fn what_finds_no_room_is_counted_and_single_tokens_go_first() {
    let mut list = Sessions::default();
    for number in 0..10 {
        list.raise_session(&format!("s{number}"), 1, 100);
        list.add_token(&format!("t{number}"), 100);
    }
    let all = document::HEAD + 10 * document::LOWEST + 10 * document::SINGLE;
    assert_eq!(list.to_bytes(all).1, 0);
    assert_eq!(list.to_bytes(all - 1).1, 1);
    let (bytes, left_out) = list.to_bytes(document::HEAD + 10 * document::LOWEST);
    assert_eq!(left_out, 10);
    assert!(sessions(bytes).refuses_session(&Mark::of("s9"), 0));
    assert_eq!(list.to_bytes(0).1, 20);
}

#[test]
fn what_finds_no_room_is_what_expires_first() {
    let mut list = Sessions::default();
    for number in 0..100 {
        list.raise_session(&format!("s{number}"), 1, 1_000 + number);
        list.add_token(&format!("t{number}"), 1_000 + number);
    }
    let left_out = |list: &Sessions, room: usize, name: char| -> Vec<u64> {
        let document = sessions(list.to_bytes(document::HEAD + room).0);
        let is_left_out = |number: &u64| {
            let mark = Mark::of(&format!("{name}{number}"));
            match name {
                's' => !document.refuses_session(&mark, 0),
                _ => !document.refuses_token(&mark),
            }
        };
        (0..200)
            .filter(is_left_out)
            .take_while(|n| *n < 110)
            .collect()
    };
    let missing = |from: u64| (0..from).chain(100..110).collect::<Vec<u64>>();
    let all_sessions = 100 * document::LOWEST;
    for count in [0, 1, 40, 99, 100] {
        let room = all_sessions + count * document::SINGLE;
        assert_eq!(left_out(&list, room, 't'), missing(100 - count as u64));
        let room = count * document::LOWEST;
        assert_eq!(left_out(&list, room, 's'), missing(100 - count as u64));
    }
    // What is new takes the place of what expires first, whatever its mark is.
    let room = all_sessions + 100 * document::SINGLE;
    for number in 100..105 {
        list.add_token(&format!("t{number}"), 1_000 + number);
    }
    let expected: Vec<u64> = (0..5).chain(105..110).collect();
    assert_eq!(left_out(&list, room, 't'), expected);
    // Those of one time are told apart in one way always.
    let mut even = Sessions::default();
    for number in 0..100 {
        even.add_token(&format!("t{number}"), 1_000);
    }
    let half = document::HEAD + 50 * document::SINGLE;
    let (bytes, without) = even.to_bytes(half);
    assert_eq!((bytes.len(), without), (half, 50));
    assert_eq!(even.to_bytes(half).0, bytes);
}

#[test]
fn what_is_broken_is_refused_and_never_panics() {
    let mut list = Sessions::default();
    for number in 0..50 {
        list.raise_session(&format!("s{number}"), 1, 100);
        list.add_token(&format!("t{number}"), 100);
    }
    let good = list.to_bytes(usize::MAX).0;
    for length in 0..good.len() {
        assert!(
            RevocationDocument::parse(good[..length].to_vec()).is_err(),
            "{length}"
        );
    }
    let longer = [good.as_slice(), b"x"].concat();
    assert_eq!(
        RevocationDocument::parse(longer),
        Err(RevocationError::Length)
    );
    for at in 0..16 {
        let mut bad = good.clone();
        bad[at] ^= 0x80;
        assert!(RevocationDocument::parse(bad).is_err(), "{at}");
    }
    let mut counts = good.clone();
    counts[8..16].copy_from_slice(&[0xff; 8]);
    assert_eq!(
        RevocationDocument::parse(counts),
        Err(RevocationError::Length)
    );
    let mut unordered = good.clone();
    unordered[document::HEAD..document::HEAD + 8].copy_from_slice(&[0xff; 8]);
    assert_eq!(
        RevocationDocument::parse(unordered),
        Err(RevocationError::Order)
    );
    let mut twice = good;
    let second = document::HEAD + document::LOWEST;
    twice.copy_within(document::HEAD..second, second);
    assert_eq!(
        RevocationDocument::parse(twice),
        Err(RevocationError::Order)
    );
}
