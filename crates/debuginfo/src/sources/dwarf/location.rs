//! Where a value is: DWARF expressions (2.5, 2.6) turned into places and values over registers.

use std::ops::Range;

use arch::{Expr, Op, Reg, extend};
use base::Budget;
use gimli::{AttributeValue, Expression, Operation, UnitOffset, constants as dw};

use super::entry::Entry;
use super::{Dwarf, Slice, Unit};
use crate::error::Result;
use crate::function::{CFA, Where};

/// Operations of one expression that are followed.
const MOST_OPERATIONS: usize = 256;

/// Parts that one value may have: `DW_OP_dup` could double it with every operation.
const LARGEST_VALUE: usize = 64;

/// Expressions within expressions.
const DEEPEST: usize = 4;

/// What an expression may refer to outside itself.
pub(super) struct Frame<'f, 'a> {
    pub(super) unit: &'f Unit<'a>,
    /// `DW_AT_frame_base` of the function.
    pub(super) base: Option<Expression<Slice<'a>>>,
}

/// An item of the expression's stack.
#[derive(Clone)]
struct Item {
    value: Expr,
    /// Numbers, registers and operations in it.
    parts: usize,
    /// Whether it depends on registers as they are now.
    on_now: bool,
    /// Whether it depends on registers as they were when the function was entered.
    on_entry: bool,
}

impl Item {
    fn constant(value: u64) -> Self {
        Item {
            value: Expr::Const(value),
            parts: 1,
            on_now: false,
            on_entry: false,
        }
    }

    fn register(register: Reg, offset: i64) -> Self {
        Item {
            value: Expr::at(register, offset),
            parts: 2,
            on_now: true,
            on_entry: false,
        }
    }

    fn with(self, parts: usize, make: impl FnOnce(Expr) -> Expr) -> Self {
        Item {
            value: make(self.value),
            parts: self.parts + parts,
            ..self
        }
    }
}

/// Why an expression ends without a place.
type Failed = &'static str;

impl<'a> Dwarf<'a> {
    /// The places of a variable: of `DW_AT_location`, else of `DW_AT_const_value`.
    pub(super) fn places(
        &self,
        frame: &Frame<'_, 'a>,
        entry: &Entry<'a>,
        budget: &mut Budget,
    ) -> Result<Vec<(Range<u64>, Where)>> {
        let unit = frame.unit;
        let at = unit.range.start.saturating_add(entry.offset().0);
        let wrong = |error| self.wrong(at, error);
        let mut places = Vec::new();
        match entry.attr_value(dw::DW_AT_location) {
            Some(AttributeValue::Exprloc(expression)) => {
                places.push((0..u64::MAX, self.place(frame, &expression)));
            }
            Some(value) => {
                let list = self
                    .inner
                    .attr_locations(&unit.inner, value)
                    .map_err(wrong)?;
                if let Some(mut list) = list {
                    while let Some(item) = list.next().map_err(wrong)? {
                        budget
                            .spend(1)
                            .map_err(|error| self.bad(at, error.to_string()))?;
                        if item.range.begin < item.range.end {
                            let range = item.range.begin..item.range.end;
                            places.push((range, self.place(frame, &item.data)));
                        }
                    }
                }
            }
            None => {
                if let Some(value) = self.constant(entry) {
                    places.push((0..u64::MAX, Where::Constant(value)));
                }
            }
        }
        Ok(places)
    }

    fn constant(&self, entry: &Entry<'a>) -> Option<u64> {
        match entry.attr_value(dw::DW_AT_const_value)? {
            AttributeValue::Block(bytes) => self.small(bytes.slice()),
            value => value
                .udata_value()
                .or_else(|| value.sdata_value().map(|value| value as u64)),
        }
    }

    /// The number in a block of at most eight bytes.
    fn small(&self, bytes: &[u8]) -> Option<u64> {
        let shifted = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        match (bytes.len(), self.endian) {
            (0 | 9.., _) => None,
            (_, base::Endian::Big) => Some(bytes.iter().fold(0, shifted)),
            (_, base::Endian::Little) => Some(bytes.iter().rev().fold(0, shifted)),
        }
    }

