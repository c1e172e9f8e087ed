//! What the compiled functions of a target do, typed by its debug info.
//!
//! `arch` knows one instruction, `debuginfo` knows names and types; here both come together over a whole
//! function: its control flow, where a value came from and what type it has, who stores to a member of a
//! structure, and under which conditions. Nothing here knows logs or dumps: values of registers are handed in.
