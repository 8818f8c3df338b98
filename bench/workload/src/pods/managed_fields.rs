//! Who set which field, as the API server derives it from what they sent.

use crate::json::Json;

use super::timestamp;

/// The entry of a writer who set all of these fields.
pub(super) fn entry(manager: &'static str, at: u64, object: &Json) -> Json {
    Json::object([
        ("manager", manager.into()),
        ("operation", "Update".into()),
        ("apiVersion", "v1".into()),
        ("time", timestamp(at)),
        ("fieldsType", "FieldsV1".into()),
        ("fieldsV1", fields(object, false)),
    ])
}

/// The field set of a value: nothing below a scalar or an atomic list.
fn fields(value: &Json, with_self: bool) -> Json {
    let mut members: Vec<(String, Json)> = Vec::new();
    match value {
        Json::Object(fields_of) => {
            for (name, value) in fields_of {
                // Fields that exist only by their parts have no mark of their own.
                let with_self = !matches!(&**name, "metadata" | "spec" | "status");
                let below = match (value, merge_keys(name)) {
                    (Json::Array(elements), Some(keys)) => {
                        list(elements, keys, &**name != "containers")
                    }
                    (value, _) => fields(value, with_self),
                };
                members.push((format!("f:{name}"), below));
            }
        }
        _ => return Json::empty(),
    }
    sorted(members, with_self)
}

/// The field set of a list whose elements are told apart by these members.
fn list(elements: &[Json], keys: &[&'static str], with_self: bool) -> Json {
    let members = elements
        .iter()
        .map(|element| {
            let key = keys
                .iter()
                .filter_map(|key| Some((*key, element.get(key)?.clone())));
            (format!("k:{}", Json::object(key)), fields(element, true))
        })
        .collect();
    sorted(members, with_self)
}

fn sorted(mut members: Vec<(String, Json)>, with_self: bool) -> Json {
    members.sort_by(|a, b| a.0.cmp(&b.0));
    let own = with_self.then(|| (".".to_owned(), Json::empty()));
    Json::object(own.into_iter().chain(members))
}

/// The members that tell the elements of a list apart; `None` for one that is
/// written as a whole.
fn merge_keys(list: &str) -> Option<&'static [&'static str]> {
    match list {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => Some(&["name"]),
        "ports" => Some(&["containerPort", "protocol"]),
        "volumeMounts" => Some(&["mountPath"]),
        "conditions" => Some(&["type"]),
        "podIPs" => Some(&["ip"]),
        "ownerReferences" => Some(&["uid"]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_with_keys_are_entered_and_others_are_not() {
        let container = Json::object([
            ("name", Json::from("main")),
            ("args", Json::array(["-v".into()])),
        ]);
        let object = Json::object([(
            "spec",
            Json::object([("containers", Json::array([container]))]),
        )]);
        assert_eq!(
            fields(&object, false).to_string(),
            r#"{"f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{".":{},"f:args":{},"f:name":{}}}}}"#
        );
    }
}