    /// Where an expression says that something is.
    pub(super) fn place(&self, frame: &Frame<'_, 'a>, expression: &Expression<Slice<'a>>) -> Where {
        self.evaluate(frame, expression, memory, 0)
            .unwrap_or_else(Where::Other)
    }

    /// The value that an expression computes.
    pub(super) fn computed(
        &self,
        frame: &Frame<'_, 'a>,
        expression: &Expression<Slice<'a>>,
    ) -> Where {
        self.evaluate(frame, expression, value, 0)
            .unwrap_or_else(Where::Other)
    }

    fn evaluate(
        &self,
        frame: &Frame<'_, 'a>,
        expression: &Expression<Slice<'a>>,
        finish: fn(Item) -> std::result::Result<Where, Failed>,
        depth: usize,
    ) -> std::result::Result<Where, Failed> {
        if depth > DEEPEST {
            return Err("expressions are nested too deep");
        }
        let mut stack: Vec<Item> = Vec::new();
        let mut pieces = Vec::new();
        // What the operations so far say where there is no doubt: a register, a constant.
        let mut done: Option<Where> = None;
        let mut is_empty = true;
        let mut operations = expression.operations(frame.unit.inner.encoding());
        for _ in 0..MOST_OPERATIONS {
            let operation = match operations.next() {
                Ok(Some(operation)) => operation,
                Ok(None) => {
                    let whole = match (done, stack.pop()) {
                        (Some(done), _) => done,
                        (None, Some(item)) => finish(item)?,
                        (None, None) if is_empty => Where::Unavailable,
                        (None, None) if pieces.is_empty() => {
                            return Err("an expression without a value");
                        }
                        (None, None) => return Ok(Where::Pieces(pieces)),
                    };
                    return match pieces.is_empty() {
                        true => Ok(whole),
                        false => Err("a part behind the last one"),
                    };
                }
                Err(_) => return Err("an expression that cannot be read"),
            };
            is_empty = false;
            match operation {
                Operation::Register { register } => {
                    let register = self.register(register).ok_or("a register without a name")?;
                    done = Some(Where::Register(register));
                }
                Operation::ImplicitValue { data } => {
                    let value = self.small(data.slice()).ok_or("a constant of many bytes")?;
                    done = Some(Where::Constant(value));
                }
                Operation::StackValue => {
                    done = Some(value(stack.pop().ok_or("a value is missing")?)?);
                }
                Operation::ImplicitPointer { .. } => {
                    return Err("the address of an object that exists only in parts");
                }
                Operation::Piece { size_in_bits, .. } => {
                    let piece = match (done.take(), stack.pop()) {
                        (Some(done), _) => done,
                        (None, Some(item)) => finish(item)?,
                        (None, None) => Where::Unavailable,
                    };
                    pieces.push((size_in_bits, piece));
                    stack.clear();
                }
                operation => self.step(frame, operation, &mut stack, depth)?,
            }
            if stack.last().is_some_and(|item| item.parts > LARGEST_VALUE) || stack.len() > 64 {
                return Err("an expression that is too large");
            }
        }
        Err("an expression that is too long")
    }

