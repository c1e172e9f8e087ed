//! A page that is being written (`folio_wait_writeback`): the device, or the file system, must end it.

use base::Gap;

use super::{Kind, folio_lock};
use crate::linux::locks::Wanted;
use crate::linux::locks::survey::{Blocked, Survey};

pub(super) static ENTRY: Kind = Kind {
    name: "folio_writeback",
    waits_in: folio_lock::WAITS_IN,
    asked_by: &[],
    any_suffices: true,
    wait,
    state: folio_lock::state,
};

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    folio_lock::waits_for(survey, blocked, "writeback")
}
