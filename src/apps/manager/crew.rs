//! Which component is looked after next: none by two at a time, and no owner's by so many that others wait for him.
//! Pure: tasks go in, and the next one comes out.
//! Not here: what is done with it, and on which thread.

use crate::journal::Key;
use crate::observe::Listed;
use std::collections::{BTreeMap, VecDeque};
use words::names::Word;

/// Components that are looked after at the same time.
pub(super) const WORKERS: usize = 8;
/// So many of them of one owner: what hangs of his holds up his own.
const SHARE: usize = 3;

/// A component to be looked after.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) of: Key,
    pub(super) owner: Word,
    /// What YARN said of its run, and the number of the journal's last record when it was asked.
    pub(super) listed: (u64, Listed),
}

/// Tasks that wait, and who is looked after.
#[derive(Debug, Default)]
pub(super) struct Crew {
    waiting: VecDeque<Task>,
    busy: BTreeMap<Key, Word>,
}

impl Crew {
    /// A round's tasks take the place of those that wait, and their places: whoever waits longest comes first. An order about
    /// what is looked after now goes on waiting for its end.
    pub(super) fn renew(&mut self, tasks: Vec<Task>) {
        let mut tasks: BTreeMap<Key, Task> = tasks.into_iter().map(|task| (task.of.clone(), task)).collect();
        let left: Vec<Task> = self.waiting.drain(..).filter_map(|task| tasks.remove(&task.of)).collect();
        let others = tasks.into_values().filter(|task| !self.busy.contains_key(&task.of));
        self.waiting.extend(left.into_iter().chain(others));
    }

    /// One that somebody waits for.
    pub(super) fn urge(&mut self, task: Task) {
        self.waiting.retain(|other| other.of != task.of);
        self.waiting.push_front(task);
    }

    /// The next task; its component is looked after until `done`.
    pub(super) fn take(&mut self) -> Option<Task> {
        let is_free = |task: &Task| {
            let of_owner = self.busy.values().filter(|owner| **owner == task.owner).count();
            // One place is kept for whoever has none.
            let has_room = of_owner == 0 || (of_owner < SHARE && self.busy.len() + 1 < WORKERS);
            has_room && !self.busy.contains_key(&task.of)
        };
        let at = self.waiting.iter().position(is_free)?;
        let task = self.waiting.remove(at)?;
        self.busy.insert(task.of.clone(), task.owner.clone());
        Some(task)
    }

    /// Whether nobody is looked after.
    pub(super) fn is_idle(&self) -> bool {
        self.busy.is_empty()
    }

    /// A component is not looked after any more.
    pub(super) fn done(&mut self, of: &Key) {
        self.busy.remove(of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::names::{ApplicationName, ComponentName};

    fn task(owner: &str, name: &str) -> Task {
        let (application, component) = (ApplicationName::new(name).unwrap(), ComponentName::new("c").unwrap());
        Task { of: Key { application, component }, owner: Word::new(owner).unwrap(), listed: (0, Listed::Ask) }
    }

    fn taken(crew: &mut Crew) -> Vec<String> {
        std::iter::from_fn(|| crew.take()).map(|task| task.of.application.to_string()).collect()
    }

    #[test]
    fn one_owner_takes_a_share_and_others_go_on() {
        let mut crew = Crew::default();
        let of_alice = (0..9).map(|at| task("alice", &format!("a{at}")));
        crew.renew(of_alice.chain([task("bob", "b0")]).collect());
        assert_eq!(taken(&mut crew), ["a0", "a1", "a2", "b0"]);
        crew.done(&task("alice", "a1").of);
        assert_eq!(taken(&mut crew), ["a3"]);
    }

    #[test]
    fn a_few_owners_leave_a_place_for_another_one() {
        let mut crew = Crew::default();
        let of = |owner: &str| (0..5).map(|at| task(owner, &format!("{owner}{at}"))).collect::<Vec<_>>();
        crew.renew(["alice", "bob", "carol"].into_iter().flat_map(of).collect());
        assert_eq!(taken(&mut crew).len(), WORKERS - 1);
        crew.urge(task("dave", "d0"));
        assert_eq!(taken(&mut crew), ["d0"]);
    }

    #[test]
    fn nobody_is_looked_after_twice_and_who_was_left_comes_first() {
        let mut crew = Crew::default();
        crew.renew((0..5).map(|at| task("alice", &format!("a{at}"))).collect());
        assert_eq!(taken(&mut crew), ["a0", "a1", "a2"]);
        crew.renew((0..5).map(|at| task("alice", &format!("a{at}"))).collect());
        (0..3).for_each(|at| crew.done(&task("alice", &format!("a{at}")).of));
        assert_eq!(taken(&mut crew), ["a3", "a4"], "those of the round before are busy when it begins");
        crew.done(&task("alice", "a3").of);
        // An order about what is looked after waits for its end, and comes before all else.
        crew.urge(task("alice", "a5"));
        crew.urge(task("alice", "a4"));
        assert_eq!(taken(&mut crew), ["a5"]);
        crew.done(&task("alice", "a4").of);
        assert_eq!(taken(&mut crew), ["a4"]);
    }

    #[test]
    fn nobody_waits_for_ever_where_no_round_is_finished() {
        let mut crew = Crew::default();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..5 {
            crew.renew((0..5).map(|at| task(&format!("owner{at}"), &format!("a{at}"))).collect());
            for _ in 0..2 {
                let Some(task) = crew.take() else { continue };
                crew.done(&task.of);
                seen.insert(task.of.application.to_string());
            }
        }
        assert_eq!(seen.len(), 5, "{seen:?}");
    }

    #[test]
    fn an_order_about_what_is_looked_after_outlives_the_next_round() {
        let mut crew = Crew::default();
        crew.renew(vec![task("alice", "a0")]);
        assert_eq!(taken(&mut crew), ["a0"]);
        crew.urge(task("alice", "a0"));
        crew.renew(vec![task("alice", "a0")]);
        crew.done(&task("alice", "a0").of);
        assert_eq!(taken(&mut crew), ["a0"]);
        crew.done(&task("alice", "a0").of);
        crew.urge(task("alice", "gone"));
        crew.renew(vec![task("alice", "a0")]);
        assert_eq!(taken(&mut crew), ["a0"], "what is not there any more is not looked after");
    }
}
