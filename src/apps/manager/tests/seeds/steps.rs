//! What may happen, and a script of it from a seed: orders of a person, what befalls the cluster, what becomes of requests,
//! and who manages.
//! Not here: carrying a script out (`play`).

use super::cluster::Ail;
use super::line::Fault;
use fastrand::Rng;

/// What a person orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Makes the application first, where there is none.
    Start,
    StartEmpty,
    /// With a savepoint.
    Stop,
    Kill,
    Drain,
    Savepoint,
    /// The `n`th that is known; also the newest state.
    Dispose(usize, bool),
    /// To a version that is good or not.
    Upgrade {
        bad: bool,
    },
    Rollback,
    Restart,
    Delete,
}

/// What befalls the cluster, for so many ticks where it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Fails,
    Killed,
    Cancelled,
    /// YARN begins anew without a memory.
    Forgets,
    /// YARN begins anew with its memory.
    Recovers(u64),
    JobManagersBeginAnew,
    YarnAway(u64),
    HdfsAway(u64),
    FlinkAway(u64),
    HdfsFull(u64),
    /// What the next savepoint suffers.
    Ails(Ail),
}

/// One step of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Order(Order),
    Event(Event),
    /// After so many requests; and whether its manager is killed with it.
    Fault(usize, Fault, bool),
    /// So many ticks.
    Pass(u64),
    /// So many seconds at once.
    Jump(u64),
    /// The manager is killed between two rounds.
    Kill,
    /// The other node takes over, and this one does not notice.
    Elsewhere,
    /// Who did not notice goes on.
    Wake,
}

/// The script of a seed.
pub(super) fn script(seed: u64) -> Vec<Step> {
    let mut dice = Rng::with_seed(seed);
    let count = dice.usize(5..20);
    let mut steps = vec![Step::Order(Order::Start)];
    if dice.u8(..4) > 0 {
        steps.push(Step::Pass(dice.u64(1..6)));
    }
    for _ in 0..count {
        steps.push(step(&mut dice));
        if dice.bool() {
            steps.push(Step::Pass(dice.u64(1..4)));
        }
    }
    steps
}

fn step(dice: &mut Rng) -> Step {
    match dice.u8(..100) {
        0..38 => Step::Order(order(dice)),
        38..52 => Step::Event(event(dice)),
        52..84 => {
            let after = if dice.bool() { dice.usize(..12) } else { dice.usize(..80) };
            Step::Fault(after, fault(dice), dice.u8(..3) == 0)
        }
        84..92 => Step::Pass(dice.u64(1..6)),
        92..94 => Step::Jump(dice.u64(10..900)),
        94..96 => Step::Kill,
        96..98 => Step::Elsewhere,
        _ => Step::Wake,
    }
}

fn order(dice: &mut Rng) -> Order {
    match dice.u8(..24) {
        0..5 => Order::Start,
        5 => Order::StartEmpty,
        6..10 => Order::Stop,
        10..12 => Order::Kill,
        12 => Order::Drain,
        13..16 => Order::Savepoint,
        16..18 => Order::Dispose(dice.usize(..4), dice.bool()),
        18..20 => Order::Upgrade { bad: dice.bool() },
        20 => Order::Rollback,
        21..23 => Order::Restart,
        _ => Order::Delete,
    }
}

fn event(dice: &mut Rng) -> Event {
    let ticks = dice.u64(1..8);
    match dice.u8(..20) {
        0..4 => Event::Fails,
        4 => Event::Killed,
        5 => Event::Cancelled,
        6..8 => Event::Forgets,
        8..10 => Event::Recovers(ticks),
        10 => Event::JobManagersBeginAnew,
        11 => Event::YarnAway(ticks),
        12 => Event::HdfsAway(ticks),
        13 => Event::FlinkAway(ticks),
        14..16 => Event::HdfsFull(ticks),
        _ => Event::Ails(match dice.u8(..5) {
            0 => Ail::Fails,
            1 => Ail::Written,
            2 => Ail::Dies,
            3 => Ail::DiesWritten,
            _ => Ail::Hangs,
        }),
    }
}

fn fault(dice: &mut Rng) -> Fault {
    match dice.u8(..14) {
        0..3 => Fault::Lost,
        3..6 => Fault::Unheard,
        6..8 => Fault::Doubled,
        8..10 => Fault::Late(dice.usize(1..30)),
        10 => Fault::Cut,
        11..13 => Fault::Wrong(dice.usize(..6), dice.bool()),
        _ => Fault::Held,
    }
}
