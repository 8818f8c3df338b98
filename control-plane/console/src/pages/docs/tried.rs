//! A call that was tried: what was typed, and what was answered.

use maud::{Markup, html};
use serde_json::Value;

use crate::ask::{Call, Refusal, Reply};
use crate::form::Fields;
use crate::language::Language;
use crate::parts;

/// Of a longer answer the beginning is shown, in bytes.
const MOST_SHOWN: usize = 256 << 10;

/// What came of a try.
pub(super) struct Tried {
    /// The form.
    pub(super) typed: Fields,
    pub(super) call: Call,
    /// The answer, or why there is none; nothing while it is not made yet.
    pub(super) reply: Option<Result<Reply, Refusal>>,
}

// === impl Tried ===

impl Tried {
    /// Returns what was asked, and what was answered.
    pub(super) fn markup(&self, l: Language) -> Markup {
        let reply = match &self.reply {
            Some(Ok(reply)) => reply,
            Some(Err(refusal)) => return parts::refused(l, refusal),
            None => return html! {},
        };
        let (text, is_cut) = shown(&reply.body);
        html! {
            p {
                span.mono { (self.call.method) " " (self.call.path) } " → "
                strong { (reply.status) }
            }
            @if let Some(location) = &reply.location {
                p { (l.say("It leads to: ", "重定向到：")) span.mono { (location) } }
            }
            @if text.is_empty() {
                p.muted { (l.say("The answer is empty.", "应答为空。")) }
            } @else {
                pre tabindex="0" role="region" aria-label=(l.say("The answer", "应答内容")) { code { (text) } }
            }
            @if is_cut {
                p.muted { (l.say("The answer is longer: this is its beginning.", "应答较长，仅显示开头部分。")) }
            }
        }
    }
}

/// Returns a body as text that can be read, and whether that is its beginning alone.
fn shown(body: &[u8]) -> (String, bool) {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => format!("{value:#}"),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    if text.len() <= MOST_SHOWN {
        return (text, false);
    }
    let end = text.floor_char_boundary(MOST_SHOWN);
    (text.get(..end).unwrap_or_default().to_owned(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_text_of_a_bounded_length() {
        let (json, _) = shown(br#"{"a":1}"#);
        assert_eq!(json, "{\n  \"a\": 1\n}");
        assert_eq!(shown(b""), (String::new(), false));
        let (long, is_cut) = shown("集".repeat(MOST_SHOWN).as_bytes());
        assert!(is_cut && long.len() <= MOST_SHOWN && long.ends_with('集'));
    }
}
