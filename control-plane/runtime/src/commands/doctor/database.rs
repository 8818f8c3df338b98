//! The database, whether it is of the master key, and who is in it.

use anyhow::Context as _;
use cubegate_domain::UserState;
use cubegate_store::Store;
use time::OffsetDateTime;

use super::report::Report;
use crate::args::DataArgs;
use crate::commands;
use crate::data_dir::DataDir;
use crate::output::sentence;

/// How far clocks may be apart, in seconds: a token from further in the future is refused after
/// five minutes.
const FAR: i64 = 5;
const TOO_FAR: i64 = 240;

const CHECK: &str = "database";

/// Opens it, if there is nothing to be changed by that.
pub(super) async fn check(report: &mut Report, data: &DataArgs, folder: &DataDir) -> Option<Store> {
    let opened = async {
        let database = data.database()?;
        let database = database.unwrap_or_else(|| folder.join("cubegate.db").into());
        let state = match database.is_new().await? {
            true => None,
            false => Some(database.migrations().await?),
        };
        Ok::<_, anyhow::Error>((database, state))
    };
    let (database, migrations) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            report.fail(CHECK, sentence(&error));
            return None;
        }
    };
    let Some(migrations) = migrations else {
        report.warn(
            CHECK,
            format!("there is no gateway in {database} yet; start one, or another --data-dir or --database-url is meant"),
        );
        return None;
    };
    if migrations.unknown > 0 {
        report.fail(
            CHECK,
            format!("{database} was used by a newer cubegate; use that version, or put back the backup made before"),
        );
        return None;
    }
    if migrations.pending > 0 {
        report.warn(
            CHECK,
            format!("{database} is of an earlier version: the next start brings it up to date; what is in it is not looked at"),
        );
        return None;
    }
    match commands::open(data)
        .await
        .context("the database cannot be used")
    {
        Ok(store) => {
            report.ok(
                CHECK,
                format!("{database} answers, is up to date and of this master key"),
            );
            clock(report, &store).await;
            Some(store)
        }
        Err(error) => {
            report.fail(CHECK, sentence(&error));
            None
        }
    }
}

async fn clock(report: &mut Report, store: &Store) {
    let before = OffsetDateTime::now_utc();
    let Ok(Some(theirs)) = store.server_time().await else {
        return;
    };
    let apart = (theirs - before).whole_seconds();
    compare(report, "the database's", apart);
}

/// Tells how far somebody's clock is from this machine's.
pub(super) fn compare(report: &mut Report, whose: &str, apart: i64) {
    const CHECK: &str = "clocks";
    let told = match apart {
        0.. => format!("{whose} clock is {apart} s ahead of this machine's"),
        _ => format!("{whose} clock is {} s behind this machine's", -apart),
    };
    let set = "set both by NTP: tokens are refused when clocks are further apart than five minutes";
    match apart.abs() {
        0..FAR => report.ok(CHECK, format!("{whose} clock and this machine's agree")),
        FAR..TOO_FAR => report.warn(CHECK, format!("{told}; {set}")),
        _ => report.fail(CHECK, format!("{told}; {set}")),
    }
}

/// Whether somebody can manage the gateway, and whose password is being guessed.
pub(super) async fn check_users(report: &mut Report, store: &Store) -> anyhow::Result<()> {
    const CHECK: &str = "users";
    let now = OffsetDateTime::now_utc();
    let users = store.list_users().await?;
    let admins = users
        .iter()
        .filter(|user| user.is_admin() && user.state == UserState::Normal)
        .count();
    match admins {
        0 => report.fail(
            CHECK,
            "nobody may manage the gateway; `cubegate user enable NAME` or `cubegate user group add NAME cubegate:admins`",
        ),
        _ => report.ok(CHECK, format!("{} users, {admins} of them manage the gateway", users.len())),
    }
    for user in users {
        if user.locked_until.is_some_and(|until| now < until) {
            report.warn(
                CHECK,
                format!("the password of {} is being guessed, and new addresses are locked out; `cubegate user unlock {0}` ends it", user.name),
            );
        }
    }
    Ok(())
}
