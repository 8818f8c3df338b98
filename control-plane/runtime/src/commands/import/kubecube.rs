//! `cubegate import --from-kubecube`: users, keys and clusters of a KubeCube.
//!
//! All of it is read before anything is written. Every object is compared with
//! what is here, so that a second run changes nothing; one that cannot be taken
//! over is skipped, and the report says why. What KubeCube has no more stays here.

use std::path::Path;

use anyhow::Context as _;
use cubegate_domain::{
    ADMIN_GROUP, Cluster, ClusterName, ClusterSource, Profile, UserState, check_display_name,
    check_email, check_language, check_phone,
};
use cubegate_member::{
    ClusterObject, FileAccess, KeyObject, KubeCube, UserObject, parse_kubeconfig, probe,
    read_kubecube,
};
use cubegate_store::{ImportedKey, KubeCubeUser, Md5Password, Store, StoreError, Written};
use time::OffsetDateTime;

use super::report::Report;
use crate::args::{DataArgs, KubeCubeArgs};
use crate::commands::audit::changing;
use crate::commands::cluster::{NO_ENVOY, check_through_envoys};
use crate::{commands, output};

/// What the operator decided about the run.
struct Options {
    salt: Option<String>,
    check: bool,
    dry_run: bool,
}

pub(super) async fn run(args: KubeCubeArgs, data: &DataArgs) -> anyhow::Result<()> {
    let KubeCubeArgs {
        from_kubecube,
        context,
        password_salt,
        no_check,
        dry_run,
    } = args;
    let path = from_kubecube.context("give --from-kubecube or a file")?;
    let kubecube = read(&path, context.as_deref()).await.with_context(|| {
        format!(
            "KubeCube cannot be read with {}, and nothing was changed",
            path.display()
        )
    })?;
    let options = Options {
        salt: password_salt,
        check: !no_check,
        dry_run,
    };
    let store = commands::open(data).await?;
    take_over(&store, kubecube, &options).await
}

async fn read(path: &Path, context: Option<&str>) -> anyhow::Result<KubeCube> {
    let yaml = std::fs::read_to_string(path).context("the kubeconfig cannot be read")?;
    let folder = path.parent().unwrap_or(Path::new(".")).to_path_buf();
    let files = FileAccess::RelativeTo(folder);
    let pivot = parse_kubeconfig(&yaml, context, &files, OffsetDateTime::now_utc())?;
    for warning in &pivot.warnings {
        output::warn(warning);
    }
    Ok(read_kubecube(&pivot).await?)
}

async fn take_over(store: &Store, kubecube: KubeCube, options: &Options) -> anyhow::Result<()> {
    let KubeCube {
        users,
        keys,
        mut clusters,
        skipped,
    } = kubecube;
    let mut report = Report::default();
    for user in &users {
        take_user(store, user, options, &mut report).await?;
    }
    for key in keys {
        take_key(store, key, &users, options, &mut report).await?;
    }
    // The pivot cluster first, which makes it the host cluster where there is none.
    clusters.sort_by_key(|cluster| cluster.is_member);
    for cluster in clusters {
        take_cluster(store, cluster, options, &mut report).await?;
    }
    for object in skipped {
        report.skipped(object.kind, &object.name, &object.reason);
    }
    report.print(options.dry_run);
    Ok(())
}

async fn take_user(
    store: &Store,
    object: &UserObject,
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut notes = Vec::new();
    let state = match object.state.as_str() {
        "normal" => UserState::Normal,
        "forbidden" => UserState::Forbidden,
        // KubeCube lets in those that are `normal` and nobody else.
        other => {
            notes.push(format!("the state {other:?} counts as forbidden"));
            UserState::Forbidden
        }
    };
    let user = KubeCubeUser {
        name: object.name.clone(),
        display_name: match passes(
            "displayName",
            &object.display_name,
            check_display_name,
            &mut notes,
        ) {
            name if name.is_empty() => object.name.clone(),
            name => name,
        },
        profile: Profile {
            email: passes("email", &object.email, check_email, &mut notes),
            phone: passes("phone", &object.phone, check_phone, &mut notes),
            language: passes("language", &object.language, check_language, &mut notes),
            by_api: false,
        },
        state,
        // KubeCube's `admin` is the one who manages it.
        groups: match object.name.as_str() {
            "admin" => vec![ADMIN_GROUP.to_owned()],
            _ => Vec::new(),
        },
        password: password(object, options.salt.as_deref(), &mut notes),
    };
    let done = match store.compare_kubecube_user(&user).await {
        Ok(Written::Created | Written::Replaced) if !options.dry_run => {
            let import = store.import_kubecube_user(&user, OffsetDateTime::now_utc());
            changing("import", "users", "", import).await
        }
        compared => compared,
    };
    finish("user", &object.name, done, &notes, report)
}

