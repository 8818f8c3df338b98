//! `cubegate key create | list | update | rotate | delete`

use anyhow::bail;
use cubegate_api::views;
use cubegate_domain::{AccessKey, KeyAttributes, KeyChange, nearest, unknown_cluster};
use cubegate_store::{IssuedKey, Store};
use cubegate_token::{KeyLimits, KeyScope};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::args::{
    DataArgs, KeyCommand, KeyCreateArgs, KeyUpdateArgs, LimitArgs, ListingArgs, ScopeArgs,
};
use crate::commands::audit::changing;
use crate::{commands, output};

pub(crate) async fn run(command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create(args) => create(args).await,
        KeyCommand::List { user, listing } => list(user.as_deref(), &listing).await,
        KeyCommand::Update(args) => update(args).await,
        KeyCommand::Rotate {
            access_key,
            overlap,
            data,
        } => rotate(&access_key, overlap, &data).await,
        KeyCommand::Delete { access_key, data } => delete(&access_key, &data).await,
    }
}

async fn create(args: KeyCreateArgs) -> anyhow::Result<()> {
    let KeyCreateArgs {
        user,
        name,
        description,
        expires_at,
        scope,
        limits,
        data,
    } = args;
    let allow_unknown = scope.allow_unknown_clusters;
    let attributes = KeyAttributes {
        name,
        description,
        expires_at,
        scope: scope_of(scope),
        limits: limits_of(&limits),
    };
    let store = commands::open(&data).await?;
    if !allow_unknown {
        check_clusters(&store, &attributes.scope).await?;
    }
    let create = store.create_key_with(&user, attributes, OffsetDateTime::now_utc());
    let pair = changing("create", "keys", "", create).await?;
    show(&pair);
    Ok(())
}

async fn update(args: KeyUpdateArgs) -> anyhow::Result<()> {
    let KeyUpdateArgs {
        access_key,
        name,
        description,
        expires_at,
        no_expiry,
        scope,
        no_scope,
        limits,
        no_limits,
        data,
    } = args;
    let allow_unknown = scope.allow_unknown_clusters;
    let scope = scope_of(scope);
    let limits = limits_of(&limits);
    let change = KeyChange {
        name,
        description,
        expires_at: match (expires_at, no_expiry) {
            (Some(end), _) => Some(Some(end)),
            (None, true) => Some(None),
            (None, false) => None,
        },
        scope: (no_scope || !scope.is_unbounded()).then_some(scope),
        limits: (no_limits || !limits.is_none()).then_some(limits),
    };
    if change.is_empty() {
        bail!("nothing is to be changed; `cubegate key update --help` shows what can be");
    }
    let store = commands::open(&data).await?;
    if let (Some(scope), false) = (&change.scope, allow_unknown) {
        check_clusters(&store, scope).await?;
    }
    let now = OffsetDateTime::now_utc();
    let until = commands::revoked_until();
    let update = store.update_key(&access_key, None, change, now, until);
    changing("update", "keys", &access_key, update).await?;
    output::line(&format!("key {access_key} is changed"));
    Ok(())
}

/// Refuses a scope with a cluster that there is not: a key for a misspelt one is good for
/// nothing, and nobody says so.
async fn check_clusters(store: &Store, scope: &KeyScope) -> anyhow::Result<()> {
    let known = store.cluster_names().await?;
    let Some(unknown) = unknown_cluster(&scope.clusters, &known) else {
        return Ok(());
    };
    let advice = match nearest(unknown, known.iter().map(String::as_str)) {
        Some(meant) => format!("{meant} may be meant"),
        None => "`cubegate cluster list` shows those there are".to_owned(),
    };
    bail!(
        "there is no cluster {unknown}; {advice}, and --allow-unknown-clusters takes one that is registered later"
    )
}

async fn rotate(access_key: &str, overlap: u32, data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let now = OffsetDateTime::now_utc();
    let overlap = Duration::seconds(i64::from(overlap));
    let until = commands::revoked_until();
    let rotate = store.rotate_key(access_key, None, overlap, None, now, until);
    let pair = changing("rotate", "keys", access_key, rotate).await?;
    show(&pair);
    Ok(())
}