    /// An operation that only changes the stack (2.5.1).
    fn step(
        &self,
        frame: &Frame<'_, 'a>,
        operation: Operation<Slice<'a>>,
        stack: &mut Vec<Item>,
        depth: usize,
    ) -> std::result::Result<(), Failed> {
        const MISSING: Failed = "an operand is missing";
        let binary = |stack: &mut Vec<Item>, op: Op| {
            let (b, a) = (stack.pop().ok_or(MISSING)?, stack.pop().ok_or(MISSING)?);
            stack.push(Item {
                value: combine(op, a.value, b.value),
                parts: a.parts + b.parts + 1,
                on_now: a.on_now || b.on_now,
                on_entry: a.on_entry || b.on_entry,
            });
            Ok(())
        };
        let unary = |stack: &mut Vec<Item>, parts, make: &dyn Fn(Expr) -> Expr| {
            let item = stack.pop().ok_or(MISSING)?.with(parts, make);
            stack.push(item);
            Ok(())
        };
        match operation {
            Operation::RegisterOffset {
                register,
                offset,
                base_type,
            } => {
                let register = self.register(register).ok_or("a register without a name")?;
                let item = Item::register(register, offset);
                let item = match self.converts(frame.unit, base_type)? {
                    Some((size, signed)) => item.with(1, |value| widen(size, signed, value)),
                    None => item,
                };
                stack.push(item);
            }
            Operation::CallFrameCFA => stack.push(Item::register(CFA, 0)),
            Operation::FrameOffset { offset } => {
                let base = frame
                    .base
                    .as_ref()
                    .ok_or("a function without a frame base")?;
                let base = match self.evaluate(frame, base, memory, depth + 1)? {
                    // The frame base is the address itself, not what lies there.
                    Where::Register(register) => Item::register(register, 0),
                    Where::Memory(register, offset) => Item::register(register, offset),
                    Where::Frame(offset) => Item::register(CFA, offset),
                    _ => return Err("a frame base that is not modelled"),
                };
                stack.push(base.with(2, |value| {
                    combine(Op::Add, value, Expr::Const(offset as u64))
                }));
            }
            Operation::UnsignedConstant { value } => stack.push(Item::constant(value)),
            Operation::SignedConstant { value } => stack.push(Item::constant(value as u64)),
            Operation::Address { address } => stack.push(Item::constant(address)),
            Operation::AddressIndex { index } | Operation::ConstantIndex { index } => {
                let value = self.inner.address(&frame.unit.inner, index);
                stack.push(Item::constant(
                    value.map_err(|_| "an address that is not in the table")?,
                ));
            }
            Operation::TypedLiteral { value, .. } => {
                let value = self
                    .small(value.slice())
                    .ok_or("a constant of many bytes")?;
                stack.push(Item::constant(value));
            }
            Operation::EntryValue { expression } => {
                // A register, or an expression: what that leaves on its stack is the value.
                let item = match self.evaluate(frame, &Expression(expression), value, depth + 1)? {
                    Where::Register(register) => Item::register(register, 0),
                    Where::Value(value) => Item {
                        value,
                        ..Item::constant(0)
                    }
                    .with(LARGEST_VALUE / 2, |value| value),
                    _ => return Err("a value at entry that is not modelled"),
                };
                stack.push(Item {
                    on_now: false,
                    on_entry: true,
                    ..item
                });
            }
            Operation::Deref {
                size,
                space: false,
                base_type,
            } => {
                let (size, signed) = self
                    .converts(frame.unit, base_type)?
                    .unwrap_or((size, false));
                unary(stack, 1, &|address| Expr::load(address, size, signed))?;
                // Memory is read as it is now, whenever the address was known.
                if let Some(item) = stack.last_mut() {
                    item.on_now = true;
                }
            }
            Operation::Convert { base_type } => {
                if let Some((size, signed)) = self.converts(frame.unit, base_type)? {
                    unary(stack, 1, &|value| widen(size, signed, value))?;
                }
            }
            Operation::Reinterpret { base_type } => {
                self.converts(frame.unit, base_type)?;
            }
            Operation::PlusConstant { value } => {
                unary(stack, 2, &|left| combine(Op::Add, left, Expr::Const(value)))?;
            }
            Operation::Neg => unary(stack, 2, &|right| combine(Op::Sub, Expr::Const(0), right))?,
            Operation::Not => unary(stack, 2, &|left| {
                combine(Op::Xor, left, Expr::Const(u64::MAX))
            })?,
            Operation::Plus => binary(stack, Op::Add)?,
            Operation::Minus => binary(stack, Op::Sub)?,
            Operation::Mul => binary(stack, Op::Mul)?,
            Operation::Div => binary(stack, Op::DivS)?,
            Operation::And => binary(stack, Op::And)?,
            Operation::Or => binary(stack, Op::Or)?,
            Operation::Xor => binary(stack, Op::Xor)?,
            Operation::Shl => binary(stack, Op::Shl)?,
            Operation::Shr => binary(stack, Op::Shr)?,
            Operation::Shra => binary(stack, Op::Sar)?,
            Operation::Drop => {
                stack.pop().ok_or(MISSING)?;
            }
            Operation::Pick { index } => {
                let from_top = stack.len().checked_sub(usize::from(index) + 1);
                let item = from_top
                    .and_then(|at| stack.get(at))
                    .ok_or(MISSING)?
                    .clone();
                stack.push(item);
            }
            Operation::Swap => {
                let (b, a) = (stack.pop().ok_or(MISSING)?, stack.pop().ok_or(MISSING)?);
                stack.extend([b, a]);
            }
            Operation::Nop | Operation::Uninitialized => {}
            Operation::Eq
            | Operation::Ne
            | Operation::Lt
            | Operation::Le
            | Operation::Gt
            | Operation::Ge => return Err("the outcome of a comparison"),
            Operation::ParameterRef { .. } => return Err("an argument that the caller knows"),
            Operation::TLS => return Err("thread-local data"),
            _ => return Err("an operation that is not modelled"),
        }
        Ok(())
    }

