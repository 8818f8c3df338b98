//! What of two answers is compared, and which headers may differ, each with its reason.

use std::collections::BTreeSet;

use cubegate_tests::Answer;

/// How a header differs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It has another value.
    Value,
    /// The gateway adds it.
    Added,
}

/// The whole list (`docs/clients.md` has it, too).
pub(super) const DIFFERENT: [(&str, How, &str); 5] = [
    ("date", How::Value, "the moment of each answer"),
    (
        "audit-id",
        How::Value,
        "names the request in the server's audit log; through the gateway it is X-Request-Id",
    ),
    (
        "x-request-id",
        How::Added,
        "names the request in the gateway's logs and audit",
    ),
    (
        "x-envoy-upstream-service-time",
        How::Added,
        "Envoy's: how long the API server took, in milliseconds",
    ),
    ("server", How::Added, "Envoy's"),
];

/// The first thing that differs and may not.
pub(super) fn difference(direct: &Answer, through: &Answer) -> Option<String> {
    if direct.status != through.status {
        return Some(format!(
            "status {} became {}: {}",
            direct.status,
            through.status,
            through.describe()
        ));
    }
    let (own, ours) = (headers(direct), headers(through));
    let may = |name: &str, how: How| {
        let mut rows = DIFFERENT.iter();
        rows.any(|(known, kind, _)| *known == name && (*kind == how || *kind == How::Value))
    };
    for (name, value) in own.difference(&ours) {
        if !may(name, How::Value) {
            return Some(format!("{name}: {value} is {:?}", through.header(name)));
        }
    }
    for (name, value) in ours.difference(&own) {
        if !may(name, How::Added) {
            return Some(format!("{name}: {value} was {:?}", direct.header(name)));
        }
    }
    let (own, ours) = (without_uids(&direct.body), without_uids(&through.body));
    let at = own.iter().zip(&ours).position(|(a, b)| a != b);
    if own == ours {
        return None;
    }
    let at = at.unwrap_or(own.len().min(ours.len()));
    let around = |bytes: &[u8]| {
        let part = bytes.iter().skip(at.saturating_sub(60)).take(120);
        String::from_utf8_lossy(&part.copied().collect::<Vec<_>>()).into_owned()
    };
    Some(format!(
        "bodies of {} and {} bytes differ at {at}: {:?} became {:?}",
        own.len(),
        ours.len(),
        around(&own),
        around(&ours)
    ))
}

/// Several lines of one header say the same as one with all values (RFC 9110 5.3), which is what
/// Envoy makes of some.
fn headers(answer: &Answer) -> BTreeSet<(String, String)> {
    let names = answer.headers.keys();
    names
        .map(|name| {
            let values = answer.headers.get_all(name).into_iter();
            let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
            (
                name.as_str().to_owned(),
                values.collect::<Vec<_>>().join(","),
            )
        })
        .collect()
}

/// An object that is only tried (`dryRun`) has another uid each time; in every encoding that is
/// the same number of letters.
fn without_uids(body: &[u8]) -> Vec<u8> {
    const FORM: &[u8] = b"00000000-0000-0000-0000-000000000000";
    let is_uid = |bytes: &[u8]| {
        bytes.len() == FORM.len()
            && bytes.iter().zip(FORM).all(|(byte, form)| match form {
                b'-' => *byte == b'-',
                _ => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            })
    };
    let mut body = body.to_vec();
    let mut at = 0;
    while at + FORM.len() <= body.len() {
        if let Some(part) = body.get_mut(at..at + FORM.len())
            && is_uid(part)
        {
            part.copy_from_slice(FORM);
            at += FORM.len();
        } else {
            at += 1;
        }
    }
    body
}

#[test]
fn the_documents_have_the_same_list() {
    let file = cubegate_tests::artifacts::root().join("docs/clients.md");
    let text = std::fs::read_to_string(file).unwrap();
    for (name, _, _) in DIFFERENT {
        let row = format!("| `{name}` |");
        assert!(text.to_lowercase().contains(&row), "{name}");
    }
}
