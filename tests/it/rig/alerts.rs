//! What dispatch was told, as a test wants to read it.

use jiff::Timestamp;
use serde_json::Value;

use super::until;
use crate::dispatch::{Dispatch, Request};

/// One POST.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// As it came.
    pub(crate) request: Request,
    /// Its body.
    pub(crate) body: Value,
}

impl Told {
    fn of(request: Request) -> Self {
        let body = request.json();
        Self { request, body }
    }

    fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> &str {
        self.text("/id")
    }

    pub(crate) fn sequence(&self) -> &str {
        self.text("/sequence")
    }

    pub(crate) fn kind(&self) -> &str {
        self.text("/data/kind")
    }

    pub(crate) fn bed(&self) -> &str {
        self.text("/data/bed")
    }

    pub(crate) fn priority(&self) -> &str {
        self.text("/data/priority")
    }

    pub(crate) fn fault(&self) -> &str {
        self.text("/data/fault")
    }

    pub(crate) fn detail(&self) -> &str {
        self.text("/data/detail")
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.text("/data/time").parse().unwrap()
    }

    pub(crate) fn decided(&self) -> Timestamp {
        self.text("/data/decided").parse().unwrap()
    }

    pub(crate) fn not_before(&self) -> Option<Timestamp> {
        self.body.pointer("/data/not-before").map(|time| time.as_str().unwrap().parse().unwrap())
    }

    /// The ids of what it ends.
    pub(crate) fn closes(&self) -> Vec<&str> {
        let closes = self.body.pointer("/data/closes").and_then(Value::as_array);
        closes.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// Every POST so far, in the order in which they came, but for the gateway's `started`.
pub(crate) fn alerts(dispatch: &Dispatch) -> Vec<Told> {
    dispatch.requests().into_iter().map(Told::of).filter(|told| told.kind() != "started").collect()
}

/// Every POST behind the first so many, in the order in which they came.
pub(crate) fn told_since(dispatch: &Dispatch, count: usize) -> Vec<Told> {
    dispatch.requests_from(count).into_iter().map(Told::of).collect()
}

/// Waits for a POST of this kind about this bed ("" for the gateway), and returns the first.
#[track_caller]
pub(crate) fn wait_for(dispatch: &Dispatch, bed: &str, kind: &str) -> Told {
    wait_for_all(dispatch, bed, kind, 1).swap_remove(0)
}

/// Waits for so many POSTs of this kind about this bed, and returns all there are.
#[track_caller]
pub(crate) fn wait_for_all(dispatch: &Dispatch, bed: &str, kind: &str, count: usize) -> Vec<Told> {
    until(&format!("{count} {kind} of {bed:?}"), || {
        let mut found = alerts(dispatch);
        found.retain(|told| told.kind() == kind && told.bed() == bed);
        (found.len() >= count).then_some(found)
    })
}
