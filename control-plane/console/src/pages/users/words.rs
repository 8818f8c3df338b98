//! A user in words, and what the API refuses about one.

use cubegate_api_types::cube::UserItem;
use maud::{Markup, html};

use crate::ask::Refusal;
use crate::language::Language;
use crate::parts;

/// A user who may not log in.
const OFF: &str = "forbidden";

/// Returns whether the user may not log in.
pub(super) fn is_off(user: &UserItem) -> bool {
    user.spec.state == OFF
}

/// Says whether the user may log in, and until when not from everywhere.
pub(super) fn state(l: Language, user: &UserItem) -> Markup {
    html! {
        @if is_off(user) { span.badge.bad { (l.say("Disabled", "已禁用")) } }
        @else { span.badge.good { (l.say("Enabled", "正常")) } }
        @if let Some(until) = &user.status.locked_until {
            " " span.badge.warn { (l.say("Locked", "已锁定")) }
            div.muted.small-text { (l.say("Lock ends: ", "解锁时间：")) (parts::moment(until)) }
        }
    }
}

/// Says what was refused about a user: where the API names a parameter alone, by its rule.
pub(super) fn refused(l: Language, refusal: &Refusal) -> Markup {
    let message = told(l, &refusal.message).map_or_else(|| refusal.message.clone(), str::to_owned);
    parts::refused(
        l,
        &Refusal {
            status: refusal.status,
            message,
        },
    )
}

/// Returns the rule that a message of the API is about, if it is about one.
fn told(l: Language, message: &str) -> Option<&'static str> {
    if message.starts_with("name ") && message.ends_with(" exists.") {
        return Some(l.say(
            "There is a user of this name already.",
            "该用户名已被使用。",
        ));
    }
    let param = message.strip_prefix("Param ")?;
    let param = param
        .strip_suffix(" value invalid.")
        .or_else(|| param.strip_suffix(" is missing."))?;
    Some(match param {
        "name" => l.say(
            "A name is needed: up to 253 bytes without blanks and commas, and it may not begin with “system:”.",
            "请填写用户名：最多 253 字节，不能包含空格和逗号，也不能以“system:”开头。",
        ),
        "password" => l.say(
            "The password needs 8 to 20 characters, and two kinds of them: letters, digits, others.",
            "密码需为 8 到 20 个字符，且至少包含字母、数字、其他字符中的两种。",
        ),
        "email" => l.say(
            "The e-mail address cannot be read. It looks like jeff@example.com.",
            "邮箱格式不正确，应类似 jeff@example.com。",
        ),
        "displayName" => l.say(
            "The display name is too long, or holds characters that cannot be shown.",
            "显示名称过长，或包含无法显示的字符。",
        ),
        "group" => l.say(
            "A group's name has up to 253 bytes without blanks and commas, and does not begin with “system:”.",
            "用户组名称最多 253 字节，不能包含空格和逗号，也不能以“system:”开头。",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_in_place_of_the_names_of_parameters() {
        for message in [
            "Param name value invalid.",
            "Param name is missing.",
            "Param password value invalid.",
            "Param password is missing.",
            "Param email value invalid.",
            "Param displayName value invalid.",
            "Param group value invalid.",
            "name jeff exists.",
        ] {
            assert!(told(Language::En, message).is_some(), "{message}");
            assert!(told(Language::Zh, message).is_some(), "{message}");
        }
        for message in ["User not exist.", "Param x value invalid.", "Param ", ""] {
            assert_eq!(told(Language::En, message), None, "{message}");
        }
    }
}
