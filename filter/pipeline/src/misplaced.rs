//! Parameters of lists on requests that cannot honour them: a write, a watch, an object.
//!
//! A parameter that narrows a list must not be dropped in silence where there is none: a
//! `DELETE` of a collection with `selector=` would delete all of it. KubeCube's own
//! parameters are let through with what is only read, since its clients send them there
//! and are answered; the strict ones, which KubeCube does not know, are refused
//! wherever they mean nothing. On KubeCube's form of path one whose name is wrong in nothing
//! but capitals is refused as well: it would narrow nothing, and no API server has it.

use cubegate_kube::{Ambiguous, ApiPath, Family, RequestInfo, ResourceInfo};
use cubegate_list::ListRequest;
use thiserror::Error;

use crate::RequestHead;

/// The verb of what goes to an application by an API server's old path.
const PROXY: &str = "proxy";

const LIST: &str = "list";

const WATCH: &str = "watch";

/// A parameter, and why it cannot be honoured.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Misplaced {
    #[error(
        "The parameter {0} chooses from a list that is read; this DELETE would take everything that the path names, whatever it says. Take it out, or choose with labelSelector and fieldSelector, which API servers apply to the deletion of a collection."
    )]
    Deletion(&'static str),
    #[error(
        "The parameter {parameter} is for lists that are read, and {method} changes something or runs it, whatever it says. Take it out."
    )]
    Write {
        parameter: &'static str,
        method: String,
    },
    #[error(
        "The parameter {0} is for lists; a watch gives every event whatever it says. Take it out, or choose with labelSelector and fieldSelector, which API servers apply to watches."
    )]
    Watch(&'static str),
    #[error(
        "The parameter {0} is for lists, and this path is none of a list. Take it out, or ask for the list; fieldSelector=metadata.name=… chooses one object of it."
    )]
    NoList(&'static str),
    #[error(
        "The parameter {0} works on a list that a GET asks for in JSON or as a Table in JSON. Ask so, with Accept: application/json and without watch or follow, or take it out and choose with labelSelector and fieldSelector."
    )]
    Form(&'static str),
    #[error(
        "The parameter continue begins in the middle of a list, and {0} is about the whole of it. Take one of them out; pageSize and pageNum lead through the pages."
    )]
    Middle(&'static str),
    #[error(
        "There is no parameter {name:?} of lists; {meant:?} is meant, and capitals count. Write it so, or take it out."
    )]
    Miswritten { name: String, meant: &'static str },
}

/// What is to be known of a request.
pub(crate) struct Placed<'a> {
    pub(crate) family: Family,
    pub(crate) head: &'a RequestHead,
    pub(crate) path: ApiPath<'a>,
    pub(crate) request: &'a ListRequest,
    /// Its answer becomes a page, if it is a list.
    pub(crate) is_page: bool,
}

// === impl Misplaced ===

impl Misplaced {
    /// Returns the first parameter of lists that this request cannot honour.
    pub(crate) fn find(placed: &Placed<'_>) -> Option<Self> {
        let Placed {
            head,
            path,
            request,
            ..
        } = *placed;
        if path.is_proxy_subresource() {
            // It is the application's.
            return None;
        }
        // Without one nothing can be in the wrong place.
        let query = head.query.as_deref();
        query?;
        match asked(&head.method, path, query) {
            RequestInfo::Resource(asked) if asked.verb == PROXY => None,
            RequestInfo::Resource(_) if !head.is_read() => {
                // By its name alone: a value that cannot be read narrows nothing either.
                match ListRequest::named_in(query.unwrap_or_default()) {
                    Some(parameter) => Some(Self::of_write(parameter, &head.method)),
                    None => placed.miswritten(),
                }
            }
            _ if request.is_filter_off => None,
            RequestInfo::Resource(asked) if [LIST, WATCH].contains(&asked.verb) => {
                placed.miswritten().or_else(|| placed.read(&asked))
            }
            RequestInfo::Resource(asked) => placed.read(&asked),
            // What else a server has that stands for an API server is its own.
            RequestInfo::NonResource { .. } if !path.is_of_api_server() => None,
            RequestInfo::NonResource { .. } => request.strict.map(Self::NoList),
        }
    }

    fn of_write(parameter: &'static str, method: &str) -> Self {
        if method == "DELETE" {
            Self::Deletion(parameter)
        } else {
            Self::Write {
                parameter,
                method: method.to_owned(),
            }
        }
    }
}

// === impl Placed ===

impl Placed<'_> {
    /// A parameter of ours in other capitals. By the other forms of path a client means an
    /// API server, which may have a parameter of that name one day.
    fn miswritten(&self) -> Option<Misplaced> {
        if self.family != Family::KubeCube {
            return None;
        }
        let query = self.head.query.as_deref().unwrap_or_default();
        let (name, meant) = ListRequest::miswritten_in(query)?;
        let name = name.chars().take(64).collect();
        Some(Misplaced::Miswritten { name, meant })
    }

    /// A resource is read.
    fn read(&self, asked: &ResourceInfo) -> Option<Misplaced> {
        let Self { head, request, .. } = *self;
        if self.path.is_watch(&head.method, head.query.as_deref()) {
            return request.choosing.map(Misplaced::Watch);
        }
        if asked.verb != LIST {
            return request.strict.map(Misplaced::NoList);
        }
        if !self.is_page {
            return request.strict.map(Misplaced::Form);
        }
        // Native options alone are nobody's but the API server's.
        let ours = request
            .asked
            .or(request.ours_present.then_some("isFilter"))?;
        request.continues.then_some(Misplaced::Middle(ours))
    }
}

/// Returns what is asked, whichever way it may be read.
fn asked(method: &str, path: ApiPath<'_>, query: Option<&str>) -> RequestInfo {
    match RequestInfo::of(method, path.0, query) {
        Ok(asked) => asked,
        Err(Ambiguous(asked)) => *asked,
    }
}
