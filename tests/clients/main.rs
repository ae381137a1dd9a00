//! The published mirror as ordinary clients see it: each is the real one, and none is ours.
//! A test that lacks its client says so in one line and is left out; servers listen on loopback.
//! Not here: how the mirror is made, or what only a node shows (`tests/nodes`).

/// Says in one line what was left out and why, past the runner's capture, which hides what a passing test prints.
macro_rules! left_out {
    ($($said:tt)*) => {
        drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("left out: {}\n", format_args!($($said)*))))
    };
}

mod python;
