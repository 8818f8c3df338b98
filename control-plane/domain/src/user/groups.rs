//! Which groups a user is in, besides those that it was put into.

use cubegate_token::{AUTHENTICATED_GROUP, KUBECUBE_GROUP};

/// Returns the groups that tokens carry of somebody who was put into `own`: `kubecube`, which
/// everybody is in, comes first.
pub fn token_groups<S: AsRef<str>>(own: impl IntoIterator<Item = S>) -> Vec<String> {
    let mut groups = vec![KUBECUBE_GROUP.to_owned()];
    for group in own {
        if group.as_ref() != KUBECUBE_GROUP {
            groups.push(group.as_ref().to_owned());
        }
    }
    groups
}

/// Returns the groups as a member of which the gateway asks clusters for somebody: those of
/// the token, and `system:authenticated`, which no API server adds to whom it impersonates.
pub fn impersonated_groups<S: AsRef<str>>(own: impl IntoIterator<Item = S>) -> Vec<String> {
    let mut groups = token_groups(own);
    groups.push(AUTHENTICATED_GROUP.to_owned());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_in_kubecube_once() {
        assert_eq!(token_groups([""; 0]), ["kubecube"]);
        assert_eq!(token_groups(["dev", "kubecube"]), ["kubecube", "dev"]);
        let seen = ["kubecube", "dev", "system:authenticated"];
        assert_eq!(impersonated_groups(["dev"]), seen);
        assert_eq!(impersonated_groups(token_groups(["dev"])), seen);
    }
}
