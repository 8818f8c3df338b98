//! What of a list a server has not sent yet.

use serde_json::value::RawValue;

/// What a list's `metadata` says about the rest of the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) token: Option<String>,
    pub(crate) count: Option<u64>,
}

// === impl Rest ===

impl Rest {
    /// Takes `continue` and `remainingItemCount` out of the text of a `metadata`.
    pub(crate) fn take(metadata: &str) -> (Self, String) {
        let members: Vec<(String, &RawValue)> = match serde_json::from_str::<Members<'_>>(metadata)
        {
            Ok(Members(members)) => members,
            Err(_) => return (Self::default(), metadata.to_owned()),
        };
        let mut rest = Self::default();
        let mut kept = String::from("{");
        for (name, value) in members {
            match name.as_str() {
                "continue" => {
                    rest.token = serde_json::from_str(value.get())
                        .ok()
                        .filter(|token: &String| !token.is_empty());
                }
                "remainingItemCount" => rest.count = serde_json::from_str(value.get()).ok(),
                _ => {
                    if kept.len() > 1 {
                        kept.push(',');
                    }
                    kept.push_str(&serde_json::Value::from(name).to_string());
                    kept.push(':');
                    kept.push_str(value.get());
                }
            }
        }
        kept.push('}');
        (rest, kept)
    }
}

/// The members of an object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Visitor).map(Self)
    }
}
