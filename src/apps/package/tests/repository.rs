//! Tests to come.
//! x
//! x
