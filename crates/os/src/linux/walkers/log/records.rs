//! The log before printk had its ring buffer: records of `struct printk_log` (`struct log` before) one behind
//! the other in `log_buf`, from `log_first_idx` to `log_next_idx`.

use base::{Budget, Gap, Partial, ReadError, VirtAddr};

use super::{Form, LogRecord, MOST_BYTES, ReadLog};
use crate::linux::Kernel;

pub(super) static ENTRY: Form = Form { read };

/// Records of one log; the smallest takes 16 bytes.
const MOST: u64 = MOST_BYTES / 16;

fn read(kernel: &Kernel<'_>) -> Option<ReadLog> {
    kernel
        .known("log_first_idx")
        .map(|first| records(kernel, first))
}

fn records(kernel: &Kernel<'_>, first: u64) -> ReadLog {
    let space = kernel.space();
    let types = kernel.types();
    let layout = types
        .layout("struct printk_log")
        .or_else(|_| types.layout("struct log"))?;
    let member = |name: &str| layout.any(&[name]);
    let (time, length, text_length, level) = (
        member("ts_nsec")?,
        member("len")?,
        member("text_len")?,
        member("level")?,
    );
    let (buffer, size, next) = (
        kernel.symbol("log_buf")?,
        kernel.symbol("log_buf_len")?,
        kernel.symbol("log_next_idx")?,
    );
    let all = || {
        Ok((
            space.u64(buffer)?,
            u64::from(space.u32(size)?),
            u64::from(space.u32(VirtAddr(first))?),
            u64::from(space.u32(next)?),
        ))
    };
    let failed = |error: ReadError| Gap::new("the kernel log", error.to_string());
    let (buffer, size, first, next) = all().map_err(failed)?;
    let mut budget = Budget::new("records of the log", MOST);
    let (mut records, mut gaps, mut at) = (Vec::new(), Vec::new(), first);
    while at != next {
        if budget.spend(1).is_err() || at >= size {
            gaps.push(Gap::new(
                "the rest of the kernel log",
                "its records do not end",
            ));
            break;
        }
        let record = VirtAddr(buffer.wrapping_add(at));
        let one = || {
            let step = length.read(space, record)?;
            let text = VirtAddr(record.0.wrapping_add(layout.size()));
            let text = space.bytes(text, text_length.read(space, record)?)?;
            let record = LogRecord {
                sequence: None,
                nanoseconds: time.read(space, record)?,
                level: level.read(space, record)? as u8,
                text: String::from_utf8_lossy(&text).into_owned(),
            };
            Ok((step, record))
        };
        match one() {
            // A record without a length says that the rest is at the start.
            Ok((0, _)) if at == 0 => break,
            Ok((0, _)) => at = 0,
            Ok((step, record)) => {
                records.push(record);
                at += step;
            }
            Err(error) => {
                gaps.push(Gap::new(
                    "the rest of the kernel log",
                    ReadError::to_string(&error),
                ));
                break;
            }
        }
    }
    Ok(Partial {
        value: records,
        gaps,
    })
}
