//! Numbers in either byte order.

/// The order of bytes in a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The lowest byte first.
    #[default]
    Little,
    /// The highest byte first.
    Big,
}

/// Bytes that are written number by number.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) order: Order,
}

impl Writer {
    pub(crate) fn new(order: Order) -> Self {
        Writer {
            bytes: Vec::new(),
            order,
        }
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes.extend(match self.order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        });
        self
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes.extend(match self.order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        });
        self
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes.extend(match self.order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        });
        self
    }

    /// A text in a room of its own, cut and filled with zeroes.
    pub(crate) fn text(&mut self, text: &str, room: usize) -> &mut Self {
        let end = self.bytes.len() + room;
        self.bytes.extend(text.bytes().take(room.saturating_sub(1)));
        self.fill(end)
    }

    /// Zeroes up to an offset.
    pub(crate) fn fill(&mut self, end: usize) -> &mut Self {
        self.bytes.resize(end.max(self.bytes.len()), 0);
        self
    }
}