    /// The size and sign of the base type at `at`, where a value of it must be cut or widened; none
    /// for a whole word.
    fn converts(
        &self,
        unit: &Unit<'a>,
        at: UnitOffset,
    ) -> std::result::Result<Option<(u8, bool)>, Failed> {
        if at.0 == 0 {
            return Ok(None);
        }
        let entry = self
            .entry(unit, at)
            .map_err(|_| "a conversion to an unknown type")?;
        let signed = match entry.attr_value(dw::DW_AT_encoding) {
            Some(AttributeValue::Encoding(dw::DW_ATE_signed | dw::DW_ATE_signed_char)) => true,
            Some(AttributeValue::Encoding(dw::DW_ATE_float)) => {
                return Err("a floating-point value");
            }
            _ => false,
        };
        match Self::number(&entry, dw::DW_AT_byte_size) {
            Some(size @ (1 | 2 | 4)) => Ok(Some((size as u8, signed))),
            Some(8) => Ok(None),
            _ => Err("a conversion to a type of an unusual size"),
        }
    }
}

fn widen(size: u8, signed: bool, value: Expr) -> Expr {
    match value {
        Expr::Const(value) => Expr::Const(extend(value, size, signed)),
        value => Expr::Extend {
            size,
            signed,
            value: Box::new(value),
        },
    }
}

/// Two values combined: constants are folded, also those at the end of a sum.
fn combine(op: Op, a: Expr, b: Expr) -> Expr {
    match (op, a, b) {
        (op, Expr::Const(a), Expr::Const(b)) => match op.apply(a, b) {
            Some(value) => Expr::Const(value),
            None => Expr::Unknown("a division by zero"),
        },
        (Op::Sub, a, Expr::Const(b)) => combine(Op::Add, a, Expr::Const(b.wrapping_neg())),
        (Op::Add, Expr::Binary(Op::Add, base, old), Expr::Const(more)) => match *old {
            Expr::Const(old) => Expr::plus(*base, Expr::Const(old.wrapping_add(more))),
            old => {
                let sum = Expr::Binary(Op::Add, base, Box::new(old));
                Expr::Binary(Op::Add, Box::new(sum), Box::new(Expr::Const(more)))
            }
        },
        (Op::Add, a, b) => Expr::plus(a, b),
        (op, a, b) => Expr::Binary(op, Box::new(a), Box::new(b)),
    }
}

/// `register + offset`.
fn based(value: &Expr) -> Option<(Reg, i64)> {
    match value {
        Expr::Reg(register) => Some((*register, 0)),
        Expr::Binary(Op::Add, base, offset) => match (&**base, &**offset) {
            (Expr::Reg(register), Expr::Const(offset)) => Some((*register, *offset as i64)),
            _ => None,
        },
        _ => None,
    }
}

/// The place in memory with this address.
fn memory(item: Item) -> std::result::Result<Where, Failed> {
    if item.on_entry {
        return Err("memory at an address that was known at entry");
    }
    Ok(match (based(&item.value), item.value) {
        (Some((CFA, offset)), _) => Where::Frame(offset),
        (Some((register, offset)), _) => Where::Memory(register, offset),
        (None, Expr::Const(address)) => Where::Static(address),
        (None, value) => Where::At(value),
    })
}

/// A value that is nowhere.
fn value(item: Item) -> std::result::Result<Where, Failed> {
    Ok(match (based(&item.value), item.value) {
        (_, Expr::Const(value)) => Where::Constant(value),
        (Some((CFA, offset)), _) => Where::FrameAddress(offset),
        (..) if item.on_entry && item.on_now => return Err("a value of then and now"),
        (_, value) if item.on_entry => Where::AtEntry(value),
        (_, value) => Where::Value(value),
    })
}
