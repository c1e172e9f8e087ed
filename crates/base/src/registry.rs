//! The `registry!` macro: a folder's list is the only place that names a kind.

/// Declares the modules of a registry folder and the list of their entries.
///
/// One line both declares `mod name;` and puts `name::ENTRY` into the list,
/// so that adding a kind is one new file and one line. The order of the lines
/// is the order of the list and has meaning: what is probed first, what is
/// trusted first. `xtask tidy` checks that no file of the folder is missing.
///
/// ```ignore
/// base::registry! {
///     /// Every event that the log reader knows, in the order of probing.
///     pub static EVENTS: [Entry] = [kasan, oops, warning];
/// }
/// ```
#[macro_export]
macro_rules! registry {
    ($(#[$meta:meta])* $vis:vis static $list:ident: [$entry:ty] = [$($module:ident),+ $(,)?];) => {
        $(mod $module;)+
        $(#[$meta])*
        $vis static $list: &[&$entry] = &[$(&$module::ENTRY),+];
    };
}
