//! The rules of the queue: one by one, and all of them under random outcomes.

mod bound;
mod channels;
mod closing;
mod life;
mod order;
mod rechannel;

use std::time::Duration;

use super::*;
use crate::dispatch::settings::Order;
use crate::model::fault::MatFault;
use crate::model::{Event, Kind};

const SECOND: Duration = Duration::from_secs(1);

fn now(seconds: u64) -> Now {
    let start = Now::recorded("2026-01-15T23:00:00Z".parse().unwrap());
    let moment = start.moment + Duration::from_secs(seconds);
    Now { moment, utc: start.utc_of(moment), trusted: true }
}

fn alert(sequence: u64, bed: &str, kind: Kind) -> Alert {
    let priority = kind.priority();
    let event = Event { bed: Some(bed.parse().unwrap()), ..Event::of_gateway(kind, &now(0)) };
    let id = AlertId::from_entropy(u128::from(sequence));
    Alert { id, sequence: Sequence(sequence), event, priority, text: String::new(), closes: Vec::new() }
}

fn closing(sequence: u64, bed: &str, closes: &[u64]) -> Alert {
    let closes = closes.iter().map(|closed| AlertId::from_entropy(u128::from(*closed))).collect();
    Alert { closes, ..alert(sequence, bed, Kind::Return) }
}

fn queue(order: Order, channels: usize) -> Queue {
    let delivery = Delivery { order, ..Delivery::default() };
    Queue::new(delivery, ["first", "second", "third"].into_iter().take(channels))
}

fn attempts(queue: &mut Queue, at: u64) -> Vec<Attempt> {
    std::iter::from_fn(|| queue.next_attempt(now(at).moment)).collect()
}

fn places(attempts: &[Attempt]) -> Vec<(u64, usize)> {
    attempts.iter().map(|attempt| (attempt.alert.sequence.0, attempt.channel)).collect()
}

fn one(queue: &mut Queue, at: u64) -> Attempt {
    let mut all = attempts(queue, at);
    assert_eq!(all.len(), 1, "{:?}", places(&all));
    all.remove(0)
}

fn accepted() -> Outcome {
    Outcome::Accepted { reference: None }
}

fn reports(queue: &mut Queue) -> Vec<Report> {
    std::iter::from_fn(|| queue.next_report()).collect()
}

fn delivered(queue: &mut Queue) -> Vec<u64> {
    let told = |report| if let Report::Delivered { sequence, .. } = report { Some(sequence.0) } else { None };
    reports(queue).into_iter().filter_map(told).collect()
}
