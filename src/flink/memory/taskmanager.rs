//! The task manager's own memory: heaps and off-heap of framework and tasks, managed memory, the network's buffers.
//! Where the task heap is set, the network gets what is left; else the task heap does.
//! Not here: the JVM's own share (`process`).

use super::part::{Amount, Sizes, unreadable};
use super::process::{Inner, Parts, parts};
use super::{Model, Process, Refusal, print};

struct TaskManager;

pub(super) fn model(sizes: &Sizes<'_>) -> Result<Model, Refusal> {
    Ok(Model { process: Process::TaskManager, parts: parts(sizes, &TaskManager)? })
}

/// All parts but the sum.
struct All {
    framework_heap: Amount,
    framework_off_heap: Amount,
    task_heap: Amount,
    task_off_heap: Amount,
    managed: Amount,
    network: Amount,
}

impl All {
    fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("framework heap", self.framework_heap.bytes),
            ("framework off-heap", self.framework_off_heap.bytes),
            ("task heap", self.task_heap.bytes),
            ("task off-heap", self.task_off_heap.bytes),
            ("managed", self.managed.bytes),
            ("network", self.network.bytes),
        ]
    }

    fn sum(&self) -> u64 {
        self.named().iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    fn inner(self, flink: Amount) -> Inner {
        let parts = vec![
            self.framework_heap.part(2, "framework.heap.size", "framework heap"),
            self.task_heap.part(2, "task.heap.size", "task heap"),
            self.managed.part(2, "managed.size", "managed"),
            self.framework_off_heap.part(2, "framework.off-heap.size", "framework off-heap"),
            self.task_off_heap.part(2, "task.off-heap.size", "task off-heap"),
            self.network.part(2, "network", "network"),
        ];
        Inner { flink, parts }
    }

    /// What these leave of a sum that is set; one of them is still nothing.
    fn left(&self, sizes: &Sizes<'_>, flink: u64) -> Result<u64, Refusal> {
        let used = self.named();
        let parts: Vec<_> = used.into_iter().filter(|(_, bytes)| *bytes > 0).collect();
        match flink.checked_sub(self.sum()) {
            Some(left) => Ok(left),
            None => sizes.too_much(&parts, "Flink memory", flink),
        }
    }
}

/// Everything that neither leads nor follows.
fn fixed(sizes: &Sizes<'_>) -> Result<All, Refusal> {
    let nothing = || Amount::of(0, "");
    Ok(All {
        framework_heap: sizes.size("framework.heap.size")?,
        framework_off_heap: sizes.size("framework.off-heap.size")?,
        task_heap: nothing(),
        task_off_heap: sizes.size("task.off-heap.size")?,
        managed: nothing(),
        network: nothing(),
    })
}

/// The number of buffers counts only where no newer setting is.
fn buffers(sizes: &Sizes<'_>) -> Result<Option<Amount>, Refusal> {
    let newer = ["network.min", "network.max", "network.fraction"].iter().any(|name| sizes.set(name).is_some());
    let key = "taskmanager.network.numberOfBuffers";
    let Some(entry) = sizes.configuration.known(key).filter(|_| !newer) else { return Ok(None) };
    let number: u64 = entry.value.parse().map_err(|_| unreadable(entry))?;
    let segment = sizes.size("segment-size")?.bytes;
    let bytes = number.checked_mul(segment).ok_or_else(|| unreadable(entry))?;
    Ok(Some(Amount::of(bytes, format!("{number} buffers, set at {}", entry.origin))))
}

fn network(sizes: &Sizes<'_>, flink: u64) -> Result<Amount, Refusal> {
    match buffers(sizes)? {
        Some(amount) => Ok(amount),
        None => sizes.share("network")?.of(flink, "Flink memory"),
    }
}

/// The network gets what is left where heap, managed memory and the sum are set, and must be content with it.
fn left_for_network(sizes: &Sizes<'_>, all: &All, flink: &Amount) -> Result<Amount, Refusal> {
    let left = all.left(sizes, flink.bytes)?;
    match buffers(sizes)? {
        Some(amount) if amount.bytes != left => {
            let key = "taskmanager.network.numberOfBuffers";
            let what = format!("{} are left for the network, not {}", print(left), amount.why);
            return Err(Refusal { key: key.into(), what, remedy: format!("leave `{key}` out") });
        }
        Some(_) => {}
        None => {
            let share = sizes.share("network")?;
            if !(share.min..=share.max).contains(&left) {
                let [left, min, max] = [left, share.min, share.max].map(print);
                let what = format!("{left} are left for the network, which may have {min} to {max}");
                let remedy = "change the task heap, or leave it out: it follows from the others".to_owned();
                return Err(Refusal { key: sizes.key("task.heap.size"), what, remedy });
            }
        }
    }
    Ok(Amount::of(left, "what is left of the Flink memory"))
}

impl Parts for TaskManager {
    fn explicit(&self, sizes: &Sizes<'_>) -> Result<Option<Inner>, Refusal> {
        let (Some(task_heap), Some(managed)) = (sizes.given("task.heap.size")?, sizes.given("managed.size")?) else {
            return Ok(None);
        };
        let mut all = All { task_heap, managed, ..fixed(sizes)? };
        let Some(flink) = sizes.given("flink.size")? else {
            all.network = match buffers(sizes)? {
                Some(amount) => amount,
                None => sizes.share("network")?.beside(all.sum(), "Flink memory")?,
            };
            let sum = all.sum();
            return Ok(Some(all.inner(Amount::of(sum, "the sum of its parts"))));
        };
        all.network = left_for_network(sizes, &all, &flink)?;
        Ok(Some(all.inner(flink)))
    }

    fn within(&self, sizes: &Sizes<'_>, flink: Amount) -> Result<Inner, Refusal> {
        let mut all = fixed(sizes)?;
        all.managed = match sizes.given("managed.size")? {
            Some(managed) => managed,
            None => sizes.bounded("managed.fraction", 0, i64::MAX as u64)?.of(flink.bytes, "Flink memory")?,
        };
        if let Some(task_heap) = sizes.given("task.heap.size")? {
            all.task_heap = task_heap;
            all.network = left_for_network(sizes, &all, &flink)?;
            return Ok(all.inner(flink));
        }
        all.network = network(sizes, flink.bytes)?;
        all.task_heap = Amount::of(all.left(sizes, flink.bytes)?, "what is left of the Flink memory");
        Ok(all.inner(flink))
    }

    fn needed(&self) -> &'static str {
        "that of Flink's own part, nor task heap and managed memory"
    }
}
