//! What both processes have in common: the whole, Flink's own part of it, and what the JVM needs besides.
//! One of three sizes leads: that of the heap, of Flink's own part, or of the whole; the others follow.
//! Not here: what Flink's own part is made of.

use super::part::{Amount, Part, Sizes};
use super::{Refusal, print};

/// Flink's own part, computed by whoever knows its parts.
pub(super) struct Inner {
    pub(super) flink: Amount,
    pub(super) parts: Vec<Part>,
}

/// How a process makes its own part.
pub(super) trait Parts {
    /// Out of explicit sizes, if all that are needed are set.
    fn explicit(&self, sizes: &Sizes<'_>) -> Result<Option<Inner>, Refusal>;
    /// Out of the size of Flink's own part.
    fn within(&self, sizes: &Sizes<'_>, flink: Amount) -> Result<Inner, Refusal>;
    /// What must be set, for the refusal of a file that sets none of it.
    fn needed(&self) -> &'static str;
}

/// All parts of a process.
pub(super) fn parts(sizes: &Sizes<'_>, inner: &dyn Parts) -> Result<Vec<Part>, Refusal> {
    if let Some(inner) = inner.explicit(sizes)? {
        return around(sizes, inner);
    }
    if let Some(flink) = sizes.given("flink.size")? {
        return around(sizes, inner.within(sizes, flink)?);
    }
    let Some(whole) = sizes.given("process.size")? else {
        let key = sizes.key("process.size");
        let what = format!("neither its whole size is set, nor {}", inner.needed());
        let remedy = format!("set `{key}`, the size of the whole process");
        return Err(Refusal { key, what, remedy });
    };
    let metaspace = sizes.size("jvm-metaspace.size")?;
    let overhead = sizes.share("jvm-overhead")?.of(whole.bytes, "process")?;
    let jvm = [("metaspace", metaspace.bytes), ("JVM overhead", overhead.bytes)];
    let used = metaspace.bytes.checked_add(overhead.bytes).filter(|used| *used <= whole.bytes);
    let Some(used) = used else { return sizes.too_much(&jvm, "process", whole.bytes) };
    let flink = Amount::of(whole.bytes - used, "what the JVM's own parts leave");
    let inner = inner.within(sizes, flink)?;
    Ok(together(whole, inner, metaspace, overhead))
}

/// The whole around a part that is known: if it is set, the JVM gets what is left and must be content with it.
fn around(sizes: &Sizes<'_>, inner: Inner) -> Result<Vec<Part>, Refusal> {
    let metaspace = sizes.size("jvm-metaspace.size")?;
    let share = sizes.share("jvm-overhead")?;
    let used = inner.flink.bytes.saturating_add(metaspace.bytes);
    let Some(whole) = sizes.given("process.size")? else {
        let overhead = share.beside(used, "process")?;
        let whole = used.checked_add(overhead.bytes).filter(|whole| *whole <= i64::MAX as u64);
        let parts = [("Flink", inner.flink.bytes), ("metaspace", metaspace.bytes), ("JVM overhead", overhead.bytes)];
        let Some(whole) = whole else {
            return sizes.too_much(&parts, "most that can be counted", i64::MAX as u64);
        };
        return Ok(together(Amount::of(whole, "the sum"), inner, metaspace, overhead));
    };
    if used > whole.bytes {
        let parts = [("Flink", inner.flink.bytes), ("metaspace", metaspace.bytes)];
        return sizes.too_much(&parts, "process", whole.bytes);
    }
    let left = whole.bytes - used;
    if !(share.min..=share.max).contains(&left) {
        let what = format!(
            "Flink's own {} and the metaspace of {} leave {} of {} for the JVM overhead, which may have {} to {}",
            print(inner.flink.bytes),
            print(metaspace.bytes),
            print(left),
            print(whole.bytes),
            print(share.min),
            print(share.max)
        );
        let remedy = "set the process's size alone, or the other sizes without it".to_owned();
        return Err(Refusal { key: sizes.key("process.size"), what, remedy });
    }
    Ok(together(whole, inner, metaspace, Amount::of(left, "what is left of the process")))
}

fn together(whole: Amount, inner: Inner, metaspace: Amount, overhead: Amount) -> Vec<Part> {
    let mut parts = vec![whole.part(0, "process.size", "process"), inner.flink.part(1, "flink.size", "Flink")];
    parts.extend(inner.parts);
    parts.push(metaspace.part(1, "jvm-metaspace.size", "JVM metaspace"));
    parts.push(overhead.part(1, "jvm-overhead", "JVM overhead"));
    parts
}
