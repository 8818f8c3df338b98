//! `cubegate user sessions`

use anyhow::bail;
use cubegate_api::views;
use cubegate_api_types::cube::UserSessions;
use cubegate_store::{Login, StoreError};
use cubegate_token::CLOCK_SKEW_SECONDS;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::ListingArgs;
use crate::commands::audit::changing;
use crate::{commands, output};

pub(crate) async fn run(
    args: &ListingArgs,
    name: &str,
    end: &[String],
    end_all: bool,
) -> anyhow::Result<()> {
    let ListingArgs { output, data } = args;
    let store = commands::open(data).await?;
    if store.get_user(name).await?.is_none() {
        return Err(StoreError::UserNotFound(name.to_owned()).into());
    }
    let until = commands::revoked_until();
    if end_all {
        let end = store.end_all_sessions(name, until);
        changing("delete", "sessions", name, end).await?;
        output::line(&format!(
            "all sessions of user {name} are ended, and its tokens until now are refused"
        ));
        return Ok(());
    }
    let now = OffsetDateTime::now_utc();
    let longest = store.lifetimes().session + CLOCK_SKEW_SECONDS;
    let session_until = now + std::time::Duration::from_secs(longest);
    if end.is_empty() {
        let logins = store.list_logins(name, now).await?;
        let items: Vec<_> = logins.iter().cloned().map(views::session).collect();
        let sessions = UserSessions {
            total: items.len(),
            items,
        };
        if !output.format.print(&sessions)? {
            list(&logins);
        }
        return Ok(());
    }
    for session in end {
        if !store.has_login(name, session).await? {
            bail!(
                "user {name} has no session {session}; `cubegate user sessions {name}` shows those there are"
            );
        }
        let record = format!("{name}/{session}");
        let end = store.end_session(session, name, session_until, now);
        changing("delete", "sessions", &record, end).await?;
        output::line(&format!("session {session} is ended"));
    }
    Ok(())
}

fn list(logins: &[Login]) {
    let time = |time: OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
    let or_dash = |text: &str| match text {
        "" => "-".to_owned(),
        text => text.to_owned(),
    };
    let rows: Vec<_> = logins
        .iter()
        .map(|login| {
            vec![
                login.session.clone(),
                login.kind.as_str().to_owned(),
                time(login.began_at),
                time(login.ends_at),
                or_dash(login.address.as_deref().unwrap_or_default()),
                or_dash(&login.user_agent),
            ]
        })
        .collect();
    output::table(
        &["SESSION", "KIND", "BEGAN", "ENDS", "ADDRESS", "PROGRAM"],
        &rows,
    );
}
