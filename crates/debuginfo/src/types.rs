//! Types as a source describes them: one step at a time, with handles to what they are made of.

/// An object of a [`crate::DebugInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub(crate) u32);

/// A handle to a type: the object that describes it and the place of the description there.
///
/// Two handles may mean one type: each source file of a program describes the types that it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId {
    pub(crate) object: ObjectId,
    pub(crate) at: u64,
}

impl TypeId {
    /// The object that describes it.
    pub fn object(self) -> ObjectId {
        self.object
    }
}

/// One step into a type. What it is made of is named by handles; none of these is `void`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// Its name, without `struct`, `union` or `enum`; empty where it has none.
    pub name: &'a str,
    /// Bytes, where told: neither of a declaration nor of an array or a typedef.
    pub size: Option<u64>,
    /// It is only announced here (`struct slave;`): what it is made of is told elsewhere, or nowhere.
    pub is_declaration: bool,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A number, a character, a truth value.
    Base(Encoding),
    /// The address of something.
    Pointer(Option<TypeId>),
    /// Members one after the other, or with `is_union` all at one place.
    Record {
        /// Whether it is a union.
        is_union: bool,
        /// Its members in the order of the source.
        members: Vec<Member<'a>>,
    },
    /// Elements one after the other.
    Array {
        /// What each is.
        element: Option<TypeId>,
        /// How many, of the outermost dimension first; none where the source leaves it open.
        counts: Vec<Option<u64>>,
    },
    /// Names for numbers.
    Enumeration(Vec<(&'a str, i64)>),
    /// Another name.
    Typedef(Option<TypeId>),
    /// `const`, `volatile`, `restrict` or `_Atomic`.
    Qualified(Qualifier, Option<TypeId>),
    /// A function.
    Function {
        /// What it returns.
        returns: Option<TypeId>,
        /// What it takes, with the names where the source gives them.
        parameters: Vec<(&'a str, Option<TypeId>)>,
        /// Whether it takes more (`...`).
        is_variadic: bool,
    },
    /// Something of another language than C; the word is the debug format's own.
    Other(&'static str),
}

/// How the bits of a base type are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A number without a sign.
    Unsigned,
    /// A number with a sign.
    Signed,
    /// A character, of a type without a sign.
    UnsignedChar,
    /// A character, of a type with a sign.
    SignedChar,
    /// `true` or `false`.
    Bool,
    /// A floating-point number.
    Float,
    /// Something else.
    Other,
}

/// A qualifier of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qualifier {
    /// `const`
    Const,
    /// `volatile`
    Volatile,
    /// `restrict`
    Restrict,
    /// `_Atomic`
    Atomic,
}

impl Qualifier {
    /// As C writes it.
    pub fn word(self) -> &'static str {
        match self {
            Qualifier::Const => "const",
            Qualifier::Volatile => "volatile",
            Qualifier::Restrict => "restrict",
            Qualifier::Atomic => "_Atomic",
        }
    }
}

/// A member of a structure or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name; empty for an anonymous structure or union, whose members count as those of the outer one.
    pub name: &'a str,
    /// Bytes from the start; of a bit field of the byte that holds its first bit in memory.
    pub offset: u64,
    /// Where exactly a bit field lies.
    pub bits: Option<Bits>,
    /// What it is.
    pub type_id: Option<TypeId>,
}

/// Where a bit field lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Bits from the start of the structure, counted in the order of memory: on little-endian machines from
    /// the lowest bit of each byte, on big-endian ones from the highest.
    pub offset: u64,
    /// How many.
    pub size: u64,
}

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum NameKind {
    Structure,
    Union,
    Enumeration,
    Typedef,
    Base,
    Function,
}
