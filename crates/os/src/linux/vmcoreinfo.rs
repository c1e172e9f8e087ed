//! VMCOREINFO: what the kernel writes down about itself for those who read its dump
//! (`Documentation/admin-guide/kdump/vmcoreinfo.rst`). Lines of a name and a value.

/// The text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vmcoreinfo<'t> {
    text: &'t str,
}

impl<'t> Vmcoreinfo<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Vmcoreinfo { text }
    }

    /// The value of `name`, as it is written.
    pub(crate) fn value(&self, name: &str) -> Option<&'t str> {
        let mut lines = self.text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }

    /// The address of a symbol.
    pub(crate) fn symbol(&self, name: &str) -> Option<u64> {
        let value = self.value(&format!("SYMBOL({name})"))?;
        u64::from_str_radix(value, 16).ok()
    }

    /// A number; negative ones are those of two's complement.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let value = self.value(&format!("NUMBER({name})"))?;
        let signed = value.parse().map(i64::cast_unsigned);
        signed.or_else(|_| value.parse::<u64>()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_whole_name() {
        let info = Vmcoreinfo::new(
            "OSRELEASE=6.1.0\nSYMBOL(_stext)=ffffffffa4800000\nNUMBER(phys_base)=-411041792\n\
             NUMBER(x)=18446744073709551615\nSYMBOL(cut",
        );
        assert_eq!(info.value("OSRELEASE"), Some("6.1.0"));
        assert_eq!(info.symbol("_stext"), Some(0xffff_ffff_a480_0000));
        assert_eq!(
            info.number("phys_base"),
            Some((-411_041_792_i64).cast_unsigned())
        );
        assert_eq!(info.number("x"), Some(u64::MAX));
        assert_eq!((info.symbol("text"), info.symbol("cut")), (None, None));
    }
}
