//! What pages are put together from.

use axum::http::StatusCode;
use maud::{Markup, html};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::ask::Refusal;
use crate::form::{ONCE, PROOF};
use crate::language::Language;
use crate::view::View;

/// Returns the hidden field that proves where a form comes from.
pub(crate) fn proof(view: &View) -> Markup {
    let proof = view.viewer.as_ref().map_or("", |viewer| &viewer.proof);
    html! { input type="hidden" name=(PROOF) value=(proof); }
}

/// Returns the hidden field of a form that is done once: another value each time that the form
/// is shown.
pub(crate) fn once() -> Markup {
    html! { input type="hidden" name=(ONCE) value=(format!("{:032x}", rand::random::<u128>())); }
}

/// Returns a moment: in UTC to the minute, which the script changes into local words. The
/// exact one shows when the pointer rests on it.
pub(crate) fn moment(rfc3339: &str) -> Markup {
    let shown = match OffsetDateTime::parse(rfc3339, &Rfc3339) {
        Ok(at) => format!(
            "{:04}-{:02}-{:02} {:02}:{:02} UTC",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute()
        ),
        Err(_) => rfc3339.to_owned(),
    };
    html! { time datetime=(rfc3339) title=(rfc3339) { (shown) } }
}

/// Returns a moment that the script changes into local time, and not into how far away it is.
pub(crate) fn exact_moment(rfc3339: &str) -> Markup {
    html! { span data-exact { (moment(rfc3339)) } }
}

/// The same, or a word for never.
pub(crate) fn moment_or(rfc3339: Option<&str>, never: &str) -> Markup {
    match rfc3339 {
        Some(rfc3339) => moment(rfc3339),
        None => html! { span.muted { (never) } },
    }
}

/// Returns a text that can be copied with one click, and by hand without the script.
pub(crate) fn copyable(l: Language, id: &str, label: &str, text: &str) -> Markup {
    html! {
        div.copyable {
            div.copyable-head {
                span.copyable-label id=(format!("{id}-label")) { (label) }
                button.small.quiet type="button" data-copy=(id) hidden
                    aria-describedby=(format!("{id}-label")) { (l.say("Copy", "复制")) }
            }
            pre id=(id) tabindex="0" role="region" aria-labelledby=(format!("{id}-label")) { code { (text) } }
        }
    }
}

/// Returns a notice above a page's content.
pub(crate) fn notice(kind: Notice, content: Markup) -> Markup {
    html! {
        div class=(format!("notice {}", kind.word())) role=(kind.role()) { (content) }
    }
}

/// Says above a form why it is shown again: its session had ended, and is begun anew.
pub(crate) fn resumed(l: Language) -> Markup {
    let what = l.say(
        "You are logged in again. Nothing was done yet: this is what you had typed. Send it when it is right.",
        "您已重新登录。尚未执行任何操作：下面是您之前填写的内容，请确认后提交。",
    );
    notice(Notice::Warning, html! { p { (what) } })
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// It was done.
    Done,
    /// To be known before one goes on.
    Warning,
    /// It was not done.
    Failed,
}

impl Notice {
    fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }

    fn role(self) -> &'static str {
        match self {
            Self::Done | Self::Warning => "status",
            Self::Failed => "alert",
        }
    }
}

/// Returns the head of a page: its title, a sentence about it, and what can be done there.
pub(crate) fn head(title: &str, lead: &str, actions: &Markup) -> Markup {
    html! {
        div.title-row {
            div {
                h1 { (title) }
                p.lead { (lead) }
            }
            @if !actions.0.is_empty() { div.title-action { (actions) } }
        }
    }
}

/// Returns what a page shows in place of an empty table.
pub(crate) fn empty(title: &str, what: &str, action: Markup) -> Markup {
    html! {
        div.empty {
            p.empty-title { (title) }
            p { (what) }
            (action)
        }
    }
}

/// Returns a table that scrolls by itself where it is too wide, also by keyboard.
pub(crate) fn scrolling_table(label: &str, table: Markup) -> Markup {
    html! {
        div.table-frame tabindex="0" role="region" aria-label=(label) { (table) }
    }
}

