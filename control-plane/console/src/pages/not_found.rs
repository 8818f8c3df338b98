//! Whatever there is not.

use axum::http::StatusCode;

use crate::layout::{self, Page};
use crate::session::Session;

pub(super) async fn page(session: Session) -> Page {
    let l = session.view.language;
    layout::failure(
        &session.view,
        StatusCode::NOT_FOUND,
        l.say("There is no such page", "页面不存在"),
        l.say(
            "The address may have been mistyped, or what it shows was deleted.",
            "地址可能有误，或其内容已被删除。",
        ),
    )
}
