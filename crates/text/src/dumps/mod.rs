//! Machine state as kernels print it: registers, code bytes, fault addresses.

use base::LogEvent;

use crate::Line;

/// Reads the machine state in the lines of one event into `event`.
pub fn read(_lines: &[Line], _event: &mut LogEvent) {}
