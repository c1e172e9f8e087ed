//! Loads and stores.

use super::{FLOAT, Found, UNKNOWN, Word};
use crate::Expr;
use crate::semantics::build::Draft;

/// What one loads or stores.
#[derive(Clone, Copy)]
enum Kind {
    Load {
        signed: bool,
    },
    Store,
    /// Floating-point registers are not modelled, the memory is.
    FloatLoad,
    FloatStore,
}

const LOAD: Kind = Kind::Load { signed: false };
const LOAD_SIGNED: Kind = Kind::Load { signed: true };

impl Word {
    /// The forms with a displacement.
    pub(super) fn displaced(self) -> Found {
        let (name, kind, size, is_update) = match (self.w >> 26, self.w & 3) {
            (32, _) => ("lwz", LOAD, 4, false),
            (33, _) => ("lwzu", LOAD, 4, true),
            (34, _) => ("lbz", LOAD, 1, false),
            (35, _) => ("lbzu", LOAD, 1, true),
            (36, _) => ("stw", Kind::Store, 4, false),
            (37, _) => ("stwu", Kind::Store, 4, true),
            (38, _) => ("stb", Kind::Store, 1, false),
            (39, _) => ("stbu", Kind::Store, 1, true),
            (40, _) => ("lhz", LOAD, 2, false),
            (41, _) => ("lhzu", LOAD, 2, true),
            (42, _) => ("lha", LOAD_SIGNED, 2, false),
            (43, _) => ("lhau", LOAD_SIGNED, 2, true),
            (44, _) => ("sth", Kind::Store, 2, false),
            (45, _) => ("sthu", Kind::Store, 2, true),
            (48, _) => ("lfs", Kind::FloatLoad, 4, false),
            (49, _) => ("lfsu", Kind::FloatLoad, 4, true),
            (50, _) => ("lfd", Kind::FloatLoad, 8, false),
            (51, _) => ("lfdu", Kind::FloatLoad, 8, true),
            (52, _) => ("stfs", Kind::FloatStore, 4, false),
            (53, _) => ("stfsu", Kind::FloatStore, 4, true),
            (54, _) => ("stfd", Kind::FloatStore, 8, false),
            (55, _) => ("stfdu", Kind::FloatStore, 8, true),
            (58, 0) => ("ld", LOAD, 8, false),
            (58, 1) => ("ldu", LOAD, 8, true),
            (58, 2) => ("lwa", LOAD_SIGNED, 4, false),
            (62, 0) => ("std", Kind::Store, 8, false),
            (62, 1) => ("stdu", Kind::Store, 8, true),
            _ => return Err(UNKNOWN),
        };
        let offset = match self.w >> 26 {
            58 | 62 => self.si() & !3,
            _ => self.si(),
        };
        let address = Expr::plus(self.base(), Expr::Const(offset as u64));
        let operand = format!("{offset}({})", self.base_name());
        self.access(name, kind, size, is_update, address, operand)
    }

    /// The forms with an index, by their extended opcode.
    pub(super) fn indexed(self) -> Found {
        let (name, kind, size, is_update) = match self.bits(1, 10) {
            21 => ("ldx", LOAD, 8, false),
            53 => ("ldux", LOAD, 8, true),
            23 => ("lwzx", LOAD, 4, false),
            55 => ("lwzux", LOAD, 4, true),
            87 => ("lbzx", LOAD, 1, false),
            119 => ("lbzux", LOAD, 1, true),
            279 => ("lhzx", LOAD, 2, false),
            311 => ("lhzux", LOAD, 2, true),
            343 => ("lhax", LOAD_SIGNED, 2, false),
            375 => ("lhaux", LOAD_SIGNED, 2, true),
            341 => ("lwax", LOAD_SIGNED, 4, false),
            373 => ("lwaux", LOAD_SIGNED, 4, true),
            149 => ("stdx", Kind::Store, 8, false),
            181 => ("stdux", Kind::Store, 8, true),
            151 => ("stwx", Kind::Store, 4, false),
            183 => ("stwux", Kind::Store, 4, true),
            215 => ("stbx", Kind::Store, 1, false),
            247 => ("stbux", Kind::Store, 1, true),
            407 => ("sthx", Kind::Store, 2, false),
            439 => ("sthux", Kind::Store, 2, true),
            535 => ("lfsx", Kind::FloatLoad, 4, false),
            599 => ("lfdx", Kind::FloatLoad, 8, false),
            663 => ("stfsx", Kind::FloatStore, 4, false),
            727 => ("stfdx", Kind::FloatStore, 8, false),
            52 => return Ok(self.reserve("lbarx", 1)),
            116 => return Ok(self.reserve("lharx", 2)),
            20 => return Ok(self.reserve("lwarx", 4)),
            84 => return Ok(self.reserve("ldarx", 8)),
            694 => return self.store_conditional("stbcx.", 1),
            726 => return self.store_conditional("sthcx.", 2),
            150 => return self.store_conditional("stwcx.", 4),
            214 => return self.store_conditional("stdcx.", 8),
            790 => return self.reversed("lhbrx", 2, false),
            534 => return self.reversed("lwbrx", 4, false),
            532 => return self.reversed("ldbrx", 8, false),
            918 => return self.reversed("sthbrx", 2, true),
            662 => return self.reversed("stwbrx", 4, true),
            660 => return self.reversed("stdbrx", 8, true),
            _ => return Err(FLOAT),
        };
        if self.rc() {
            return Err(UNKNOWN);
        }
        let operand = self.index_text();
        self.access(name, kind, size, is_update, self.index(), operand)
    }

