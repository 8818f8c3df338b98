//! The page.

use std::fmt::Write as _;

use anyhow::Result;

use super::{Copied, Outcome, Record, Suites};

/// What is tried, in the order of the page: the capability's name, and its words.
pub const CAPABILITIES: [(&str, &str); 55] = [
    ("server_version", "version"),
    ("discovery", "discovery"),
    ("api_versions", "groups and versions"),
    ("explain", "explain, OpenAPI"),
    ("cluster_info", "cluster-info"),
    ("get_raw", "get --raw, a path as it is"),
    ("create", "create"),
    ("get", "get"),
    ("update", "update"),
    ("delete", "delete"),
    ("delete_collection", "delete a collection"),
    ("edit", "edit"),
    ("labels_and_selectors", "labels and selectors"),
    ("dry_run", "dry run by the server"),
    ("apply", "apply, diff"),
    ("server_side_apply", "server-side apply, conflicts"),
    ("kustomize", "kustomize"),
    ("patch_strategic", "patch, strategic merge"),
    ("patch_merge", "patch, merge"),
    ("patch_json", "patch, JSON"),
    ("scale", "scale"),
    ("status_subresource", "the subresource `status`"),
    ("custom_resources", "custom resources"),
    ("table", "Table"),
    ("metadata_only", "metadata alone"),
    ("protobuf", "protobuf"),
    ("chunked_list", "lists in chunks"),
    ("all_namespaces", "all namespaces"),
    ("sorted", "sorted"),
    ("watch", "watch"),
    ("watch_idle", "watch, silent for 6 minutes"),
    ("wait", "wait"),
    ("rollout", "rollout"),
    ("events", "events"),
    ("logs", "logs"),
    ("logs_follow", "logs -f"),
    ("exec_codes", "exec, exit codes, input"),
    ("attach", "attach"),
    ("port_forward", "port-forward"),
    ("cp", "cp both ways"),
    ("run_and_expose", "run, expose"),
    ("drain", "cordon, drain (eviction)"),
    ("taint", "taint"),
    ("can_i", "auth can-i"),
    ("as", "`--as`"),
    ("as_group", "`--as-group`"),
    ("whoami", "auth whoami"),
    ("create_token", "create token"),
    ("create_role", "roles, auth reconcile"),
    ("proxy", "proxy"),
    ("helm_install", "Helm install"),
    ("helm_upgrade", "Helm upgrade"),
    ("helm_rollback", "Helm rollback, history"),
    ("helm_uninstall", "Helm uninstall, list"),
    ("helm_template_validate", "Helm dry run by the server"),
];

/// Writes it.
///
/// # Errors
/// A record that is not there or has another form.
pub fn page() -> Result<String> {
    let record = Record::read()?;
    let mut page = String::from(
        "# What other people's clients find\n\n\
         Written by `make generate` from `tests/conformance/record.json`, which `make conformance` writes. Each cell is one capability as people use\n\
         it, tried with the same command twice in the same run: at a real API server itself, and through the gateway, as the same user.\n\
         **same** ended well on both ways with the same words (but for ages, names and addresses of the run); `-` is not by this client, or not\n\
         with this API server; **fails** works directly and not through the gateway, with the reason below. Pods run on a node whose kubelet is\n\
         the tests' own (`tests/src/node.rs`).\n",
    );
    let cells = record.capabilities.values().flatten();
    let count = |outcome| {
        let with = cells.clone().filter(|(_, cell)| cell.outcome == outcome);
        with.count()
    };
    writeln!(
        page,
        "\nkube-apiserver {}, {}, {} minutes: {} cells are the same, {} not by this client, {} fail.",
        record.server,
        record.day,
        record.minutes,
        count(Outcome::Same),
        count(Outcome::NotByThisClient),
        count(Outcome::Fails)
    )?;
    let (helm, others): (Vec<&String>, Vec<&String>) = record
        .clients
        .iter()
        .partition(|name| name.starts_with("helm"));
    for (title, clients, is_helms) in [("Clients", others, false), ("Helm", helm, true)] {
        writeln!(page, "\n## {title}\n")?;
        let heads: Vec<String> = clients
            .iter()
            .map(|name| name.replacen('-', " ", 1))
            .collect();
        writeln!(page, "| | {} |", heads.join(" | "))?;
        writeln!(page, "|---|{}", "---|".repeat(heads.len()))?;
        for (name, words) in CAPABILITIES {
            let Some(cells) = record.capabilities.get(name) else {
                continue;
            };
            if name.starts_with("helm_") != is_helms {
                continue;
            }
            let row = clients.iter().map(|client| match cells.get(*client) {
                None => "-",
                Some(cell) => match cell.outcome {
                    Outcome::Same => "same",
                    Outcome::NotByThisClient => "-",
                    Outcome::Fails => "**fails**",
                },
            });
            writeln!(
                page,
                "| {words} | {} |",
                row.collect::<Vec<_>>().join(" | ")
            )?;
        }
    }
    page.push_str(&reasons(&record)?);
    page.push_str(&suites(&Suites::read()?)?);
    page.push_str(&copies(&record.copies)?);
    Ok(page)
}

