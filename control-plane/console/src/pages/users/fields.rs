//! What is asked about a user: what was typed, and how it is asked again.

use cubegate_api_types::cube::{UserBody, UserBodyMetadata, UserBodySpec, UserItem};
use maud::{Markup, html};

use crate::form::Fields;
use crate::language::Language;

/// What stands in the forms. A password is never shown again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UserFields {
    pub(super) name: String,
    display_name: String,
    email: String,
    state: String,
    /// A group that the user is to be put into.
    pub(super) group: String,
}

// === impl UserFields ===

impl UserFields {
    /// Of a user who is there.
    pub(super) fn of(user: &UserItem) -> Self {
        Self {
            name: user.name.clone(),
            display_name: user.spec.display_name.clone(),
            email: user.spec.email.clone(),
            state: user.spec.state.clone(),
            group: String::new(),
        }
    }

    /// As they were typed into the form of a new user.
    pub(super) fn typed(fields: &Fields) -> Self {
        let get = |name| fields.get(name).to_owned();
        Self {
            name: get("name"),
            display_name: get("display-name"),
            email: get("email"),
            state: get("state"),
            group: get("group"),
        }
    }

    /// Returns what the API takes of them; an empty text changes nothing there.
    pub(super) fn body(&self, password: &str) -> UserBody {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        UserBody {
            metadata: Some(UserBodyMetadata {
                name: given(&self.name),
            }),
            spec: Some(UserBodySpec {
                password: given(password),
                display_name: given(&self.display_name),
                email: given(&self.email),
                state: given(&self.state),
                ..UserBodySpec::default()
            }),
        }
    }

    /// Returns the fields that a new user and an old one have.
    pub(super) fn profile(&self, l: Language) -> Markup {
        html! {
            div.field {
                label for="display-name" { (l.say("Display name", "显示名称")) }
                input #display-name name="display-name" value=(self.display_name) maxlength="253" autocomplete="off";
            }
            div.field {
                label for="email" { (l.say("E-mail", "邮箱")) }
                input #email name="email" type="email" value=(self.email) maxlength="253" autocomplete="off";
            }
        }
    }

    /// Returns the choice whether the user may log in.
    pub(super) fn state(&self, l: Language) -> Markup {
        let option = |value: &str, word: &str| {
            html! { option value=(value) selected[self.state == value] { (word) } }
        };
        html! {
            div.field {
                label for="state" { (l.say("State", "状态")) }
                select #state name="state" aria-describedby="state-hint" {
                    (option("normal", l.say("Enabled", "正常")))
                    (option("forbidden", l.say("Disabled", "禁用")))
                }
                p.hint #state-hint {
                    (l.say(
                        "Who is disabled cannot log in, and has no token or key that is good.",
                        "禁用后用户无法登录，其令牌和密钥立即失效。",
                    ))
                }
            }
        }
    }
}

/// Returns the field of a new password.
pub(super) fn password(l: Language) -> Markup {
    html! {
        div.field {
            label for="password" { (l.say("New password", "新密码")) }
            input #password name="password" type="password" required minlength="8" autocomplete="new-password" aria-describedby="password-hint";
            p.hint #password-hint {
                (l.say(
                    "8 to 20 characters, and two kinds of them: letters, digits, others.",
                    "8 到 20 个字符，至少包含字母、数字、其他字符中的两种。",
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_empty_is_left_as_it_is() {
        let typed = UserFields::typed(&Fields::parse(
            b"name=jeff&display-name=&email=+j%40example.com+&state=normal",
        ));
        let body = serde_json::to_value(typed.body("")).unwrap();
        assert_eq!(body["metadata"]["name"], "jeff");
        let spec = &body["spec"];
        assert_eq!(spec["email"], "j@example.com");
        assert_eq!(spec["state"], "normal");
        assert!(spec["displayName"].is_null() && spec["password"].is_null());
        let body = serde_json::to_value(typed.body("a secret 1")).unwrap();
        assert_eq!(body["spec"]["password"], "a secret 1");
    }
}