async fn delete(access_key: &str, data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let until = commands::revoked_until();
    let made = store.keys_made_by(access_key).await?;
    let delete = store.delete_key(access_key, None, until);
    changing("delete", "keys", access_key, delete).await?;
    output::line(&format!("key {access_key} is deleted"));
    for made in made {
        output::line(&format!("key {made}, which was made with it, is deleted"));
    }
    Ok(())
}

async fn list(user: Option<&str>, args: &ListingArgs) -> anyhow::Result<()> {
    let ListingArgs { output, data } = args;
    let store = commands::open(data).await?;
    let keys = match user {
        Some(user) => store.list_keys(user).await?,
        None => store.list_all_keys().await?,
    };
    let rows: Vec<_> = keys.iter().map(row).collect();
    let list = views::keys(keys, OffsetDateTime::now_utc());
    if output.format.print(&list)? {
        return Ok(());
    }
    let head = [
        "ACCESS KEY",
        "USER",
        "NAME",
        "CREATED",
        "EXPIRES",
        "LAST USED",
        "SCOPE, LIMITS",
        "MADE BY",
    ];
    output::table(&head, &rows);
    Ok(())
}

fn row(key: &AccessKey) -> Vec<String> {
    let AccessKey {
        access_key,
        user,
        attributes,
        created_at,
        last_used_at,
        last_used_address,
        last_used_cluster,
        token_epoch: _,
        old_secret_until: _,
        made_by,
    } = key;
    let time = |time: Option<OffsetDateTime>| {
        time.and_then(|time| time.format(&Rfc3339).ok())
            .unwrap_or_else(|| "never".to_owned())
    };
    vec![
        access_key.clone(),
        user.clone(),
        match attributes.name.as_str() {
            "" => "-".to_owned(),
            name => name.to_owned(),
        },
        time(Some(*created_at)),
        time(attributes.expires_at),
        time(*last_used_at)
            + &place_text(last_used_address.as_deref(), last_used_cluster.as_deref()),
        scope_text(&attributes.scope) + &limits_text(attributes.limits),
        made_by.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

/// ` (203.0.113.7, member-1)`; nothing where nothing is known.
fn place_text(address: Option<&str>, cluster: Option<&str>) -> String {
    let known: Vec<_> = [address, cluster].into_iter().flatten().collect();
    match known.as_slice() {
        [] => String::new(),
        known => format!(" ({})", known.join(", ")),
    }
}

/// `member-1,member-2 / shop / get,list`; what is not bounded is `*`.
fn scope_text(scope: &KeyScope) -> String {
    let part = |names: &[String]| match names {
        [] => "*".to_owned(),
        names => names.join(","),
    };
    let KeyScope {
        clusters,
        namespaces,
        verbs,
    } = scope;
    if scope.is_unbounded() {
        return "*".to_owned();
    }
    [clusters, namespaces, verbs]
        .map(|names| part(names))
        .join(" / ")
}

/// `, 50/s, 10 at once`; nothing where the gateway's limits count.
fn limits_text(limits: KeyLimits) -> String {
    let KeyLimits {
        requests_per_second,
        concurrent,
    } = limits;
    let rate = requests_per_second.map(|number| format!(", {number}/s"));
    let concurrent = concurrent.map(|number| format!(", {number} at once"));
    rate.unwrap_or_default() + &concurrent.unwrap_or_default()
}

fn limits_of(args: &LimitArgs) -> KeyLimits {
    let LimitArgs {
        requests_per_second,
        concurrent_requests,
    } = args;
    KeyLimits {
        requests_per_second: *requests_per_second,
        concurrent: *concurrent_requests,
    }
}

fn scope_of(args: ScopeArgs) -> KeyScope {
    let ScopeArgs {
        clusters,
        namespaces,
        verbs,
        allow_unknown_clusters: _,
    } = args;
    KeyScope {
        clusters,
        namespaces,
        verbs,
    }
}

/// The shape of GET /key/create, so that a script reads both alike.
fn show(pair: &IssuedKey) {
    let pair = serde_json::json!({
        "accessKey": pair.access_key,
        "secretKey": pair.secret_key,
    });
    output::line(&pair.to_string());
}