/// Why cells fail, and why some clients cannot do with this server what others can.
fn reasons(record: &Record) -> Result<String> {
    let mut text = String::from("\n## Why\n\n| | client | |\n|---|---|---|\n");
    for (name, words) in CAPABILITIES {
        let Some(cells) = record.capabilities.get(name) else {
            continue;
        };
        let mut by_reason: Vec<(Outcome, &str, Vec<&str>)> = Vec::new();
        for client in &record.clients {
            let Some(cell) = cells.get(client).filter(|cell| !cell.reason.is_empty()) else {
                continue;
            };
            let found = by_reason
                .iter_mut()
                .find(|(outcome, reason, _)| *outcome == cell.outcome && *reason == cell.reason);
            match found {
                Some((_, _, clients)) => clients.push(client),
                None => by_reason.push((cell.outcome, &cell.reason, vec![client])),
            }
        }
        for (outcome, reason, clients) in by_reason {
            let mark = if outcome == Outcome::Fails {
                "**fails**: "
            } else {
                ""
            };
            let reason = reason.replace('|', "\\|");
            writeln!(
                text,
                "| {words} | {} | {mark}{reason} |",
                clients.join(", ")
            )?;
        }
    }
    Ok(text)
}

/// Kubernetes' own test suites, and what of them does not pass on both ways.
fn suites(record: &Suites) -> Result<String> {
    let mut text = format!(
        "\n## Kubernetes' own suites\n\n\
         Of Kubernetes' source {}, as `make conformance-suites` ran it: the suite of kubectl (`test/cmd`, a group of it is a case) with kubectl of\n\
         that version. The same program at the same time, once at an API server itself and once through the gateway; each way has an API server of\n\
         its own, made alike. A case whose ways differ for no known reason is tried again, three times at most. Minutes and day are those of\n\
         the last whole run; groups that were run alone since are in the counts.\n\n\
         | suite | cases | pass directly | pass through the gateway | tried again | minutes | day |\n|---|---|---|---|---|---|---|\n",
        record.server
    );
    for (name, suite) in &record.suites {
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            suite.cases.len(),
            suite.count(|case| case.direct),
            suite.count(|case| case.through),
            suite.count(|case| case.tries > 1),
            suite.minutes,
            suite.day
        )?;
    }
    text.push_str("\n| does not pass on both ways | suite | directly | through the gateway | |\n|---|---|---|---|---|\n");
    let word = |passes| if passes { "passes" } else { "**fails**" };
    for failure in record.failures()? {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            failure.name,
            failure.suite,
            word(failure.case.direct),
            word(failure.case.through),
            failure.reason.unwrap_or_default().replace('|', "\\|")
        )?;
    }
    Ok(text)
}

fn copies(copies: &[Copied]) -> Result<String> {
    let mut text = String::from(
        "\n## A large copy\n\n`kubectl cp`, in turns, medians of three; the bytes have the same SHA-256 at both ends. The ratio is of speeds: 1 is as fast as\ndirectly, and the goal is 0.9. All ends, the pod's among them, share the cores of one machine.\n\n| copy | client | MiB | directly, s | through the gateway, s | ratio |\n|---|---|---|---|---|---|\n",
    );
    for copy in copies {
        writeln!(
            text,
            "| {} | {} | {} | {:.1} | {:.1} | {:.2} |",
            copy.what,
            copy.client,
            copy.bytes >> 20,
            copy.direct,
            copy.through,
            copy.direct / copy.through
        )?;
    }
    Ok(text)
}
