//! What a member's answer may not do to the gateway's origin.
//!
//! A browser takes an answer for the gateway's own, whoever wrote it: a workload
//! behind `…/services/{name}/proxy`, or the API server of a member. What would act
//! beyond that one answer is taken out of all of them. And an answer that a browser
//! may show is shown as a document of no origin, which reads nothing and calls
//! nothing in its visitor's name.

use cubegate_filter_config::STALE_HEADER;

use crate::Headers;

/// The policy of a document that a member sent (CSP level 3, `sandbox`). Scripts and
/// forms work, so that pages of workloads do; without `allow-same-origin` they work
/// for a site of their own, to which browsers give none of the gateway's cookies.
const POLICY: &str = "sandbox allow-scripts allow-forms";

const POLICY_HEADER: &str = "content-security-policy";

/// The browser shall not guess what a text is.
pub(crate) const NO_SNIFF: (&str, &str) = ("x-content-type-options", "nosniff");

/// Response headers that act on the whole origin: its cookies, stored data, service
/// workers, reports of its errors, and how browsers reach it at all. Those are the
/// gateway's to say.
const OF_THE_ORIGIN: [&str; 13] = [
    "accept-ch",
    "alt-svc",
    "clear-site-data",
    "expect-ct",
    "nel",
    "origin-agent-cluster",
    "public-key-pins",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
];

/// Returns whether a member's response header of this name (in lower case) goes to nobody: it
/// would speak for the origin, or for the gateway.
pub(crate) fn drops(name: &str) -> bool {
    OF_THE_ORIGIN.contains(&name) || name == STALE_HEADER
}

/// Returns whether a browser may show the answer to a request with these headers: it sent a
/// credential by itself (a cookie, a password that it knows), or it says that it is a
/// browser (Fetch Metadata). The latter counts whatever the credential is: a browser
/// shows, and runs, what it has kept of an answer that a script asked for.
pub(crate) fn is_browser(headers: &Headers) -> bool {
    let has = |name: &str| headers.get(name).is_some();
    let has_password = headers.all("authorization").any(|value| {
        let scheme = value.split(|byte| *byte == b' ').next();
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
    });
    has("cookie") || has("sec-fetch-mode") || has_password
}

/// The headers to set on an answer that a browser may show. `theirs` are the values
/// of the member's own policies: a browser enforces each of several, so they may take
/// more away and give nothing back.
pub(crate) fn headers<'a>(theirs: impl Iterator<Item = &'a str>) -> [(&'static str, String); 2] {
    let policies: Vec<&str> = std::iter::once(POLICY).chain(theirs).collect();
    [
        (POLICY_HEADER, policies.join(", ")),
        (NO_SNIFF.0, NO_SNIFF.1.to_owned()),
    ]
}

/// The values of the policies that an answer came with.
pub(crate) fn policies(headers: &Headers) -> impl Iterator<Item = &str> {
    headers.all_str(POLICY_HEADER)
}

/// Puts the headers into a reply's.
pub(crate) fn put(reply: &mut Vec<(String, String)>) {
    let theirs = reply.iter().filter(|(name, _)| name == POLICY_HEADER);
    let ours = headers(theirs.map(|(_, value)| value.as_str()));
    reply.retain(|(name, _)| ours.iter().all(|(ours, _)| name != ours));
    reply.extend(ours.map(|(name, value)| (name.to_owned(), value)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_sends_by_itself_tells_it() {
        for browser in [
            ("cookie", "a=b"),
            ("authorization", "Basic amVmZjp4"),
            ("authorization", "bASIC amVmZjp4"),
            ("sec-fetch-mode", "cors"),
        ] {
            assert!(is_browser(&Headers::of(&[browser])), "{browser:?}");
        }
        for tool in [("authorization", "Bearer a.b.c"), ("user-agent", "kubectl")] {
            assert!(!is_browser(&Headers::of(&[tool])), "{tool:?}");
        }
    }

    #[test]
    fn a_policy_of_the_members_own_stands_beside_ours() {
        let mut reply = vec![
            (POLICY_HEADER.to_owned(), "default-src *".to_owned()),
            (NO_SNIFF.0.to_owned(), "no".to_owned()),
        ];
        put(&mut reply);
        let policy = format!("{POLICY}, default-src *");
        assert_eq!(
            reply,
            [
                (POLICY_HEADER.to_owned(), policy),
                (NO_SNIFF.0.to_owned(), "nosniff".to_owned())
            ]
        );
        assert!(!POLICY.contains("same-origin"));
    }
}
