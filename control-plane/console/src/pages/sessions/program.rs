//! The name of a program out of its `User-Agent` (RFC 9110, 10.1.5).

use crate::language::Language;

/// What browsers say of themselves. All say that they are others as well, so the first that
/// is found counts.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("MicroMessenger/", "WeChat"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 6] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Says which program that is: browser and system, or its own name and version.
pub(in crate::pages) fn in_words(l: Language, user_agent: &str) -> String {
    let found = |names: &[(&str, &'static str)]| {
        let mut found = names.iter().filter(|(sign, _)| user_agent.contains(sign));
        found.next().map(|(_, name)| *name)
    };
    match (found(&BROWSERS), found(&SYSTEMS)) {
        (Some(browser), Some(system)) => match l {
            Language::En => format!("{browser} on {system}"),
            Language::Zh => format!("{system} 上的 {browser}"),
        },
        (Some(browser), None) => browser.to_owned(),
        (None, _) => {
            let product = user_agent.split_whitespace().next();
            product
                .unwrap_or(l.say("A program without a name", "未知客户端"))
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_with_their_system_and_others_by_their_name() {
        for (user_agent, en, zh) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
                "Linux 上的 Firefox",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
                "Edge on Windows",
                "Windows 上的 Edge",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iOS",
                "iOS 上的 Safari",
            ),
            ("curl/8.14.1", "curl/8.14.1", "curl/8.14.1"),
            (
                "kubectl/v1.34.0 (linux/amd64)",
                "kubectl/v1.34.0",
                "kubectl/v1.34.0",
            ),
            ("", "A program without a name", "未知客户端"),
        ] {
            assert_eq!(in_words(Language::En, user_agent), en);
            assert_eq!(in_words(Language::Zh, user_agent), zh);
        }
    }
}
