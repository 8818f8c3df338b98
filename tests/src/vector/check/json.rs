//! Comparing JSON with the schema's wildcards.

use anyhow::{Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The same value; the order of keys does not count.
pub(super) fn same(wanted: &Value, found: &Value) -> Result<()> {
    compare("", wanted, found, true)
}

/// Everything that is wanted is there; objects may hold more.
pub(super) fn subset(wanted: &Value, found: &Value) -> Result<()> {
    compare("", wanted, found, false)
}

/// The same text, with `<…>` standing for what varies and `...` for anything.
pub(super) fn same_text(wanted: &str, found: &str) -> bool {
    if wanted == "..." || wanted == found {
        return true;
    }
    let Some((before, wildcard, after)) = wildcard(wanted) else {
        return false;
    };
    found
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|rest| stands_for(wildcard, rest))
}

fn compare(at: &str, wanted: &Value, found: &Value, exact: bool) -> Result<()> {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (name, wanted) in wanted {
                let Some(found) = found.get(name) else {
                    bail!("{at}.{name} is missing, {wanted} is wanted");
                };
                compare(&format!("{at}.{name}"), wanted, found, exact)?;
            }
            let more: Vec<_> = found
                .keys()
                .filter(|name| !wanted.contains_key(*name))
                .collect();
            ensure!(
                !exact || more.is_empty(),
                "{at} has {more:?}, which is not wanted"
            );
            Ok(())
        }
        (Value::Array(wanted), Value::Array(found)) => {
            let (many, few) = (wanted.len(), found.len());
            ensure!(many == few, "{at} has {few} elements, {many} are wanted");
            wanted
                .iter()
                .zip(found)
                .enumerate()
                .try_for_each(|(index, (wanted, found))| {
                    compare(&format!("{at}[{index}]"), wanted, found, exact)
                })
        }
        (Value::String(wanted), Value::String(found)) if same_text(wanted, found) => Ok(()),
        // Opaque to clients by Kubernetes' API conventions: a store's own count.
        (Value::String(_), Value::String(found)) if at.ends_with(".metadata.resourceVersion") => {
            let is_count = !found.is_empty() && found.bytes().all(|byte| byte.is_ascii_digit());
            ensure!(is_count, "{at} is {found:?}, a number is wanted");
            Ok(())
        }
        _ => {
            ensure!(wanted == found, "{at} is {found}, {wanted} is wanted");
            Ok(())
        }
    }
}

fn wildcard(wanted: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = wanted.split_once('<')?;
    let (name, after) = rest.split_once('>')?;
    Some((before, name, after))
}

fn stands_for(wildcard: &str, text: &str) -> bool {
    match wildcard {
        "JWT" => {
            let parts: Vec<&str> = text.split('.').collect();
            parts.len() == 3
                && parts
                    .iter()
                    .all(|part| URL_SAFE_NO_PAD.decode(part).is_ok())
        }
        "TIME" => OffsetDateTime::parse(text, &Rfc3339).is_ok(),
        "HEX32" => text.len() == 32 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')),
        "UPSTREAM" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wildcards_stand_for_what_they_name_and_nothing_else() {
        assert!(same_text(
            "Authorization=Bearer+<JWT>",
            "Authorization=Bearer+e30.e30.AA"
        ));
        assert!(!same_text(
            "Authorization=Bearer+<JWT>",
            "Authorization=Bearer+nothing"
        ));
        assert!(same_text("<TIME>", "2021-06-01T10:00:00Z"));
        assert!(!same_text("<TIME>", "yesterday"));
        assert!(!same_text("<b>&", "b&"));
        assert!(same_text("<b>&", "<b>&"));
    }

    #[test]
    fn exact_json_has_no_more_and_a_subset_may() {
        let (wanted, found) = (json!({"a": [1]}), json!({"a": [1], "b": 2}));
        assert!(same(&wanted, &found).is_err());
        assert!(subset(&wanted, &found).is_ok());
        assert!(same(&json!({"f": 1.0}), &json!({"f": 1})).is_err());
        assert!(subset(&json!([1, 2]), &json!([1])).is_err());
    }

    #[test]
    fn a_resource_version_is_any_number() {
        let with = |version: &str| json!({"metadata": {"resourceVersion": version}});
        assert!(same(&with("1001"), &with("3")).is_ok());
        assert!(same(&with("1001"), &with("")).is_err());
        assert!(same(&with("1001"), &with("x")).is_err());
    }
}
