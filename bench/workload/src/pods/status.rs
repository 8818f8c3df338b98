//! What the kubelet says of a pod.

use crate::json::Json;
use crate::random::Random;

use super::timestamp;
use super::workload::{Kind, Workload};

/// How a pod fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Running,
    Crashing,
    Waiting,
    Done,
}

/// The status of a pod on this node.
pub(super) fn draw(
    workload: &Workload,
    created: u64,
    node: u64,
    ip: &str,
    random: &mut Random,
) -> Json {
    let fate = match (workload.kind, random.below(100)) {
        (Kind::Job, 0..80) => Fate::Done,
        (_, 0..3) => Fate::Waiting,
        (_, 3..7) => Fate::Crashing,
        _ => Fate::Running,
    };
    let phase = match fate {
        Fate::Waiting => "Pending",
        Fate::Done => "Succeeded",
        Fate::Running | Fate::Crashing => "Running",
    };
    let since = created + random.between(2, 90);
    let ready = fate == Fate::Running;
    let host = format!("192.168.{}.{}", node / 64, 10 + node % 64);
    let containers = workload.spec.containers();
    Json::object([
        ("phase", phase.into()),
        (
            "conditions",
            Json::array([
                condition("Initialized", true, fate, created),
                condition("Ready", ready, fate, since),
                condition("ContainersReady", ready, fate, since),
                condition("PodScheduled", true, fate, created),
            ]),
        ),
        ("hostIP", host.into()),
        ("podIP", ip.to_owned().into()),
        (
            "podIPs",
            Json::array([Json::object([("ip", ip.to_owned().into())])]),
        ),
        ("startTime", timestamp(created)),
        (
            "containerStatuses",
            Json::array(
                containers.map(|(name, image)| container(name, image, fate, since, random)),
            ),
        ),
        ("qosClass", "Burstable".into()),
    ])
}

fn condition(kind: &'static str, holds: bool, fate: Fate, since: u64) -> Json {
    let condition = Json::object([
        ("type", kind.into()),
        ("status", if holds { "True".into() } else { "False".into() }),
        ("lastProbeTime", Json::Null),
        ("lastTransitionTime", timestamp(since)),
    ]);
    if holds {
        return condition;
    }
    match fate {
        Fate::Done => condition.with("reason", "PodCompleted".into()),
        _ => condition
            .with("reason", "ContainersNotReady".into())
            .with("message", "containers with unready status: [main]".into()),
    }
}

fn container(name: &str, image: &str, fate: Fate, since: u64, random: &mut Random) -> Json {
    let id = format!("containerd://{}", random.hex(64));
    let ended = |code: u64, reason: &'static str| {
        Json::object([(
            "terminated",
            Json::object([
                ("exitCode", code.into()),
                ("reason", reason.into()),
                ("startedAt", timestamp(since)),
                ("finishedAt", timestamp(since + 31)),
                ("containerID", id.clone().into()),
            ]),
        )])
    };
    let waiting = |reason: &'static str, message: String| {
        Json::object([(
            "waiting",
            Json::object([("reason", reason.into()), ("message", message.into())]),
        )])
    };
    let state = match fate {
        Fate::Running => {
            Json::object([("running", Json::object([("startedAt", timestamp(since))]))])
        }
        Fate::Crashing => waiting(
            "CrashLoopBackOff",
            format!("back-off 5m0s restarting failed container={name}"),
        ),
        Fate::Waiting => waiting(
            "ImagePullBackOff",
            format!("Back-off pulling image \"{image}\""),
        ),
        Fate::Done => ended(0, "Completed"),
    };
    let last_state = if fate == Fate::Crashing || random.percent(10) {
        ended(137, "OOMKilled")
    } else {
        Json::empty()
    };
    let restarts = match fate {
        Fate::Crashing => random.between(5, 2000),
        Fate::Running => random.below(4),
        Fate::Waiting | Fate::Done => 0,
    };
    let repository = image
        .rsplit_once(':')
        .map_or(image, |(repository, _)| repository);
    Json::object([
        ("name", name.to_owned().into()),
        ("state", state),
        ("lastState", last_state),
        ("ready", (fate == Fate::Running).into()),
        ("restartCount", restarts.into()),
        ("image", image.to_owned().into()),
        (
            "imageID",
            format!("{repository}@sha256:{}", random.hex(64)).into(),
        ),
        ("containerID", id.clone().into()),
        ("started", (fate == Fate::Running).into()),
    ])
}
