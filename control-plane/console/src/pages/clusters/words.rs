//! How a cluster is, in words.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::ask::Refusal;
use crate::language::Language;

/// A credential that lasts for less is to be seen to.
pub(super) const FEW_DAYS: i64 = 14;

/// Returns the badge of a status: how it looks and what it says.
pub(super) fn status(l: Language, status: &str) -> (&'static str, &str) {
    match status {
        "normal" => ("good", l.say("Normal", "正常")),
        "abnormal" => ("bad", l.say("Abnormal", "异常")),
        "unknown" => ("", l.say("Not looked at yet", "尚未探测")),
        other => ("", other),
    }
}

/// Returns whether the control plane has looked at the cluster.
pub(super) fn is_known(status: &str) -> bool {
    status != "unknown"
}

/// Says by what a cluster was registered.
pub(super) fn source(l: Language, source: &str) -> &str {
    match source {
        "api" => l.say("by API or console", "通过接口或控制台"),
        "cli" => l.say("by the command line", "通过命令行"),
        "import" => l.say("by an import", "通过导入"),
        "folder" => l.say("from the folder of kubeconfigs", "来自 kubeconfig 目录"),
        "kubecube" => l.say("from KubeCube", "来自 KubeCube"),
        "kubesphere" => l.say("from KubeSphere", "来自 KubeSphere"),
        other => other,
    }
}

/// Returns whether only the source that a cluster comes from removes it.
pub(super) fn is_followed(source: &str) -> bool {
    matches!(source, "folder" | "kubecube" | "kubesphere")
}

/// Returns how many whole days there are until then; less than 0 when it is over.
pub(super) fn days_left(ends: &str, now: OffsetDateTime) -> Option<i64> {
    let left = OffsetDateTime::parse(ends, &Rfc3339).ok()? - now;
    Some(left.whole_seconds().div_euclid(86_400))
}

/// Says how many days are left.
pub(super) fn days(l: Language, days: i64) -> String {
    match days {
        0 => l.say("Less than a day", "不足 1 天").to_owned(),
        1 => l.say("1 day left", "剩余 1 天").to_owned(),
        days => l.tell("{} days left", "剩余 {} 天", days),
    }
}

/// Returns the refusal with what is said in words where the API names a parameter alone.
pub(super) fn refused(l: Language, refusal: &Refusal) -> Refusal {
    let message = match refusal.message.as_str() {
        "Param name is missing." => l.say(
            "Give the cluster a name: it stands in paths.",
            "请填写集群名称，它会出现在访问路径中。",
        ),
        "Param kubeconfig is missing." => l.say(
            "Paste a kubeconfig, or choose its file.",
            "请粘贴 kubeconfig 内容，或选择文件。",
        ),
        message if message.starts_with("cluster ") && message.ends_with(" exists.") => l.say(
            "There is a cluster of this name already. Remove it first, or choose another name.",
            "已存在同名集群。请先移除它，或使用其他名称。",
        ),
        message => message,
    };
    Refusal {
        status: refusal.status,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn days_are_whole_and_over_is_less_than_none() {
        let now = OffsetDateTime::parse("2030-01-31T12:00:00Z", &Rfc3339).unwrap();
        for (ends, left) in [
            ("2030-01-31T11:59:59Z", Some(-1)),
            ("2030-01-31T12:00:00Z", Some(0)),
            ("2030-02-01T11:59:59Z", Some(0)),
            ("2030-02-01T12:00:00Z", Some(1)),
            ("2030-02-14T12:00:00Z", Some(14)),
            ("soon", None),
        ] {
            assert_eq!(days_left(ends, now), left, "{ends}");
        }
        assert_eq!(days(Language::En, 0), "Less than a day");
        assert_eq!(days(Language::En, 13), "13 days left");
    }

    #[test]
    fn a_sentence_of_the_api_stays_and_a_parameter_becomes_one() {
        let told = |message: &str| {
            let refusal = Refusal {
                status: StatusCode::BAD_REQUEST,
                message: message.to_owned(),
            };
            refused(Language::En, &refusal).message
        };
        let sentence = "the API server does not answer: connection refused";
        assert_eq!(told(sentence), sentence);
        assert!(told("cluster member-1 exists.").starts_with("There is a cluster"));
        assert!(told("Param kubeconfig is missing.").starts_with("Paste"));
    }
}
