//! `cubegate import FILE`: users, keys and clusters from a file.
//!
//! The whole file is read and checked before anything is written, and importing
//! it again changes nothing: what exists is replaced.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::{ADMIN_GROUP, Cluster, ClusterName, ClusterSource, UserState};
use cubegate_member::{FileAccess, parse_kubeconfig};
use cubegate_store::{ImportedKey, NewUser, Store};
use cubegate_token::{check_group_name, check_user_name};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::args::DataArgs;
use crate::commands::audit::changing;
use crate::{commands, output};

/// The file's form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    users: Vec<UserEntry>,
    #[serde(default)]
    keys: Vec<KeyEntry>,
    #[serde(default)]
    clusters: Vec<ClusterEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    name: String,
    password: String,
    #[serde(default)]
    state: Option<String>,
    /// The groups that the user has stay when absent.
    #[serde(default)]
    groups: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyEntry {
    access_key: String,
    secret_key: String,
    user: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterEntry {
    name: String,
    /// The kubeconfig itself as a mapping, as text or in base64, or the path of
    /// its file.
    kubeconfig: Value,
    #[serde(default)]
    context: Option<String>,
}

/// The file's contents, checked.
struct Import {
    users: Vec<(UserEntry, UserState)>,
    keys: Vec<ImportedKey>,
    clusters: Vec<Cluster>,
}

pub(super) async fn run(file: &Path, data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let import = read(file).with_context(|| {
        format!(
            "{} cannot be imported, and nothing was changed",
            file.display()
        )
    })?;
    write(&store, import).await
}

fn read(file: &Path) -> anyhow::Result<Import> {
    let text = std::fs::read_to_string(file).context("the file cannot be read")?;
    // JSON is YAML, so one parser reads both.
    let document: Document = serde_saphyr::from_str(&text)
        .context("it is no YAML or JSON with users, keys and clusters")?;
    let Document {
        users,
        keys,
        clusters,
    } = document;
    let folder = file.parent().unwrap_or(Path::new(".")).to_path_buf();
    Ok(Import {
        users: users
            .into_iter()
            .map(check_user)
            .collect::<anyhow::Result<_>>()?,
        keys: keys
            .into_iter()
            .map(
                |KeyEntry {
                     access_key,
                     secret_key,
                     user,
                 }| ImportedKey {
                    access_key,
                    secret_key,
                    user,
                },
            )
            .collect(),
        clusters: clusters
            .into_iter()
            .map(|entry| {
                let name = entry.name.clone();
                check_cluster(entry, &folder)
                    .with_context(|| format!("cluster {name:?} cannot be used"))
            })
            .collect::<anyhow::Result<_>>()?,
    })
}

fn check_user(entry: UserEntry) -> anyhow::Result<(UserEntry, UserState)> {
    check_user_name(&entry.name)?;
    for group in entry.groups.iter().flatten() {
        check_group_name(group).with_context(|| format!("user {}", entry.name))?;
    }
    let state = match entry.state.as_deref() {
        None | Some("") => UserState::Normal,
        Some(word) => UserState::parse(word).ok_or_else(|| {
            anyhow!(
                "user {} has the state {word:?}; write normal or forbidden",
                entry.name
            )
        })?,
    };
    Ok((entry, state))
}

fn check_cluster(entry: ClusterEntry, folder: &Path) -> anyhow::Result<Cluster> {
    let ClusterEntry {
        name,
        kubeconfig,
        context,
    } = entry;
    let name: ClusterName = name.parse()?;
    let (yaml, folder) = kubeconfig_text(kubeconfig, folder)?;
    let now = OffsetDateTime::now_utc();
    let files = FileAccess::RelativeTo(folder);
    let spec = parse_kubeconfig(&yaml, context.as_deref(), &files, now)?;
    for warning in &spec.warnings {
        output::warn(&format!("cluster {name}: {warning}"));
    }
    Ok(spec.into_cluster(name, now, ClusterSource::Import))
}

/// Returns the kubeconfig's text, and the folder that its paths are relative to.
fn kubeconfig_text(value: Value, folder: &Path) -> anyhow::Result<(String, PathBuf)> {
    let Value::String(text) = value else {
        // JSON is YAML.
        return Ok((value.to_string(), folder.to_path_buf()));
    };
    if text.contains('\n') || text.trim_start().starts_with('{') {
        return Ok((text, folder.to_path_buf()));
    }
    let path = folder.join(&text);
    if path.is_file() {
        let yaml = std::fs::read_to_string(&path)
            .with_context(|| format!("the kubeconfig {} cannot be read", path.display()))?;
        return Ok((yaml, path.parent().unwrap_or(folder).to_path_buf()));
    }
    // KubeCube keeps kubeconfigs in base64.
    if let Some(yaml) = STANDARD
        .decode(text.trim())
        .ok()
        .and_then(|b| String::from_utf8(b).ok())
    {
        return Ok((yaml, folder.to_path_buf()));
    }
    Err(anyhow!(
        "its kubeconfig is neither YAML, nor base64, nor the file {}",
        path.display()
    ))
}

async fn write(store: &Store, import: Import) -> anyhow::Result<()> {
    let now = OffsetDateTime::now_utc();
    let Import {
        users,
        keys,
        clusters,
    } = import;
    let (user_count, key_count, cluster_count) = (users.len(), keys.len(), clusters.len());
    for (
        UserEntry {
            name,
            password,
            groups,
            state: _,
        },
        state,
    ) in users
    {
        let groups = match groups {
            Some(groups) => groups,
            None => match store.get_user(&name).await? {
                Some(user) => user.groups,
                // KubeCube's `admin` is the one who manages it.
                None if name == "admin" => vec![ADMIN_GROUP.to_owned()],
                None => Vec::new(),
            },
        };
        let user = NewUser {
            name,
            display_name: None,
            password,
            state,
            groups,
        };
        let name = user.name.clone();
        changing("import", "users", &name, store.import_user(user, now)).await?;
    }
    for key in keys {
        if store.get_user(&key.user).await?.is_none() {
            output::warn(&format!(
                "key {} belongs to {:?}, who does not exist; it gives no token until that user does",
                key.access_key, key.user
            ));
        }
        changing("import", "keys", "", store.import_key(&key, now)).await?;
    }
    for cluster in clusters {
        changing("import", "clusters", "", store.add_cluster(&cluster, true)).await?;
    }
    let imported = format!("{user_count} users, {key_count} keys and {cluster_count} clusters");
    output::line(&format!("imported {imported}"));
    Ok(())
}
