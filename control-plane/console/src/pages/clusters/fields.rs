//! What is asked about a new cluster.

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::form::Fields;
use crate::language::Language;

/// What stands in the form.
#[derive(Debug, Clone, Default)]
pub(super) struct ClusterFields {
    pub(super) name: String,
    kubeconfig: String,
    context: String,
}

// === impl ClusterFields ===

impl ClusterFields {
    pub(super) fn typed(fields: &Fields) -> Self {
        Self {
            name: fields.get("name").to_owned(),
            kubeconfig: fields.exact("kubeconfig").to_owned(),
            context: fields.get("context").to_owned(),
        }
    }

    /// Returns what the API takes, to try a cluster and to add it.
    pub(super) fn body(&self) -> Value {
        let context = (!self.context.is_empty()).then_some(&self.context);
        json!({ "name": self.name, "kubeconfig": self.kubeconfig, "context": context })
    }

    /// Returns the fields; `contexts` are those that the kubeconfig is known to have.
    pub(super) fn markup(&self, l: Language, contexts: &[String]) -> Markup {
        html! {
            div.field {
                label for="name" { (l.say("Name", "名称")) }
                input #name name="name" value=(self.name) required maxlength="253" autocomplete="off"
                    autocapitalize="none" spellcheck="false" aria-describedby="name-hint";
                p.hint #name-hint {
                    (l.say(
                        "It stands in paths: small letters, digits, hyphens and dots.",
                        "会出现在访问路径中，只能使用小写字母、数字、连字符和点。",
                    ))
                }
            }
            div.field {
                label for="kubeconfig" { "Kubeconfig" }
                textarea #kubeconfig name="kubeconfig" required rows="12" autocomplete="off" spellcheck="false"
                    data-file="kubeconfig-file" aria-describedby="kubeconfig-hint" { (self.kubeconfig) }
                p.hint #kubeconfig-hint {
                    (l.say(
                        "Paste it, or drop the file here. Certificates and tokens must stand in it, not paths of files.",
                        "粘贴内容或将文件拖放到此处。证书和令牌必须内嵌在其中，不能是文件路径。",
                    ))
                }
            }
            div.field hidden {
                label for="kubeconfig-file" { (l.say("Or choose the file", "或选择文件")) }
                input #kubeconfig-file type="file" accept=".yaml,.yml,.json,.conf,.kubeconfig,text/plain";
            }
            div.field {
                label for="context" { "Context" }
                input #context name="context" value=(self.context) list="contexts" autocomplete="off" spellcheck="false"
                    aria-describedby="context-hint";
                datalist #contexts { @for context in contexts { option value=(context) {} } }
                p.hint #context-hint {
                    (l.say("Empty is its current-context.", "留空则使用 current-context。"))
                    @if contexts.len() > 1 {
                        " " (l.tell("It has: {}.", "可选：{}。", contexts.join(l.say(", ", "、"))))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_that_is_not_named_is_not_asked_for() {
        let body = |form: &str| ClusterFields::typed(&Fields::parse(form.as_bytes())).body();
        let plain = body("name=+a+&kubeconfig=+x%0A&context=");
        assert_eq!(
            plain,
            json!({ "name": "a", "kubeconfig": " x\n", "context": null })
        );
        let named = body("name=a&kubeconfig=x&context=c");
        assert_eq!(named["context"], "c");
    }
}