/// The heading of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Heading<'a> {
    /// Of words.
    Text(&'a str),
    /// Of numbers, which stand at the right.
    Number(&'a str),
}

/// Returns such a table with these headings; `label` is its caption, too.
pub(crate) fn table(label: &str, headings: &[&str], rows: Markup) -> Markup {
    let headings: Vec<_> = headings.iter().copied().map(Heading::Text).collect();
    table_of(label, &headings, rows)
}

/// The same where some of the columns are numbers.
pub(crate) fn table_of(label: &str, headings: &[Heading<'_>], rows: Markup) -> Markup {
    let heading = |heading: &Heading<'_>| match heading {
        Heading::Text(text) => html! { th scope="col" { (text) } },
        Heading::Number(text) => html! { th.number scope="col" { (text) } },
    };
    scrolling_table(
        label,
        html! {
            table {
                caption.visually-hidden { (label) }
                thead { tr { @for one in headings { (heading(one)) } } }
                tbody { (rows) }
            }
        },
    )
}

/// Returns a form that is one button of a row, with what it sends. What `words` say, which row
/// it is, is for those who do not see where it stands.
pub(crate) fn small_button(
    view: &View,
    action: &str,
    fields: &[(&str, &str)],
    word: &str,
    words: &str,
) -> Markup {
    html! {
        form.inline method="post" action=(action) {
            (proof(view))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button.quiet.small.danger type="submit" { (word) span.visually-hidden { " " (words) } }
        }
    }
}

/// Returns the refusal of a form, in words, above the form.
pub(crate) fn refused(l: Language, refusal: &Refusal) -> Markup {
    let (title, what) = refusal_in_words(l, refusal);
    notice(
        Notice::Failed,
        html! {
            p { strong { (title) } }
            // The gateway's own sentences are in English.
            @if what != title { p lang=[(l == Language::Zh && what.is_ascii()).then_some("en")] { (what) } }
            @if refusal.is_logged_out() { p { a href=(crate::ROOT) { (l.say("Log in", "登录")) } } }
        },
    )
}

/// Says what a refusal means: a title and a sentence. The sentence is the gateway's own where
/// it has one, which names what was wrong.
pub(crate) fn refusal_in_words(l: Language, refusal: &Refusal) -> (String, String) {
    let title = match refusal.status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            l.say("That could not be done", "无法完成该操作")
        }
        StatusCode::UNAUTHORIZED => l.say("You are not logged in any more", "登录已失效"),
        StatusCode::FORBIDDEN => l.say("You may not do that", "您没有该权限"),
        StatusCode::NOT_FOUND => l.say("There is no such thing here", "未找到"),
        StatusCode::CONFLICT => l.say("Something else is in its way", "存在冲突"),
        StatusCode::TOO_MANY_REQUESTS => l.say("Too many tries", "尝试次数过多"),
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            l.say("There is no answer", "没有收到应答")
        }
        StatusCode::SERVICE_UNAVAILABLE => l.say(
            "The gateway cannot do that at the moment",
            "网关暂时无法处理",
        ),
        _ => l.say("Something went wrong", "出现错误"),
    };
    let what = if refusal.message.is_empty() {
        l.tell(
            "The gateway answered {}.",
            "网关返回了 {}。",
            refusal.status,
        )
    } else {
        refusal.message.clone()
    };
    (title.to_owned(), what)
}

/// Where a list stands, for [`pager`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pages {
    /// From 1.
    pub(crate) number: u64,
    pub(crate) size: u64,
    pub(crate) total: u64,
}

impl Pages {
    /// Returns what is on the page, of all; what is behind the last one is on it.
    pub(crate) fn of<T>(self, all: &[T]) -> &[T] {
        let number = self.number.min(self.last());
        let size = usize::try_from(self.size).unwrap_or(usize::MAX).max(1);
        let before = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        all.chunks(size).nth(before).unwrap_or_default()
    }

    /// Returns whether one page does not hold all.
    pub(crate) fn are_several(self) -> bool {
        self.last() > 1
    }

    fn last(self) -> u64 {
        self.total.div_ceil(self.size.max(1)).max(1)
    }
}

/// Returns which part of a list is shown, and the ways to the others. `link` makes the URL of
/// a page by its number.
pub(crate) fn pager(l: Language, pages: Pages, link: impl Fn(u64) -> String) -> Markup {
    let Pages {
        number,
        size,
        total,
    } = pages;
    let first = number
        .saturating_sub(1)
        .saturating_mul(size)
        .saturating_add(1)
        .min(total);
    let last_shown = number.saturating_mul(size).min(total);
    let step = |to: u64, is_there: bool, word: &str, rel: &str| {
        html! {
            @if is_there { a.button.quiet.small href=(link(to)) rel=(rel) data-refresh { (word) } }
            @else { span.button.quiet.small.off aria-disabled="true" { (word) } }
        }
    };
    html! {
        nav.pager aria-label=(l.say("Pages of the list", "列表分页")) {
            span.pager-count {
                @match l {
                    Language::En => { (first) "–" (last_shown) " of " (total) },
                    Language::Zh => { "第 " (first) "–" (last_shown) " 条，共 " (total) " 条" },
                }
            }
            @if pages.are_several() || number > 1 {
                (step(1, number > 1, l.say("First", "首页"), "first"))
                (step(number.saturating_sub(1), number > 1, l.say("Previous", "上一页"), "prev"))
                (step(number.saturating_add(1), number < pages.last(), l.say("Next", "下一页"), "next"))
                (step(pages.last(), number < pages.last(), l.say("Last", "末页"), "last"))
            }
        }
    }
}
