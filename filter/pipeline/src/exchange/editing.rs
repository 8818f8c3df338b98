//! An answer that is read whole and changed: an object without its secrets, and a
//! refusal in KubeSphere's words.

use cubegate_kube::{Family, ResourceInfo, forbidden};
use cubegate_list::Projection;

use crate::exchange::reviewing::RulesEdit;
use crate::exchange::{Exchange, Flow, State, internal};
use crate::memory::Share;
use crate::{Headers, Host, Reply};

/// What is kept of a request on one of KubeSphere's paths.
pub(super) struct KubeSphereRequest {
    /// Whose request it is.
    pub(super) caller: String,
    /// As whom the cluster was asked.
    pub(super) user: String,
    /// What was asked, as KubeSphere names it.
    pub(super) asked: ResourceInfo,
    /// The kind of the resource's objects.
    pub(super) kind: String,
    /// The object's name; `None` for a list.
    pub(super) name: Option<String>,
    /// What is left of the object.
    pub(super) projection: Projection,
    pub(super) takes_gzip: bool,
}

/// How an answer is changed.
pub(super) enum Edit {
    /// As KubeSphere gives it.
    KubeSphere(Box<KubeSphereRequest>),
    /// The rules of a caller with a bounded key.
    Rules(Box<RulesEdit>),
}

/// An answer that is being read.
pub(super) struct Editing {
    edit: Edit,
    status: u16,
    upstream: Headers,
    body: Vec<u8>,
    limit: usize,
    share: Share,
}

/// Longest refusal that is read, in bytes; those of API servers have some hundred.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

// === impl KubeSphereRequest ===

impl KubeSphereRequest {
    /// Returns whether an answer with this status is to be changed.
    pub(super) fn edits(&self, status: u16) -> bool {
        match status {
            200 => self.name.is_some() && !self.projection.is_identity(),
            403 => true,
            _ => false,
        }
    }

    /// Returns what a client of KubeSphere is told when there is nothing.
    pub(super) fn not_found(&self) -> Reply {
        match &self.name {
            Some(name) => Reply::object_not_found(&self.kind, name),
            // The cluster had such a resource when it was asked last.
            None => Reply::resource_not_supported(),
        }
    }

    fn edited(self, status: u16, upstream: &Headers, body: Vec<u8>) -> Reply {
        if status == 403 {
            if forbidden::is_of_user(&body, &self.user) {
                return Reply::forbidden(&forbidden::of_resource(&self.user, &self.asked));
            }
            return Reply::upstream(status, upstream, body);
        }
        match self.projection.apply(&body) {
            Ok(left) if upstream.is_json() => {
                Reply::upstream(status, upstream, left.into_owned()).compressed(self.takes_gzip)
            }
            // What cannot be read cannot be cleared of secrets.
            _ => Reply::error(
                Family::KubeSphere,
                502,
                "The cluster's answer is not the JSON object that was asked for.",
            ),
        }
    }
}

// === impl Edit ===

impl Edit {
    fn family(&self) -> Family {
        match self {
            Self::KubeSphere(_) => Family::KubeSphere,
            Self::Rules(rules) => rules.family,
        }
    }

    fn caller(&self) -> &str {
        match self {
            Self::KubeSphere(kubesphere) => &kubesphere.caller,
            Self::Rules(rules) => &rules.caller,
        }
    }

    fn edited(self, status: u16, upstream: &Headers, body: Vec<u8>) -> Reply {
        match self {
            Self::KubeSphere(kubesphere) => kubesphere.edited(status, upstream, body),
            Self::Rules(rules) => rules.edited(status, upstream, &body),
        }
    }
}

// === impl Exchange ===

impl Exchange {
    /// Holds an answer of this status, to change it.
    pub(super) fn edit(&mut self, edit: Edit, status: u16, upstream: Headers) -> Flow {
        let limit = match status {
            403 => MAX_REFUSAL_BYTES,
            _ => self.answers.limits.list.max_item_bytes,
        };
        let share = self.answers.share(edit.caller());
        self.state = State::Editing(Box::new(Editing {
            edit,
            status,
            upstream,
            body: Vec::new(),
            limit,
            share,
        }));
        Flow::Pause
    }

    /// More of it is there; `last` ends it.
    pub(super) fn on_edited_chunk(&mut self, host: &impl Host, size: usize, last: bool) -> Flow {
        let State::Editing(editing) = &mut self.state else {
            return Flow::Continue;
        };
        let family = editing.edit.family();
        let taken = match size {
            0 => Ok(()),
            // The chunk must not pile up in Envoy's buffer.
            size => host.response_chunk(size).and_then(|chunk| {
                editing.body.extend_from_slice(&chunk);
                host.replace_response_chunk(&[])
            }),
        };
        if let Err(error) = taken {
            let reply = internal(host, family, &error);
            return self.reply(host, &reply);
        }
        let read = editing.body.len();
        if read > editing.limit {
            let reply = Reply::error(
                family,
                502,
                format!(
                    "The cluster's answer is larger than {} bytes; ask the API server itself for this object, or raise the gateway's item limit.",
                    editing.limit
                ),
            );
            return self.reply(host, &reply);
        }
        if let Err(full) = editing.share.set(read) {
            return self.reply(host, &Reply::memory_full(family, full));
        }
        if last {
            self.finish_edit(host)
        } else {
            Flow::Pause
        }
    }

    /// Nothing more will come of it.
    pub(super) fn finish_edit(&mut self, host: &impl Host) -> Flow {
        let State::Editing(editing) = std::mem::replace(&mut self.state, State::Replied) else {
            return Flow::Pause;
        };
        let Editing {
            edit,
            status,
            upstream,
            body,
            share,
            ..
        } = *editing;
        drop(share);
        let family = edit.family();
        let reply = edit.edited(status, &upstream, body);
        self.reply_with(host, family, &reply)
    }
}
