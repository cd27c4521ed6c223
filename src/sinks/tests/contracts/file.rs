use super::{Contract, stdout};

/// A line of standard output, somewhere else.
pub const CONTRACT: Contract = stdout::CONTRACT;
