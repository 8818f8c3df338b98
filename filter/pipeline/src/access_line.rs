//! What stands in Envoy's access line of a request: who, what and why not.

use std::borrow::Cow;

use cubegate_filter_config::{AuditNote, LINE_PROPERTY, LineField, LineForm};
use cubegate_kube::{Ambiguous, RequestInfo, ResourceInfo};

use crate::Host;

/// Longest value, in bytes. The line says what happened, the audit record all of it.
const MAX_VALUE_BYTES: usize = 128;

/// Leaves with the proxy what is read of a request.
pub(crate) fn leave(host: &impl Host, form: LineForm, note: &AuditNote, method: &str) {
    match form {
        LineForm::Nothing => {}
        LineForm::Words => host.leave(LINE_PROPERTY, words(note, method).as_bytes()),
        LineForm::Fields => {
            for (field, value) in fields(note, method) {
                host.leave(field.property(), value.as_bytes());
            }
        }
    }
}

/// All fields in the order of the line, `-` where there is nothing to say.
fn words(note: &AuditNote, method: &str) -> String {
    let mut said = fields(note, method).peekable();
    let mut line = String::with_capacity(MAX_VALUE_BYTES);
    for field in LineField::ALL {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(field.name());
        line.push('=');
        match said.next_if(|(said, _)| *said == field) {
            Some((_, value)) => line.push_str(&value),
            None => line.push('-'),
        }
    }
    line
}

/// Returns the fields that there is something to say in.
fn fields<'a>(
    note: &'a AuditNote,
    method: &str,
) -> impl Iterator<Item = (LineField, Cow<'a, str>)> + use<'a> {
    let (verb, resource) = note
        .path
        .as_deref()
        .map(|path| asked(method, path))
        .unwrap_or_default();
    let owned = |text: String| (!text.is_empty()).then_some(Cow::Owned(text));
    let given = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
    let values = [
        given(&note.user),
        given(&note.key),
        given(&note.cluster),
        owned(verb),
        owned(resource),
        given(&note.reason),
    ];
    LineField::ALL
        .into_iter()
        .zip(values)
        .filter_map(|(field, value)| Some((field, one_word(value?))))
}

/// Verb and resource of a request, `list` and `deployments.apps/scale`.
fn asked(method: &str, path: &str) -> (String, String) {
    match RequestInfo::of_kubesphere(method, path, None).unwrap_or_else(|Ambiguous(info)| *info) {
        RequestInfo::NonResource { verb, .. } => (verb, String::new()),
        RequestInfo::Resource(info) => (info.verb.to_owned(), resource(info)),
    }
}

fn resource(info: ResourceInfo) -> String {
    let ResourceInfo {
        group,
        resource: mut name,
        subresource,
        ..
    } = info;
    for (separator, part) in [('.', group), ('/', subresource)] {
        if !part.is_empty() {
            name.push(separator);
            name.push_str(&part);
        }
    }
    name
}

/// What a client writes must not look like another field, or another line.
fn one_word(value: Cow<'_, str>) -> Cow<'_, str> {
    let odd = |sign: char| sign.is_control() || sign.is_whitespace();
    if value.len() <= MAX_VALUE_BYTES && !value.contains(odd) {
        return value;
    }
    let mut word = String::with_capacity(MAX_VALUE_BYTES);
    for sign in value.chars() {
        if word.len() + sign.len_utf8() > MAX_VALUE_BYTES {
            break;
        }
        word.push(if odd(sign) { '_' } else { sign });
    }
    Cow::Owned(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(note: &AuditNote, method: &str) -> String {
        let words: Vec<_> = fields(note, method)
            .map(|(field, value)| format!("{}={value}", field.name()))
            .collect();
        words.join(" ")
    }

    fn mk_note(path: &str) -> AuditNote {
        AuditNote {
            path: Some(path.to_owned()),
            ..AuditNote::default()
        }
    }

    #[test]
    fn what_is_asked_is_told_as_kubernetes_has_it() {
        let scale = mk_note("/apis/apps/v1/namespaces/a/deployments/b/scale");
        assert_eq!(
            line(&scale, "PUT"),
            "verb=update resource=deployments.apps/scale"
        );
        assert_eq!(line(&mk_note("/version"), "GET"), "verb=get");
        assert_eq!(line(&AuditNote::default(), "GET"), "");
    }

    #[test]
    fn a_line_has_all_words() {
        let note = AuditNote {
            cluster: Some("m".to_owned()),
            ..mk_note("/api/v1/pods")
        };
        assert_eq!(
            words(&note, "GET"),
            "user=- key=- cluster=m verb=list resource=pods reason=-"
        );
    }

    #[test]
    fn no_value_looks_like_another_field_or_fills_the_log() {
        let note = AuditNote {
            user: Some("a\nverb=b c\u{2028}d".to_owned()),
            reason: Some("ä".repeat(200)),
            ..AuditNote::default()
        };
        let expected = format!("user=a_verb=b_c_d reason={}", "ä".repeat(64));
        assert_eq!(line(&note, "GET"), expected);
    }
}
