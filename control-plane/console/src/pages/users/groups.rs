//! The groups of a user, on its page.

use cubegate_api_types::cube::UserGroups;
use maud::{Markup, html};

use crate::language::Language;
use crate::parts;
use crate::view::View;

/// The group whose members manage the gateway.
const ADMINS: &str = "cubegate:admins";

/// Returns the groups, each with a way out of it, and the form for another one with what was
/// typed into it.
pub(super) fn card(view: &View, here: &str, groups: &UserGroups, typed: &str) -> Markup {
    let l = view.language;
    html! {
        div.card {
            p {
                (l.say("The user's tokens carry these groups beside ", "该用户的令牌包含以下用户组，以及 "))
                code { "kubecube" }
                (l.say(". Clusters bind roles to them.", "。集群可以为用户组绑定角色。"))
            }
            @if groups.items.is_empty() {
                p.muted { (l.say("The user is in no group.", "该用户不属于任何用户组。")) }
            } @else {
                (table(view, here, groups))
            }
            form method="post" action=(here) {
                (parts::proof(view))
                input type="hidden" name="do" value="add-group";
                div.field {
                    label for="group" { (l.say("Put into the group", "加入用户组")) }
                    input #group name="group" value=(typed) required maxlength="253" autocomplete="off"
                        autocapitalize="none" spellcheck="false" aria-describedby="group-hint";
                    p.hint #group-hint {
                        code { (ADMINS) }
                        (l.say(" manages the gateway: users, clusters, Envoys and audit.", " 的成员可以管理网关：用户、集群、Envoy 节点和审计。"))
                    }
                }
                div.actions { button type="submit" { (l.say("Add", "加入")) } }
            }
        }
    }
}

fn table(view: &View, here: &str, groups: &UserGroups) -> Markup {
    let l = view.language;
    let label = l.say("Groups of the user", "该用户的用户组");
    parts::table(
        label,
        &[l.say("Group", "用户组"), l.say("Actions", "操作")],
        html! { @for group in &groups.items { (row(view, l, here, group)) } },
    )
}

fn row(view: &View, l: Language, here: &str, group: &str) -> Markup {
    let fields = [("do", "remove-group"), ("group", group)];
    html! {
        tr {
            th scope="row" {
                span.mono { (group) }
                @if group == ADMINS { " " span.badge.warn { (l.say("Administrator", "管理员")) } }
            }
            td.row-actions { (parts::small_button(view, here, &fields, l.say("Remove", "移出"), group)) }
        }
    }
}
