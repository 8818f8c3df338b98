//! The fields of a key's form: what was typed, what it means, and how it is asked again.

use cubegate_api_types::cube::KeyObject;
use cubegate_token::KeyScope;
use maud::{Markup, html};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::words::READING;
use crate::form::Fields;
use crate::language::Language;

/// How long a new key may be chosen to last, in days.
const DAYS: [i64; 4] = [7, 30, 90, 365];

/// What stands in the form.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyFields {
    pub(super) name: String,
    pub(super) description: String,
    /// `never`, a number of days, `date` or `keep`.
    expiry: String,
    /// `YYYY-MM-DD`, for `date`.
    date: String,
    clusters: Vec<String>,
    namespaces: String,
    /// `all`, `read` or `some`.
    access: String,
    verbs: Vec<String>,
}

// === impl KeyFields ===

impl KeyFields {
    /// Of a key that there is not yet.
    pub(super) fn new() -> Self {
        Self {
            expiry: "90".to_owned(),
            access: "all".to_owned(),
            ..Self::default()
        }
    }

    /// Of a key, to be changed.
    pub(super) fn of(key: &KeyObject) -> Self {
        let scope = key.spec.scope.clone().unwrap_or_default();
        let reads = scope.verbs.len() == READING.len()
            && READING
                .iter()
                .all(|verb| scope.verbs.iter().any(|one| one == verb));
        Self {
            name: key.spec.name.clone(),
            description: key.spec.description.clone(),
            expiry: "keep".to_owned(),
            date: String::new(),
            clusters: scope.clusters,
            namespaces: scope.namespaces.join(", "),
            access: match () {
                () if scope.verbs.is_empty() => "all",
                () if reads => "read",
                () => "some",
            }
            .to_owned(),
            verbs: scope.verbs,
        }
    }

    /// Of a key like another one.
    pub(super) fn like(key: &KeyObject) -> Self {
        Self {
            expiry: Self::new().expiry,
            ..Self::of(key)
        }
    }

    /// As they were typed.
    pub(super) fn typed(fields: &Fields) -> Self {
        let all = |name| fields.all(name).map(str::to_owned).collect();
        Self {
            name: fields.get("name").to_owned(),
            description: fields.get("description").to_owned(),
            expiry: fields.get("expiry").to_owned(),
            date: fields.get("date").to_owned(),
            clusters: all("cluster"),
            namespaces: fields.get("namespaces").to_owned(),
            access: fields.get("access").to_owned(),
            verbs: all("verb"),
        }
    }

    /// Returns the bounds that they mean.
    pub(super) fn scope(&self) -> KeyScope {
        let mut names = Fields::default();
        names.push("namespaces", self.namespaces.clone());
        KeyScope {
            clusters: self.clusters.clone(),
            namespaces: names.words("namespaces"),
            verbs: match self.access.as_str() {
                "read" => READING.map(str::to_owned).to_vec(),
                "some" => self.verbs.clone(),
                _ => Vec::new(),
            },
        }
    }

    /// Returns when the key is to end.
    ///
    /// # Errors
    /// A sentence about what was typed.
    pub(super) fn ends(&self, l: Language) -> Result<Ends, String> {
        let now = OffsetDateTime::now_utc();
        let ends = match self.expiry.as_str() {
            "keep" => return Ok(Ends::AsNow),
            "" | "never" => return Ok(Ends::Never),
            "date" => {
                // The day that was chosen counts as a whole.
                let end_of_day = format!("{}T23:59:59Z", self.date);
                OffsetDateTime::parse(&end_of_day, &Rfc3339).map_err(|_| {
                    l.say(
                        "Choose the day on which the key expires, as 2030-01-31.",
                        "请选择密钥的过期日期，例如 2030-01-31。",
                    )
                    .to_owned()
                })?
            }
            days => match days.parse() {
                Ok(days) if DAYS.contains(&days) => now + time::Duration::days(days),
                _ => {
                    let what = "Choose one of the times until the key expires.";
                    return Err(l.say(what, "请从列表中选择有效期。").to_owned());
                }
            },
        };
        if ends <= now {
            let what = l.say(
                "The key would have expired already: choose a day to come.",
                "所选日期已过：请选择将来的日期。",
            );
            return Err(what.to_owned());
        }
        let ends = ends.format(&Rfc3339).map_err(|error| error.to_string())?;
        Ok(Ends::At(ends))
    }

    /// Returns what is wrong with what was typed, if anything, before the API is asked.
    pub(super) fn fault(&self, l: Language) -> Option<String> {
        if self.access == "some" && self.verbs.is_empty() {
            let what = l.say(
                "Choose at least one verb, or all of them.",
                "请至少选择一种操作，或选择全部。",
            );
            return Some(what.to_owned());
        }
        self.ends(l).err()
    }