    fn index(self) -> Expr {
        Expr::plus(self.base(), self.get(self.rb()))
    }

    fn index_text(self) -> String {
        format!("{},{}", self.base_name(), self.name(self.rb()))
    }

    fn access(
        self,
        name: &str,
        kind: Kind,
        size: u8,
        is_update: bool,
        address: Expr,
        operand: String,
    ) -> Found {
        let is_load = matches!(kind, Kind::Load { .. });
        if is_update && (self.ra() == 0 || is_load && self.ra() == self.rt()) {
            // Invalid forms.
            return Err(UNKNOWN);
        }
        let rt = self.rt();
        let register = match kind {
            Kind::Load { .. } | Kind::Store => self.name(rt).to_owned(),
            Kind::FloatLoad | Kind::FloatStore => format!("f{rt}"),
        };
        let draft = Draft::new(format!("{name} {register},{operand}"));
        let draft = match kind {
            Kind::Load { signed } => draft.set(
                Some(self.reg(rt)),
                Expr::load(address.clone(), size, signed),
            ),
            Kind::Store => draft.store(address.clone(), size, self.get(rt)),
            Kind::FloatLoad => draft.touch(address.clone(), size),
            Kind::FloatStore => draft.store(
                address.clone(),
                size,
                Expr::Unknown("a floating-point register"),
            ),
        };
        Ok(if is_update {
            draft.set(Some(self.reg(self.ra())), address)
        } else {
            draft
        })
    }

    fn reserve(self, name: &str, size: u8) -> Draft {
        let hint = if self.rc() { ",1" } else { "" };
        let text = format!(
            "{name} {},{}{hint}",
            self.name(self.rt()),
            self.index_text()
        );
        Draft::new(text).set(
            Some(self.reg(self.rt())),
            Expr::load(self.index(), size, false),
        )
    }

    fn store_conditional(self, name: &str, size: u8) -> Found {
        if !self.rc() {
            return Err(FLOAT);
        }
        let text = format!("{name} {},{}", self.name(self.rt()), self.index_text());
        let value = Expr::Unknown("stored only if still reserved");
        Ok(Self::set_by_store(Draft::new(text).store(
            self.index(),
            size,
            value,
        )))
    }

    /// With the bytes in reverse, which is not modelled; the memory is.
    fn reversed(self, name: &str, size: u8, is_store: bool) -> Found {
        if self.rc() {
            return Err(UNKNOWN);
        }
        let value = Expr::Unknown("the bytes in reverse");
        let draft = Draft::new(format!(
            "{name} {},{}",
            self.name(self.rt()),
            self.index_text()
        ));
        Ok(if is_store {
            draft.store(self.index(), size, value)
        } else {
            draft
                .touch(self.index(), size)
                .set(Some(self.reg(self.rt())), value)
        })
    }

    /// Instructions on a cache block.
    pub(super) fn cache(self, name: &str) -> Draft {
        Draft::new(format!("{name} {}", self.index_text())).touch(self.index(), 1)
    }
}
