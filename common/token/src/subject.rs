//! Which names may become a Kubernetes user or group.

use thiserror::Error;

/// The prefix that Kubernetes keeps for itself: a subject that begins with it
/// would be somebody in the member cluster (`system:masters` is bound to
/// cluster-admin). See "Referring to subjects" in the Kubernetes RBAC page.
const RESERVED_PREFIX: &str = "system:";

/// Longest name in bytes, the limit Kubernetes sets for object names.
const MAX_NAME_BYTES: usize = 253;

/// Why a name cannot be a user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubjectError {
    /// The name is empty or longer than 253 bytes.
    #[error("the {kind} name must have 1 to 253 bytes")]
    Length {
        /// `user` or `group`.
        kind: &'static str,
    },
    /// The name holds a character that does not survive an HTTP header.
    #[error(
        "the {kind} name {name:?} holds a blank, a comma or a control character; use letters, digits and -_.@:"
    )]
    Character {
        /// `user` or `group`.
        kind: &'static str,
        /// The name as given.
        name: String,
    },
    /// The name begins with `system:`.
    #[error(
        "the {kind} name {name:?} begins with \"system:\", which Kubernetes keeps for itself; choose another name"
    )]
    Reserved {
        /// `user` or `group`.
        kind: &'static str,
        /// The name as given.
        name: String,
    },
}

/// Checks that `name` may be impersonated as a user.
///
/// # Errors
/// Says which rule the name breaks.
pub fn check_user_name(name: &str) -> Result<(), SubjectError> {
    check("user", name)
}

/// Checks that `name` may be impersonated as a group.
///
/// # Errors
/// Says which rule the name breaks.
pub fn check_group_name(name: &str) -> Result<(), SubjectError> {
    check("group", name)
}

fn check(kind: &'static str, name: &str) -> Result<(), SubjectError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(SubjectError::Length { kind });
    }
    // A header value is trimmed by every HTTP parser on the way and may be split
    // at commas, so " system:masters" must not pass for a harmless name.
    if name
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == ',')
    {
        return Err(SubjectError::Character {
            kind,
            name: name.to_owned(),
        });
    }
    if name
        .get(..RESERVED_PREFIX.len())
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(RESERVED_PREFIX))
    {
        return Err(SubjectError::Reserved {
            kind,
            name: name.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        for name in [
            "admin",
            "jeff",
            "ldap-6a",
            "a@b.example",
            "团队",
            "systemd",
            "cubegate:admins",
        ] {
            assert_eq!(check_user_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn kubernetes_own_names_are_refused() {
        for name in [
            "system:masters",
            "system:",
            "System:Admin",
            "system:serviceaccount:a:b",
        ] {
            assert!(
                matches!(check_group_name(name), Err(SubjectError::Reserved { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn names_that_a_header_would_change_are_refused() {
        for name in [
            " system:masters",
            "a b",
            "a,b",
            "a\r\nImpersonate-Group: x",
            "a\u{0}",
        ] {
            assert!(
                matches!(check_user_name(name), Err(SubjectError::Character { .. })),
                "{name:?}"
            );
        }
        assert!(check_user_name("").is_err());
        assert!(check_user_name(&"a".repeat(254)).is_err());
    }
}
