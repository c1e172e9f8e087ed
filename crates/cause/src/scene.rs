//! What a detector sees: one event and what stands around it.

use base::LogEvent;

use crate::order::Order;
use crate::{LogFacts, Traced};

/// One event with the other events of the same boot of the same machine.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Everything that was read.
    pub facts: LogFacts<'a>,
    /// Which events belong to one boot.
    pub order: &'a Order,
    /// The event to explain.
    pub event: &'a LogEvent,
    /// Its number.
    pub index: u32,
    /// What the files of the code that ran tell of its bad pointer.
    pub traced: Option<&'a Traced>,
}

impl<'a> Scene<'a> {
    /// The other events of the same boot, in the order of the log.
    pub fn same_boot(&self) -> impl Iterator<Item = (u32, &'a LogEvent)> + use<'a> {
        let (order, index) = (self.order, self.index);
        (0u32..)
            .zip(self.facts.events)
            .filter(move |(other, _)| *other != index && order.same_boot(*other, index))
    }

    /// The events of the same boot that stand before it.
    pub fn before(&self) -> impl Iterator<Item = (u32, &'a LogEvent)> + use<'a> {
        let index = self.index;
        self.same_boot().filter(move |(other, _)| *other < index)
    }

    /// The events of the same boot that stand after it.
    pub fn after(&self) -> impl Iterator<Item = (u32, &'a LogEvent)> + use<'a> {
        let index = self.index;
        self.same_boot().filter(move |(other, _)| *other > index)
    }
}
