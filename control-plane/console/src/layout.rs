//! The frame of every page.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::ask::Refusal;
use crate::assets;
use crate::form::PROOF;
use crate::language::Language;
use crate::parts;
use crate::view::{Theme, View, Viewer};

/// A page: its status and the whole document.
pub(crate) struct Page {
    status: StatusCode,
    document: String,
}

/// A place that the navigation leads to.
struct Place {
    path: &'static str,
    en: &'static str,
    zh: &'static str,
}

const PLACES: [Place; 5] = [
    Place {
        path: "/console/keys",
        en: "Access keys",
        zh: "密钥管理",
    },
    Place {
        path: "/console/clusters",
        en: "Clusters",
        zh: "集群",
    },
    Place {
        path: "/console/resources",
        en: "Resources",
        zh: "资源",
    },
    Place {
        path: "/console/sessions",
        en: "Sessions",
        zh: "会话",
    },
    Place {
        path: "/console/docs",
        en: "API reference",
        zh: "接口文档",
    },
];

/// Those of administrators.
const ADMIN_PLACES: [Place; 3] = [
    Place {
        path: "/console/users",
        en: "Users",
        zh: "用户",
    },
    Place {
        path: "/console/envoys",
        en: "Envoys",
        zh: "Envoy 节点",
    },
    Place {
        path: "/console/audit",
        en: "Audit",
        zh: "审计",
    },
];

// === impl Page ===

impl Page {
    /// Returns the document alone.
    pub(crate) fn into_document(self) -> String {
        self.document
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.status, Html(self.document)).into_response()
    }
}

/// Returns a page with this title, which is its first heading too.
pub(crate) fn page(view: &View, title: &str, content: Markup) -> Page {
    page_with(view, StatusCode::OK, title, content)
}

/// The same of another status than 200.
pub(crate) fn page_with(view: &View, status: StatusCode, title: &str, content: Markup) -> Page {
    let l = view.language;
    let markup = html! {
        (DOCTYPE)
        html lang=(l.tag()) data-theme=(view.theme.word()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Cubegate" }
                link rel="icon" href=(assets::url("icon.svg")) type="image/svg+xml";
                link rel="stylesheet" href=(assets::url("console.css")) nonce=(view.nonce);
                script type="module" src=(assets::url("console.js")) nonce=(view.nonce) {}
            }
            body class=@if view.viewer.is_none() { "alone" } {
                a.skip href="#main" { (l.say("Skip to the content", "跳到正文")) }
                (top(view))
                @if let Some(viewer) = &view.viewer { (navigation(view, viewer)) }
                main #main tabindex="-1" {
                    (content)
                }
                div #told .visually-hidden role="status" aria-live="polite" {}
            }
        }
    };
    Page {
        status,
        document: markup.into_string(),
    }
}

/// Returns a page that says what went wrong and what to do.
pub(crate) fn failure(view: &View, status: StatusCode, title: &str, what: &str) -> Page {
    let l = view.language;
    let content = html! {
        div.failure {
            h1 { (title) }
            p { (what) }
            p.actions {
                @if view.here.starts_with(crate::ROOT) && status != StatusCode::NOT_FOUND {
                    a.button href=(view.here) { (l.say("Try again", "重试")) }
                }
                a.button.quiet href=(crate::ROOT) { (l.say("To the first page", "返回首页")) }
            }
        }
    };
    page_with(view, status, title, content)
}

/// Returns the page for an answer that is not what was asked for.
pub(crate) fn refused(view: &View, refusal: &Refusal) -> Page {
    let l = view.language;
    let (title, what) = parts::refusal_in_words(l, refusal);
    failure(view, refusal.status, &title, &what)
}

fn top(view: &View) -> Markup {
    let l = view.language;
    html! {
        header.top {
            a.brand href=(crate::ROOT) {
                img src=(assets::url("icon.svg")) alt="" width="22" height="22";
                "Cubegate"
            }
            div.top-right {
                (preferences(view))
                @if let Some(viewer) = &view.viewer {
                    form.logout method="post" action="/console/logout" {
                        input type="hidden" name=(PROOF) value=(viewer.proof);
                        span.who title=(viewer.name) { (viewer.name) }
                        button.quiet.small type="submit" { (l.say("Log out", "退出登录")) }
                    }
                }
            }
        }
    }
}

/// The switches of language and theme; each button says what it leads to.
fn preferences(view: &View) -> Markup {
    let l = view.language;
    let (tag, other) = match l {
        Language::En => ("zh-CN", "中文"),
        Language::Zh => ("en", "English"),
    };
    let (theme, themed) = match view.theme {
        Theme::System => (Theme::Dark, l.say("Dark", "深色")),
        Theme::Dark => (Theme::Light, l.say("Light", "浅色")),
        Theme::Light => (Theme::System, l.say("As the system", "跟随系统")),
    };
    html! {
        form.preferences method="post" action="/console/preferences" {
            input type="hidden" name="back" value=(view.here);
            button.quiet.small type="submit" name="language" value=(tag) lang=(tag) { (other) }
            button.quiet.small type="submit" name="theme" value=(theme.word()) {
                span.visually-hidden { (l.say("Theme: ", "主题：")) }
                (themed)
            }
        }
    }
}

fn navigation(view: &View, viewer: &Viewer) -> Markup {
    let l = view.language;
    let entry = |place: &Place| {
        let is_here = view.here.starts_with(place.path);
        html! {
            li {
                a href=(place.path) aria-current=[is_here.then_some("page")] { (l.say(place.en, place.zh)) }
            }
        }
    };
    html! {
        nav.side aria-label=(l.say("Pages", "页面")) {
            ul { @for place in &PLACES { (entry(place)) } }
            @if viewer.administrator {
                h2.side-title { (l.say("Administration", "管理")) }
                ul { @for place in &ADMIN_PLACES { (entry(place)) } }
            }
        }
    }
}
