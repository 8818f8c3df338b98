use cubegate_token::testing;

use super::*;

const NOW: u64 = 1_700_000_000_000_000;

const LIMITS: CallerLimits = CallerLimits {
    requests_per_user: 10,
    requests_per_key: 4,
    burst_seconds: 2,
    concurrent_per_user: 3,
    concurrent_per_key: 2,
};

fn claims(user: &str, key: Option<&str>) -> Claims {
    Claims {
        access_key: key.map(str::to_owned),
        ..testing::claims(user, 0)
    }
}

/// How many requests, one after the other, are admitted now.
fn admitted(throttle: &Throttle, claims: &Claims, now: u64) -> u32 {
    let admit = || throttle.admit(&LIMITS, claims, now).ok();
    (0..1000).map_while(|_| admit()).map(|_| 1).sum()
}

#[test]
fn a_burst_is_admitted_and_then_the_rate() {
    let throttle = Throttle::default();
    let jeff = claims("jeff", None);
    assert_eq!(admitted(&throttle, &jeff, NOW), 20);
    assert_eq!(
        throttle.admit(&LIMITS, &jeff, NOW).unwrap_err(),
        TooMany::Rate {
            whose: Whose::User,
            limit: 10,
            retry_after: 1
        }
    );
    // Others are not concerned.
    assert_eq!(admitted(&throttle, &claims("ann", None), NOW), 20);
    assert_eq!(admitted(&throttle, &jeff, NOW + SECOND / 2), 5);
    assert_eq!(admitted(&throttle, &jeff, NOW + 60 * SECOND), 20);
}

#[test]
fn requests_that_have_not_ended_count_until_they_do() {
    let throttle = Throttle::default();
    let jeff = claims("jeff", None);
    let watches: Vec<Ticket> = (0..3)
        .map(|_| throttle.admit(&LIMITS, &jeff, NOW).unwrap())
        .collect();
    let refused = throttle.admit(&LIMITS, &jeff, NOW + 99 * SECOND);
    assert_eq!(
        refused.unwrap_err(),
        TooMany::Concurrent {
            whose: Whose::User,
            limit: 3
        }
    );
    drop(watches);
    assert!(throttle.admit(&LIMITS, &jeff, NOW + 99 * SECOND).is_ok());
    assert_eq!(throttle.open("user jeff"), Some(0));
}

#[test]
fn a_key_counts_for_itself_and_for_its_user() {
    let throttle = Throttle::default();
    let ci = claims("jeff", Some("k1"));
    assert_eq!(admitted(&throttle, &ci, NOW), 8);
    assert_eq!(admitted(&throttle, &claims("jeff", Some("k2")), NOW), 8);
    // The user has four left. What the key's own limit refuses took none of them.
    assert_eq!(admitted(&throttle, &ci, NOW), 0);
    assert_eq!(admitted(&throttle, &claims("jeff", None), NOW), 4);
}

#[test]
fn a_key_with_limits_of_its_own_is_counted_by_those_alone() {
    let throttle = Throttle::default();
    let mut robot = claims("jeff", Some("robot"));
    robot.limits = Some(KeyLimits {
        requests_per_second: Some(50),
        concurrent: None,
    });
    assert_eq!(admitted(&throttle, &robot, NOW), 100);
    assert_eq!(admitted(&throttle, &claims("jeff", None), NOW), 20);
    let open: Vec<Ticket> = (0..3)
        .map_while(|_| throttle.admit(&LIMITS, &robot, NOW + 60 * SECOND).ok())
        .collect();
    assert_eq!(open.len(), 2, "what it does not say is the gateway's");
    drop(open);
    robot.limits = Some(KeyLimits {
        requests_per_second: Some(0),
        concurrent: Some(0),
    });
    assert_eq!(admitted(&throttle, &robot, NOW), 1000, "0 is no limit");
}

#[test]
fn a_list_costs_what_was_read_of_it_and_closes_nobody_out_for_long() {
    let throttle = Throttle::default();
    let jeff = claims("jeff", None);
    let ticket = throttle.admit(&LIMITS, &jeff, NOW).unwrap();
    for _ in 0..64 {
        ticket.bill_list(64 << 10, || NOW);
    }
    drop(ticket);
    // 16 units of 4 MiB, and the request itself.
    assert_eq!(admitted(&throttle, &jeff, NOW), 3);

    let ticket = throttle.admit(&LIMITS, &jeff, NOW + 10 * SECOND).unwrap();
    ticket.bill_list(usize::MAX, || NOW + 10 * SECOND);
    drop(ticket);
    assert_eq!(admitted(&throttle, &jeff, NOW + 69 * SECOND), 0);
    assert!(admitted(&throttle, &jeff, NOW + 71 * SECOND) > 0);
}

#[test]
fn without_limits_nothing_is_kept() {
    let throttle = Throttle::default();
    let none = CallerLimits::default();
    for _ in 0..100 {
        throttle
            .admit(&none, &claims("jeff", Some("k")), NOW)
            .unwrap();
    }
    assert_eq!(throttle.open("user jeff"), None);
}

#[test]
fn the_table_is_bounded_and_keeps_who_has_something_open() {
    let throttle = Throttle::default();
    let watch = throttle.admit(&LIMITS, &claims("busy", None), NOW).unwrap();
    for number in 0..MAX_ACCOUNTS * 3 {
        let other = claims(&format!("user-{number}"), None);
        throttle.admit(&LIMITS, &other, NOW).unwrap();
    }
    assert_eq!(throttle.0.borrow().len(), MAX_ACCOUNTS);
    assert_eq!(throttle.open("user busy"), Some(1));
    drop(watch);
    assert_eq!(throttle.open("user busy"), Some(0));
}

#[test]
fn however_low_a_rate_is_one_request_passes() {
    let throttle = Throttle::default();
    let slow = CallerLimits {
        requests_per_user: 1,
        burst_seconds: 1,
        ..CallerLimits::default()
    };
    let jeff = claims("jeff", None);
    assert!(throttle.admit(&slow, &jeff, NOW).is_ok());
    assert_eq!(
        throttle.admit(&slow, &jeff, NOW).unwrap_err().retry_after(),
        1
    );
    assert!(throttle.admit(&slow, &jeff, NOW + SECOND).is_ok());
}