/// A text that passes its rule here; another one is left out, and a note says so.
fn passes(field: &str, text: &str, rule: impl Fn(&str) -> bool, notes: &mut Vec<String>) -> String {
    if text.is_empty() || rule(text) {
        return text.to_owned();
    }
    notes.push(format!("its {field} is not taken over: it is not valid"));
    String::new()
}

/// Returns the password to take over; a note says why there is none.
fn password(
    object: &UserObject,
    salt: Option<&str>,
    notes: &mut Vec<String>,
) -> Option<Md5Password> {
    let reason = if !matches!(object.login_type.as_str(), "" | "normal") {
        format!(
            "no password: the login type {:?} has none",
            object.login_type
        )
    } else if let Some(salt) = salt {
        match Md5Password::new(&object.password, salt) {
            Some(password) => return Some(password),
            None => "no password: what KubeCube keeps is no MD5".to_owned(),
        }
    } else {
        "no password: --password-salt was not given".to_owned()
    };
    notes.push(reason);
    None
}

async fn take_key(
    store: &Store,
    object: KeyObject,
    users: &[UserObject],
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut notes = Vec::new();
    let known = users.iter().any(|user| user.name == object.user)
        || store.get_user(&object.user).await?.is_some();
    if !known {
        notes.push(format!(
            "it gives no token until its owner {:?} exists",
            object.user
        ));
    }
    let key = ImportedKey {
        access_key: object.name,
        secret_key: object.secret_key,
        user: object.user,
    };
    let done = match store.compare_key(&key).await {
        Ok(Written::Created | Written::Replaced) if !options.dry_run => {
            let import = store.import_key(&key, OffsetDateTime::now_utc());
            changing("import", "keys", "", import).await
        }
        compared => compared,
    };
    finish("key", &key.access_key, done, &notes, report)
}

async fn take_cluster(
    store: &Store,
    object: ClusterObject,
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut notes = Vec::new();
    let cluster = match cluster(&object, &mut notes) {
        Ok(cluster) => cluster,
        Err(error) => {
            report.skipped("cluster", &object.name, &output::sentence(&error));
            return Ok(());
        }
    };
    let compared = store.compare_cluster(&cluster).await?;
    if compared != Written::Unchanged {
        let mut left_to_envoys = false;
        if options.check {
            match probe(&cluster, &store.impersonated_groups().await?).await {
                Ok(answer) => notes.extend(answer.warnings),
                Err(error) if error.left_to_envoys().is_some() => {
                    left_to_envoys = true;
                    notes.extend(error.left_to_envoys());
                }
                Err(error) => {
                    let reason = format!("{error}; --no-check takes it all the same");
                    report.skipped("cluster", &object.name, &reason);
                    return Ok(());
                }
            }
        }
        if !options.dry_run {
            let former = store.get_cluster(cluster.name.as_str()).await?;
            let add = store.add_cluster(&cluster, true);
            match changing("import", "clusters", "", add).await {
                Err(error @ StoreError::ClusterOwned { .. }) => {
                    report.skipped("cluster", &object.name, &error.to_string());
                    return Ok(());
                }
                added => added?,
            }
            if options.check {
                match check_through_envoys(store, &cluster, former.as_ref(), left_to_envoys).await {
                    Ok(checked) if checked.connected == 0 => notes.push(NO_ENVOY.to_owned()),
                    Ok(checked) => notes.extend(checked.warnings),
                    Err(error) => {
                        let error = output::sentence(&error);
                        let reason = format!("{error}; --no-check takes it all the same");
                        report.skipped("cluster", &object.name, &reason);
                        return Ok(());
                    }
                }
            }
        }
    }
    report.written("cluster", &object.name, compared, &notes);
    Ok(())
}

fn cluster(object: &ClusterObject, notes: &mut Vec<String>) -> anyhow::Result<Cluster> {
    let name: ClusterName = object.name.parse()?;
    // It comes over the network: it must not name files of this machine.
    let now = OffsetDateTime::now_utc();
    let spec = parse_kubeconfig(&object.kubeconfig, None, &FileAccess::Refused, now)?;
    notes.extend(spec.warnings.iter().cloned());
    let server = spec.server.to_string();
    let endpoint = object.endpoint.trim_end_matches('/');
    if !endpoint.is_empty() && endpoint != server {
        notes.push(format!(
            "reached at {server} as its kubeconfig says, and not at its kubernetesAPIEndpoint {endpoint}"
        ));
    }
    Ok(spec.into_cluster(name, now, ClusterSource::Import))
}

/// Reports what was done. An object that the store refuses is skipped; a store
/// that fails ends the run.
fn finish(
    kind: &'static str,
    name: &str,
    done: Result<Written, StoreError>,
    notes: &[String],
    report: &mut Report,
) -> anyhow::Result<()> {
    match done {
        Ok(written) => report.written(kind, name, written, notes),
        Err(error @ (StoreError::Subject(_) | StoreError::KeyFormat { .. })) => {
            report.skipped(kind, name, &error.to_string());
        }
        Err(error) => return Err(error).with_context(|| format!("{kind} {name}")),
    }
    Ok(())
}
