//! All commands on one page, for readers who have no terminal at hand.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

const HEAD: &str = "# The command line

Written by `make generate` from the command line itself; `cubegate man DIR` writes the same as man pages, and
`cubegate completions bash` (or `zsh`, `fish`, `elvish`, `powershell`) prints what lets a shell complete it.
";

/// Returns the page.
pub(super) fn page(command: &mut Command) -> String {
    let mut page = HEAD.to_owned();
    command.build();
    if let Some(more) = command.get_after_long_help() {
        let _ = write!(page, "\n{more}\n");
    }
    add(&mut page, command);
    page
}

fn add(page: &mut String, command: &Command) {
    let commands = || {
        command
            .get_subcommands()
            .filter(|command| command.get_name() != "help")
    };
    if commands().next().is_none() {
        let name = command.get_bin_name().unwrap_or(command.get_name());
        let about = command.get_about().map(ToString::to_string);
        let _ = write!(page, "\n## {name}\n\n{}.\n", about.unwrap_or_default());
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let _ = write!(page, "\n```text\n{usage}\n```\n");
        arguments(page, command);
    }
    for command in commands() {
        add(page, command);
    }
}

/// A table for each heading, in the order of the help.
fn arguments(page: &mut String, command: &Command) {
    let mut headings: Vec<Option<&str>> = Vec::new();
    let shown = || {
        command
            .get_arguments()
            .filter(|arg| !arg.is_hide_set() && arg.get_id() != "help" && arg.get_id() != "config")
    };
    for arg in shown() {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    headings.sort_by_key(Option::is_some);
    for heading in headings {
        let title = heading.unwrap_or("flag");
        let _ = write!(
            page,
            "\n| {title} | variable | default | meaning |\n|---|---|---|---|\n"
        );
        for arg in shown().filter(|arg| arg.get_help_heading() == heading) {
            let _ = writeln!(page, "{}", row(arg));
        }
    }
}

fn row(arg: &Arg) -> String {
    let quoted = |text: &str| match text {
        "" => String::new(),
        text => format!("`{text}`"),
    };
    let variable = arg.get_env().and_then(|name| name.to_str());
    let defaults = arg.get_default_values().iter();
    let defaults: Vec<_> = defaults.filter_map(|value| value.to_str()).collect();
    // A switch that is off says nothing.
    let default = match arg.get_action() {
        ArgAction::SetTrue => String::new(),
        _ => defaults.join(","),
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = arg
        .get_possible_values()
        .iter()
        .filter(|_| arg.get_action().takes_values())
        .map(|value| quoted(value.get_name()))
        .collect();
    let values = match values.as_slice() {
        [] => String::new(),
        values => format!(": {}", values.join(", ")),
    };
    let cells = [
        quoted(&spelling(arg)),
        quoted(variable.unwrap_or_default()),
        quoted(&default),
        help + &values,
    ];
    let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
    format!("| {} |", cells.join(" | "))
}

/// `-o, --output FORMAT`, `NAME`
fn spelling(arg: &Arg) -> String {
    let value = arg
        .get_value_names()
        .filter(|_| arg.get_action().takes_values())
        .map(|names| names.join(" "))
        .unwrap_or_default();
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let flags: Vec<_> = short.into_iter().chain(long).collect();
    format!("{} {value}", flags.join(", ")).trim().to_owned()
}
