//! A user as KubeCube shows one, without a password in any form.

use std::collections::BTreeMap;

use cubegate_api_types::cube::{
    API_VERSION, SYNC_ANNOTATION, UserMetadata, UserObject, UserSpec, UserStatus,
};
use cubegate_domain::User;
use time::OffsetDateTime;

use crate::respond::timestamp;

/// The login type of users with a password here; the only one.
pub(crate) const NORMAL: &str = "normal";

/// The whole object, as it is now.
pub(crate) fn of(user: User, now: OffsetDateTime) -> UserObject {
    let annotations = if user.profile.by_api {
        BTreeMap::from([(SYNC_ANNOTATION.to_owned(), "true".to_owned())])
    } else {
        BTreeMap::new()
    };
    let metadata = UserMetadata {
        name: user.name.clone(),
        resource_version: user.version.to_string(),
        creation_timestamp: None,
        annotations,
    };
    let (spec, status) = parts(user, now);
    UserObject {
        kind: "User".to_owned(),
        api_version: API_VERSION.to_owned(),
        metadata,
        spec,
        status,
    }
}

/// What is the same in an object and in an item of the list.
pub(crate) fn parts(user: User, now: OffsetDateTime) -> (UserSpec, UserStatus) {
    let spec = UserSpec {
        display_name: user.display_name,
        email: user.profile.email,
        phone: user.profile.phone,
        language: user.profile.language,
        login_type: NORMAL.to_owned(),
        state: user.state.as_str().to_owned(),
    };
    let status = UserStatus {
        last_login_time: user.last_login_at.map(timestamp),
        last_login_ip: user.last_login_ip,
        locked_until: user
            .locked_until
            .filter(|until| now < *until)
            .map(timestamp),
    };
    (spec, status)
}
