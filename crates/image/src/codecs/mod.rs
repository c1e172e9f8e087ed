//! How pages are packed: one file for each compression, named by its flag in a page's descriptor
//! (makedumpfile, `diskdump_mod.h`).

/// A compression.
pub(crate) struct Codec {
    /// `DUMP_DH_COMPRESSED_…`.
    pub(crate) flag: u32,
    /// Its name for people.
    pub(crate) name: &'static str,
    /// Unpacks a page; whether that filled it exactly. It writes nowhere else and takes no memory for
    /// what the packed bytes claim.
    pub(crate) unpack: fn(packed: &[u8], page: &mut [u8]) -> bool,
}

base::registry! {
    /// Every compression; the order means nothing.
    pub(crate) static CODECS: [Codec] = [zlib, lzo, snappy, zstd];
}

/// The flags of all of them.
pub(crate) fn flags() -> u32 {
    CODECS.iter().fold(0, |flags, codec| flags | codec.flag)
}

/// The compression that flags name; none where they name none or several.
pub(crate) fn find(flags: u32) -> Option<&'static Codec> {
    let mut known = CODECS.iter();
    known
        .find(|codec| flags & self::flags() == codec.flag)
        .copied()
}
