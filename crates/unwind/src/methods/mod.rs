//! The rules by which a caller is found, the surest first.

use crate::walk::Method;

base::registry! {
    /// In the order of trust.
    pub(crate) static METHODS: [Method] = [orc, cfi, bad_call, frame_pointer, search];
}