    /// Returns the fields; `clusters` are those that there are.
    pub(super) fn markup(&self, l: Language, clusters: &[String], may_keep: bool) -> Markup {
        html! {
            div.field {
                label for="name" { (l.say("Name", "名称")) }
                input #name name="name" value=(self.name) maxlength="63" aria-describedby="name-hint" autocomplete="off";
                p.hint #name-hint { (l.say("What it is for: deploy, nightly-report.", "说明用途，例如 deploy、nightly-report。")) }
            }
            div.field {
                label for="description" { (l.say("Description", "描述")) }
                input #description name="description" value=(self.description) maxlength="256" autocomplete="off";
            }
            (self.expiry(l, may_keep))
            (self.access(l))
            (self.places(l, clusters))
        }
    }

    fn expiry(&self, l: Language, may_keep: bool) -> Markup {
        let option = |value: &str, word: &str| {
            html! { option value=(value) selected[self.expiry == value] { (word) } }
        };
        html! {
            div.field-row {
                div.field {
                    label for="expiry" { (l.say("Expires", "过期时间")) }
                    select #expiry name="expiry" {
                        @if may_keep { (option("keep", l.say("As it is now", "保持不变"))) }
                        @for days in DAYS {
                            (option(&days.to_string(), &l.tell("In {} days", "{} 天后", days)))
                        }
                        (option("date", l.say("On the day…", "指定日期…")))
                        (option("never", l.say("Never", "永不过期")))
                    }
                }
                div.field data-shown-by="expiry=date" {
                    label for="date" { (l.say("Day (UTC)", "日期 (UTC)")) }
                    input #date name="date" type="date" value=(self.date);
                }
            }
        }
    }

    fn access(&self, l: Language) -> Markup {
        let choice = |value: &str, word: &str, hint: &str| {
            html! {
                label.choice {
                    input type="radio" name="access" value=(value) checked[self.access == value];
                    span { (word) span.hint { (hint) } }
                }
            }
        };
        html! {
            fieldset {
                legend { (l.say("What it may do", "允许的操作")) }
                (choice("all", l.say("Everything", "全部"), l.say("All that you may do yourself", "您本人拥有的全部权限")))
                (choice("read", l.say("Read only", "只读"), "get, list, watch"))
                (choice("some", l.say("These verbs", "指定操作"), l.say("Those that are chosen below", "在下方选择")))
                div.checks data-shown-by="access=some" {
                    @for verb in KeyScope::VERBS {
                        label.check {
                            input type="checkbox" name="verb" value=(verb) checked[self.verbs.iter().any(|one| one == verb)];
                            span.mono { (verb) }
                        }
                    }
                }
            }
        }
    }

    fn places(&self, l: Language, clusters: &[String]) -> Markup {
        // One that was taken away meanwhile is shown as well, so that it can be taken off.
        let gone = self.clusters.iter().filter(|name| !clusters.contains(name));
        let named = gone.chain(clusters);
        html! {
            fieldset {
                legend { (l.say("Where", "适用范围")) }
                @if clusters.is_empty() {
                    p.hint { (l.say("There are no clusters yet.", "还没有集群。")) }
                } @else {
                    p.hint { (l.say("With none chosen, in every cluster.", "不选择则适用于所有集群。")) }
                    div.checks.scrolls {
                        @for name in named {
                            label.check {
                                input type="checkbox" name="cluster" value=(name) checked[self.clusters.contains(name)];
                                span { (name) }
                            }
                        }
                    }
                }
                div.field {
                    label for="namespaces" { (l.say("Namespaces", "命名空间")) }
                    input #namespaces name="namespaces" value=(self.namespaces) autocomplete="off" spellcheck="false" aria-describedby="namespaces-hint";
                    p.hint #namespaces-hint {
                        (l.say(
                            "Between commas; empty is all. With any, what is in no namespace is out of reach.",
                            "用逗号分隔，留空表示全部。填写后将无法访问集群级资源。",
                        ))
                    }
                }
            }
        }
    }
}

/// When a key is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ends {
    /// It stays as it is.
    AsNow,
    Never,
    /// RFC 3339.
    At(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(form: &str) -> KeyFields {
        KeyFields::typed(&Fields::parse(form.as_bytes()))
    }

    #[test]
    fn what_is_typed_becomes_a_scope() {
        let read = typed("access=read&cluster=a&cluster=b&namespaces=x%2C+y&verb=delete").scope();
        assert_eq!(read.verbs, READING);
        assert_eq!(read.clusters, ["a", "b"]);
        assert_eq!(read.namespaces, ["x", "y"]);
        assert!(typed("access=all&verb=delete").scope().is_unbounded());
        assert_eq!(typed("access=some&verb=delete").scope().verbs, ["delete"]);
    }

    #[test]
    fn a_key_that_could_do_nothing_or_is_over_is_not_asked_for() {
        let l = Language::En;
        assert!(typed("access=some").fault(l).is_some());
        assert!(
            typed("access=all&expiry=date&date=2001-01-01")
                .fault(l)
                .is_some()
        );
        assert!(typed("access=all&expiry=date&date=junk").fault(l).is_some());
        assert!(typed("access=all&expiry=8").fault(l).is_some());
        assert_eq!(typed("access=all&expiry=never").ends(l), Ok(Ends::Never));
        assert_eq!(typed("access=all&expiry=keep").ends(l), Ok(Ends::AsNow));
        let Ok(Ends::At(_)) = typed("access=all&expiry=30").ends(l) else {
            panic!("30 days are a time");
        };
    }
}
