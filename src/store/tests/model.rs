//! The store against a plain map: whatever is appended, delivered, kept and reopened, both hold the same.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Action {
    Append { sequence: u64, bytes: usize, state: Option<u8> },
    Deliver { sequence: u64 },
    Keep { key: u8, bytes: usize },
    Journal,
    Reopen,
}

fn action() -> impl Strategy<Value = Action> {
    let sequence = 1..60_u64;
    let append = (sequence.clone(), prop_oneof![4 => 0..300_usize, 1 => 0..30_000_usize], prop::option::of(0..3_u8));
    prop_oneof![
        6 => append.prop_map(|(sequence, bytes, state)| Action::Append { sequence, bytes, state }),
        3 => sequence.prop_map(|sequence| Action::Deliver { sequence }),
        2 => (0..4_u8, 0..5_000_usize).prop_map(|(key, bytes)| Action::Keep { key, bytes }),
        1 => Just(Action::Journal),
        1 => Just(Action::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    alerts: BTreeMap<u64, Alert>,
    states: BTreeMap<String, Vec<u8>>,
    first: u64,
}

impl Model {
    fn check(&mut self, recovered: &Recovered, health: &Health) {
        let alerts: Vec<_> = self.alerts.values().cloned().collect();
        assert_eq!(recovered.alerts, alerts);
        assert_eq!(recovered.states, self.states);
        assert_eq!(health.undelivered, alerts.len() as u64);
        assert_eq!(recovered.notes, Vec::<String>::new());
        assert!(recovered.sequence.0 > self.first);
        self.first = recovered.sequence.0;
    }
}

async fn run(actions: Vec<Action>) {
    let folder = tempfile::tempdir().unwrap();
    let mut model = Model::default();
    let (mut store, _) = open(folder.path()).await;
    let mut receipts = Vec::new();
    for action in actions.into_iter().chain([Action::Reopen]) {
        match action {
            Action::Append { sequence, bytes, state } => {
                let alert = Alert { text: "x".repeat(bytes), ..alert(sequence) };
                let state = state.map(|key| (format!("bed-{key}"), sequence.to_be_bytes().to_vec()));
                receipts.push(store.append(&alert, state.as_ref().map(|(key, value)| (key.as_str(), value.clone()))));
                model.alerts.insert(sequence, alert);
                model.states.extend(state);
            }
            Action::Deliver { sequence } => {
                store.delivered(delivered(sequence));
                model.alerts.remove(&sequence);
            }
            Action::Keep { key, bytes } => {
                let (key, value) = (format!("bed-{key}"), vec![key; bytes]);
                receipts.push(store.keep(&key, value.clone()));
                model.states.insert(key, value);
            }
            Action::Journal => store.journal(&alert(1).event),
            Action::Reopen => {
                close(store).await;
                for receipt in receipts.drain(..) {
                    within(receipt).await.unwrap();
                }
                let recovered;
                (store, recovered) = open(folder.path()).await;
                let health = store.health().borrow().clone();
                model.check(&recovered, &health);
            }
        }
    }
    close(store).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn holds_what_a_map_would_hold(actions in prop::collection::vec(action(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(run(actions));
    }
}
