//! The job manager's own memory: its heap, and what it holds outside of it.
//! Either the heap leads, or it gets what is left of Flink's own part.
//! Not here: the JVM's own share (`process`).

use super::part::{Amount, Part, Sizes};
use super::process::{Inner, Parts, parts};
use super::{Model, Process, Refusal, print};

struct JobManager;

pub(super) fn model(sizes: &Sizes<'_>) -> Result<Model, Refusal> {
    Ok(Model { process: Process::JobManager, parts: parts(sizes, &JobManager)? })
}

fn inner(flink: Amount, heap: Amount, off_heap: Amount) -> Inner {
    let parts: Vec<Part> = vec![heap.part(2, "heap.size", "JVM heap"), off_heap.part(2, "off-heap.size", "off-heap")];
    Inner { flink, parts }
}

impl Parts for JobManager {
    fn explicit(&self, sizes: &Sizes<'_>) -> Result<Option<Inner>, Refusal> {
        let Some(heap) = sizes.given("heap.size")? else { return Ok(None) };
        let off_heap = sizes.size("off-heap.size")?;
        let Some(flink) = sizes.given("flink.size")? else {
            let flink = heap.bytes.saturating_add(off_heap.bytes);
            return Ok(Some(inner(Amount::of(flink, "heap and off-heap"), heap, off_heap)));
        };
        let Some(left) = flink.bytes.checked_sub(heap.bytes) else {
            return sizes.too_much(&[("heap", heap.bytes)], "Flink memory", flink.bytes);
        };
        if sizes.set("off-heap.size").is_some() && left != off_heap.bytes {
            let what = format!(
                "heap {} and off-heap {} do not make the Flink memory of {}",
                print(heap.bytes),
                print(off_heap.bytes),
                print(flink.bytes)
            );
            let remedy = "leave one of the three out: it follows from the others".to_owned();
            return Err(Refusal { key: sizes.key("flink.size"), what, remedy });
        }
        Ok(Some(inner(flink, heap, Amount::of(left, "what the heap leaves"))))
    }

    fn within(&self, sizes: &Sizes<'_>, flink: Amount) -> Result<Inner, Refusal> {
        let off_heap = sizes.size("off-heap.size")?;
        // Flink demands a heap, however small.
        let Some(left) = flink.bytes.checked_sub(off_heap.bytes).filter(|left| *left > 0) else {
            return sizes.too_much(&[("off-heap", off_heap.bytes)], "Flink memory", flink.bytes);
        };
        Ok(inner(flink, Amount::of(left, "what off-heap leaves"), off_heap))
    }

    fn needed(&self) -> &'static str {
        "that of Flink's own part, nor its heap"
    }
}
