//! All objects of one target together: a kernel and its modules.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use base::Gap;

use crate::error::{Error, Result};
use crate::function::{
    CallSite, FrameRules, Function, InlineFrame, RunningFunction, Scope, ScopeKind, SourceLine,
    ToldLine, VariableAt,
};
use crate::object::Object;
use crate::sources::btf::Btf;
use crate::sources::dwarf::{Dwarf, Frames};
use crate::sources::elf_symtab::{Binding, Symbol};
use crate::store::Store;
use crate::types::{Kind, NameKind, ObjectId, Shape, TypeId};

/// Shapes that are kept once they are read.
const SHAPES_KEPT: usize = 1 << 14;

/// Functions that are kept once they are read.
const FUNCTIONS_KEPT: usize = 1 << 10;

/// A kernel and its modules, with what their debug info tells.
///
/// Nothing of an object is read before a question needs it. All answers are in the addresses of the object's
/// file.
#[derive(Debug, Default)]
pub struct DebugInfo<'a> {
    loaded: Vec<Loaded<'a>>,
    shapes: Mutex<HashMap<TypeId, Arc<Shape<'a>>>>,
    functions: Mutex<BTreeMap<(ObjectId, u64), Arc<Function<'a>>>>,
}

#[derive(Debug)]
struct Loaded<'a> {
    object: Object<'a>,
    shared: Option<ObjectId>,
    dwarf: OnceLock<Result<Option<Arc<Dwarf<'a>>>>>,
    frames: OnceLock<Result<Option<Frames<'a>>>>,
    btf: OnceLock<Result<Option<Arc<Btf<'a>>>>>,
}

impl<'a> Loaded<'a> {
    fn new(object: Object<'a>) -> Self {
        Loaded {
            object,
            shared: None,
            dwarf: OnceLock::new(),
            frames: OnceLock::new(),
            btf: OnceLock::new(),
        }
    }
}

/// A file that another one names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'w> {
    /// The debug info of a file that has none itself.
    DebugFile {
        /// The label of the file that wants it.
        of: &'w str,
        /// The build-id that it must have, in hexadecimal digits.
        build_id: Option<&'w str>,
        /// The name that it is known by (`.gnu_debuglink`).
        name: Option<&'w str>,
    },
    /// What several files share (`.gnu_debugaltlink`, made by `dwz`).
    SharedFile {
        /// The label of the file that wants it.
        of: &'w str,
        /// Its name.
        name: &'w str,
        /// The build-id that it must have, in hexadecimal digits.
        build_id: &'w str,
    },
}

/// Finds files that other files name: the caller knows directories, nothing here does.
pub trait Files<'a> {
    /// The label and the bytes of a file that is `wanted`, if there is one.
    fn find(&self, wanted: Wanted<'_>) -> Option<(String, &'a [u8])>;
}

/// Finds nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl<'a> Files<'a> for NoFiles {
    fn find(&self, _: Wanted<'_>) -> Option<(String, &'a [u8])> {
        None
    }
}

impl<'a> DebugInfo<'a> {
    /// No object yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an object.
    pub fn add(&mut self, object: Object<'a>) -> ObjectId {
        let id = ObjectId(u32::try_from(self.loaded.len()).unwrap_or(u32::MAX));
        self.loaded.push(Loaded::new(object));
        id
    }

    /// Puts another object in the place of one: all that was learnt of the old one is forgotten.
    pub fn replace(&mut self, id: ObjectId, object: Object<'a>) {
        if let Some(loaded) = self.loaded.get_mut(id.0 as usize) {
            *loaded = Loaded::new(object);
            self.shapes = Mutex::default();
            self.functions = Mutex::default();
        }
    }

    /// Opens a file and adds it, with the files that it names; what could not be had of these is a gap.
    pub fn open(
        &mut self,
        label: &str,
        bytes: &'a [u8],
        store: &'a Store,
        files: &dyn Files<'a>,
    ) -> Result<(ObjectId, Vec<Gap>)> {
        let object = Object::open(label, bytes, store)?;
        Ok(self.complete(object, store, files))
    }

    /// Adds an object with the files that it names; what could not be had of these is a gap.
    pub fn complete(
        &mut self,
        mut object: Object<'a>,
        store: &'a Store,
        files: &dyn Files<'a>,
    ) -> (ObjectId, Vec<Gap>) {
        let label = &object.label().to_owned();
        let mut gaps = Vec::new();
        let identity = object.identity().clone();
        if !object.has_dwarf() {
            let wanted = Wanted::DebugFile {
                of: label,
                build_id: identity.build_id.as_deref(),
                name: identity.debug_link.as_ref().map(|(name, _)| name.as_str()),
            };
            let what = format!("the debug info of {label}");
            match files.find(wanted) {
                Some((label, bytes)) => {
                    if let Err(error) = object.attach_debug(&label, bytes) {
                        gaps.push(Gap::new(what, error.to_string()));
                    }
                }
                None if object.btf().is_ok_and(|btf| btf.is_some()) => {
                    let what = format!("the lines and local variables of {label}");
                    let why = "the file has types (BTF) and no DWARF";
                    gaps.push(Gap::new(what, why).supply("the file with its DWARF (--debuginfo)"));
                }
                None => gaps.push(
                    Gap::new(
                        what,
                        "the file has none and no separate file with it was found",
                    )
                    .supply("the file with its debug info (--debuginfo)"),
                ),
            }
        }
        let mut shared = None;
        if let Some((name, build_id)) = &identity.shared_link {
            let found = files.find(Wanted::SharedFile {
                of: label,
                name,
                build_id,
            });
            match found.map(|(label, bytes)| Object::open(&label, bytes, store)) {
                Some(Ok(object)) if object.identity().build_id.as_ref() == Some(build_id) => {
                    shared = Some(self.add(object));
                }
                Some(Ok(object)) => {
                    let why = format!("{} has another build-id than {build_id}", object.label());
                    gaps.push(Gap::new(format!("what {label} shares with others"), why));
                }
                Some(Err(error)) => {
                    gaps.push(Gap::new(
                        format!("what {label} shares with others"),
                        error.to_string(),
                    ));
                }
                None => gaps.push(
                    Gap::new(
                        format!("what {label} shares with others"),
                        format!("{name} was not found"),
                    )
                    .supply(name),
                ),
            }
        }
        let id = self.add(object);
        if let Some(loaded) = self.loaded.last_mut() {
            loaded.shared = shared;
        }
        (id, gaps)
    }

    /// All objects.
    pub fn objects(&self) -> impl Iterator<Item = (ObjectId, &Object<'a>)> {
        (0..)
            .map(ObjectId)
            .zip(self.loaded.iter().map(|loaded| &loaded.object))
    }

    /// An object; an empty answer only for a handle of another set.
    pub fn object(&self, id: ObjectId) -> Option<&Object<'a>> {
        self.loaded.get(id.0 as usize).map(|loaded| &loaded.object)
    }

    /// Takes code bytes that ran in the place of an object's, in the addresses of its file.
    pub fn lay(&mut self, id: ObjectId, ran: Vec<crate::Ran<'a>>) {
        if let Some(loaded) = self.loaded.get_mut(id.0 as usize) {
            loaded.object.lay(ran);
        }
    }

    /// The kernel: the first object that is no module and says that it is Linux, else the first linked one.
    pub fn kernel(&self) -> Option<ObjectId> {
        let is_kernel = |object: &Object<'_>| object.identity().banner.is_some();
        let is_linked = |object: &Object<'_>| !object.is_relocatable();
        let first = |is: &dyn Fn(&Object<'_>) -> bool| {
            self.objects()
                .find(|(_, object)| is(object))
                .map(|(id, _)| id)
        };
        first(&is_kernel).or_else(|| first(&is_linked))
    }

    /// The module of this name, as logs print it: `-` and `_` are the same in names of modules.
    pub fn module(&self, name: &str) -> Option<ObjectId> {
        let plain = |name: &str| name.replace('-', "_");
        let name = plain(name);
        let is = |object: &Object<'_>| {
            object.identity().module.as_deref().map(plain) == Some(name.clone())
        };
        self.objects()
            .find(|(_, object)| is(object))
            .map(|(id, _)| id)
    }

    /// The functions of this name: in the named module, in any object without one.
    ///
    /// Where nothing has exactly this name, copies that a compiler has made of it (`f.constprop.0`) are meant.
    pub fn functions_named(
        &self,
        name: &str,
        module: Option<&str>,
    ) -> Result<Vec<(ObjectId, Symbol<'a>)>> {
        let objects: Vec<_> = match module {
            Some(module) => self.module(module).into_iter().collect(),
            None => self.objects().map(|(id, _)| id).collect(),
        };
        let mut found = Vec::new();
        for id in &objects {
            if let Some(object) = self.object(*id) {
                found.extend(
                    object
                        .functions_named(name)?
                        .into_iter()
                        .map(|symbol| (*id, symbol)),
                );
            }
        }
        if found.is_empty() {
            for id in &objects {
                let Some(object) = self.object(*id) else {
                    continue;
                };
                let copies = object.functions()?.into_iter();
                found.extend(
                    copies
                        .filter(|f| base_name(f.name) == name)
                        .map(|f| (*id, f)),
                );
            }
        }
        Ok(found)
    }

    /// The DWARF of an object; none where it has none.
    pub(crate) fn dwarf(&self, id: ObjectId) -> Result<Option<&Dwarf<'a>>> {
        Ok(self.shared_dwarf(id)?.map(|dwarf| &**dwarf))
    }

    fn shared_dwarf(&self, id: ObjectId) -> Result<Option<&Arc<Dwarf<'a>>>> {
        let Some(loaded) = self.loaded.get(id.0 as usize) else {
            return Ok(None);
        };
        let load = || {
            // An object shares with one that was added before it, so this comes to an end.
            let shared = match loaded.shared.filter(|shared| *shared < id) {
                Some(shared) => self.shared_dwarf(shared)?.cloned(),
                None => None,
            };
            Ok(Dwarf::load(&loaded.object, id, shared)?.map(Arc::new))
        };
        let dwarf = loaded.dwarf.get_or_init(load);
        dwarf.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The BTF of an object; none where it has none.
    pub(crate) fn btf(&self, id: ObjectId) -> Result<Option<&Btf<'a>>> {
        Ok(self.shared_btf(id)?.map(|btf| &**btf))
    }

    fn shared_btf(&self, id: ObjectId) -> Result<Option<&Arc<Btf<'a>>>> {
        let Some(loaded) = self.loaded.get(id.0 as usize) else {
            return Ok(None);
        };
        let load = || {
            let object = &loaded.object;
            let Some((bytes, outline)) = object.btf()? else {
                return Ok(None);
            };
            let label: Arc<str> = object.label().into();
            let word = u64::from(object.identity().pointer_bits / 8);
            let base = match (outline, &object.identity().module) {
                (Some(outline), _) => {
                    let outline = Btf::read(&label, id, outline, word, None)?;
                    Some(Arc::new(outline.outline()))
                }
                // A module's types count on from those of the kernel.
                (None, Some(_)) => {
                    let kernel = self.kernel_with_types().filter(|kernel| *kernel != id);
                    let base = match kernel {
                        Some(kernel) => self.shared_btf(kernel)?.cloned(),
                        None => None,
                    };
                    let what = "its types count on from the kernel's, which are not here";
                    Some(base.ok_or_else(|| Error::section(&label, ".BTF", 0, what))?)
                }
                (None, None) => None,
            };
            Ok(Some(Arc::new(Btf::read(&label, id, bytes, word, base)?)))
        };
        let btf = loaded.btf.get_or_init(load);
        btf.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The first object that is no module and has BTF.
    fn kernel_with_types(&self) -> Option<ObjectId> {
        let has = |object: &Object<'_>| {
            object.identity().module.is_none() && object.btf().is_ok_and(|btf| btf.is_some())
        };
        self.objects()
            .find(|(_, object)| has(object))
            .map(|(id, _)| id)
    }

    /// What kept parts of an object's debug info from being read so far: answers may lack what is there.
    pub fn damage(&self, id: ObjectId) -> Vec<Error> {
        let mut damage = match self.dwarf(id) {
            Ok(dwarf) => dwarf.map_or_else(Vec::new, Dwarf::damage),
            Err(error) => vec![error],
        };
        // Where there is DWARF little depends on BTF.
        match self.btf(id) {
            Ok(btf) => damage.extend(btf.and_then(Btf::damage)),
            Err(error) if damage.is_empty() && matches!(self.dwarf(id), Ok(None)) => {
                damage.push(error);
            }
            Err(_) => {}
        }
        damage
    }

    /// The function with code at `address`, as debug info tells it.
    pub fn function_at(&self, id: ObjectId, address: u64) -> Result<Option<Arc<Function<'a>>>> {
        let Some(dwarf) = self.dwarf(id)? else {
            return self.function_of_types(id, address);
        };
        let Some((unit, entry)) = dwarf.function_at(address)? else {
            return Ok(None);
        };
        let at = dwarf.place_of(&unit, entry);
        if let Some(function) = lock(&self.functions).get(&(id, at)) {
            return Ok(Some(Arc::clone(function)));
        }
        let function = Arc::new(dwarf.function(&unit, entry)?);
        let mut kept = lock(&self.functions);
        if kept.len() >= FUNCTIONS_KEPT {
            kept.clear();
        }
        kept.insert((id, at), Arc::clone(&function));
        Ok(Some(function))
    }

    /// What debug info tells of the calls of the function with code at `address`, by address.
    pub fn calls_at(&self, id: ObjectId, address: u64) -> Result<Vec<CallSite<'a>>> {
        match self.dwarf(id)? {
            Some(dwarf) => match dwarf.function_at(address)? {
                Some((unit, entry)) => dwarf.calls(&unit, entry),
                None => Ok(Vec::new()),
            },
            None => Ok(Vec::new()),
        }
    }

    /// What the symbol table and BTF together tell of a function: its name, place and prototype.
    fn function_of_types(&self, id: ObjectId, address: u64) -> Result<Option<Arc<Function<'a>>>> {
        let Some(object) = self.object(id) else {
            return Ok(None);
        };
        let symbol = object
            .symbol_at(address)?
            .filter(|symbol| object.is_function(symbol));
        let Some(symbol) = symbol else {
            return Ok(None);
        };
        let name = base_name(symbol.name);
        let Some(type_id) = self.function_type(id, name)? else {
            return Ok(None);
        };
        let shape = self.shape(type_id)?;
        let Kind::Function {
            returns,
            parameters,
            is_variadic,
        } = &shape.kind
        else {
            return Ok(None);
        };
        let range = symbol.address..symbol.address.saturating_add(symbol.size.max(1));
        Ok(Some(Arc::new(Function {
            object: id,
            name,
            ranges: vec![range.clone()],
            is_external: symbol.binding != Binding::Local,
            returns: *returns,
            signature: parameters.clone(),
            is_variadic: *is_variadic,
            declared: None,
            scopes: vec![Scope {
                kind: ScopeKind::Function,
                parent: None,
                name,
                ranges: vec![range],
            }],
            variables: Vec::new(),
        })))
    }

    /// The type of the function called `name` of an object, also where no code of it is known.
    pub fn function_type(&self, id: ObjectId, name: &str) -> Result<Option<TypeId>> {
        let handle = |at: u64| TypeId { object: id, at };
        // The kernel's own description is looked through faster.
        if let Ok(Some(btf)) = self.btf(id)
            && let Some(at) = btf.named(NameKind::Function, name).first()
        {
            return Ok(Some(handle(*at)));
        }
        let found = match self.dwarf(id)? {
            Some(dwarf) => dwarf.named(NameKind::Function, name),
            None => Vec::new(),
        };
        Ok(found.first().copied().map(handle))
    }

    /// The type of the function at `address`, which is called `name` in the source. No index of all names is needed
    /// for it, as that of [`DebugInfo::function_type`] may be.
    pub fn function_type_at(
        &self,
        id: ObjectId,
        address: u64,
        name: &str,
    ) -> Result<Option<TypeId>> {
        let handle = |at: u64| TypeId { object: id, at };
        if let Ok(Some(btf)) = self.btf(id)
            && let Some(at) = btf.named(NameKind::Function, name).first()
        {
            return Ok(Some(handle(*at)));
        }
        let Some(dwarf) = self.dwarf(id)? else {
            return Ok(None);
        };
        let Some((unit, entry)) = dwarf.function_at(address)? else {
            return Ok(None);
        };
        let (home, at) = dwarf.origin(&unit, entry)?;
        if std::ptr::eq(home, &raw const *dwarf) {
            return Ok(Some(handle(at)));
        }
        self.function_type(id, name)
    }

    /// The functions that run at `address`: the innermost inlined one first, the compiled one last.
    ///
    /// Without debug info it is the function of the symbol table alone. For a return address ask one byte before.
    pub fn frames_at(&self, id: ObjectId, address: u64) -> Result<Vec<InlineFrame<'a>>> {
        let mut line = self.line_at(id, address)?;
        let Some(function) = self.function_at(id, address)? else {
            let symbol = match self.object(id) {
                Some(object) => object.symbol_at(address)?,
                None => None,
            };
            let frame = symbol.map(|symbol| InlineFrame {
                function: symbol.name,
                line,
                is_inlined: false,
                scope: 0,
            });
            return Ok(frame.into_iter().collect());
        };
        let mut frames = Vec::new();
        for number in function.scopes_at(address).into_iter().rev() {
            let Some(scope) = function.scopes.get(number) else {
                continue;
            };
            let (call, is_inlined) = match &scope.kind {
                ScopeKind::Block => continue,
                ScopeKind::Inlined(call) => (self.line_told(*call)?, true),
                ScopeKind::Function => (None, false),
            };
            frames.push(InlineFrame {
                function: scope.name,
                line,
                is_inlined,
                scope: number,
            });
            line = call;
        }
        Ok(frames)
    }

    /// The functions that run at `address` by debug info alone, the innermost inlined one first, and the line of
    /// the instruction. Cheaper than [`DebugInfo::frames_at`]: nothing else of the functions is read.
    #[allow(clippy::type_complexity, reason = "two answers to one question")]
    pub fn running_at(
        &self,
        id: ObjectId,
        address: u64,
    ) -> Result<(Vec<RunningFunction<'a>>, Option<SourceLine>)> {
        match self.dwarf(id)? {
            Some(dwarf) => dwarf.running(address),
            None => Ok((Vec::new(), None)),
        }
    }

    /// The line of what is told by a number of its file.
    pub fn line_told(&self, told: Option<ToldLine>) -> Result<Option<SourceLine>> {
        let Some(told) = told else {
            return Ok(None);
        };
        let dwarf = self.dwarf(told.object)?;
        dwarf.map(|dwarf| dwarf.line_told(told)).transpose()
    }

    /// The source line of the instruction at `address`.
    pub fn line_at(&self, id: ObjectId, address: u64) -> Result<Option<SourceLine>> {
        match self.dwarf(id)? {
            Some(dwarf) => dwarf.line(address),
            None => Ok(None),
        }
    }

    /// The source lines of the code in `range`, which lies in one function: where each begins.
    pub fn lines_in(&self, id: ObjectId, range: Range<u64>) -> Result<Vec<(u64, SourceLine)>> {
        match self.dwarf(id)? {
            Some(dwarf) => dwarf.lines_of(range),
            None => Ok(Vec::new()),
        }
    }

    /// The variables and parameters that mean something at `address`, of inlined functions too.
    pub fn variables_at(&self, id: ObjectId, address: u64) -> Result<Vec<VariableAt<'a>>> {
        let function = self.function_at(id, address)?;
        Ok(function.map_or_else(Vec::new, |function| function.variables_at(address)))
    }

    /// Where the frame of the function at `address` lies there, and what it has saved; none where no call frame
    /// information tells.
    pub fn frame_rules_at(&self, id: ObjectId, address: u64) -> Result<Option<FrameRules>> {
        let Some(loaded) = self.loaded.get(id.0 as usize) else {
            return Ok(None);
        };
        let load = || Frames::load(&loaded.object);
        let frames = loaded.frames.get_or_init(load);
        match frames.as_ref().map_err(Clone::clone)? {
            Some(frames) => frames.at(address),
            None => Ok(None),
        }
    }

    /// The global or static variable that holds `address`: its name, its type and how far into it that is.
    #[allow(clippy::type_complexity, reason = "three answers to one question")]
    pub fn variable_at(
        &self,
        id: ObjectId,
        address: u64,
    ) -> Result<Option<(&'a str, Option<TypeId>, u64)>> {
        let Some(object) = self.object(id) else {
            return Ok(None);
        };
        let symbol = object.symbol_at(address)?;
        let start = symbol.map_or(address, |symbol| symbol.address);
        let offset = address.wrapping_sub(start);
        let told = match self.dwarf(id)? {
            Some(dwarf) => {
                let table = object.symbol_table()?;
                let beside = symbol.and_then(|symbol| table.function_beside(&symbol));
                dwarf.variable(start, beside.map(|function| function.address))?
            }
            None => None,
        };
        Ok(match (told, symbol) {
            (Some((name, type_id)), _) => Some((name, type_id, offset)),
            (None, Some(symbol)) => Some((symbol.name, None, offset)),
            (None, None) => None,
        })
    }

    /// Whether an object tells what the structure or union called `name` is made of.
    pub fn describes(&self, id: ObjectId, name: &str) -> Result<bool> {
        let kinds = [NameKind::Structure, NameKind::Union];
        let in_btf = |id| match self.btf(id) {
            Ok(Some(btf)) => Some(kinds.iter().any(|kind| !btf.named(*kind, name).is_empty())),
            _ => None,
        };
        let is_kernel = self
            .object(id)
            .is_some_and(|object| !object.is_relocatable());
        // A kernel's own description has all of its types, and is looked through in a hundredth of the time.
        if is_kernel && let Some(is_known) = in_btf(id) {
            return Ok(is_known);
        }
        if let Some(dwarf) = self.dwarf(id)? {
            return Ok(kinds
                .iter()
                .any(|kind| !dwarf.named(*kind, name).is_empty()));
        }
        // A module's counts on from the kernel's, whose types it knows too.
        let kernel = self.kernel_with_types().and_then(in_btf);
        Ok(in_btf(id).is_some_and(|own| own || kernel == Some(true)))
    }

    /// One step into a type.
    pub fn shape(&self, type_id: TypeId) -> Result<Arc<Shape<'a>>> {
        if let Some(shape) = lock(&self.shapes).get(&type_id) {
            return Ok(Arc::clone(shape));
        }
        if Btf::describes(type_id) {
            return match self.btf(type_id.object)? {
                Some(btf) => self.keep(type_id, btf.shape(type_id.at)?),
                None => Err(self.without_types(type_id.object)),
            };
        }
        let Some(dwarf) = self.dwarf(type_id.object)? else {
            return Err(self.without_types(type_id.object));
        };
        self.keep(type_id, dwarf.shape(type_id.at)?)
    }

    fn keep(&self, type_id: TypeId, shape: Shape<'a>) -> Result<Arc<Shape<'a>>> {
        let shape = Arc::new(shape);
        let mut kept = lock(&self.shapes);
        if kept.len() >= SHAPES_KEPT {
            kept.clear();
        }
        kept.insert(type_id, Arc::clone(&shape));
        Ok(shape)
    }

    fn without_types(&self, id: ObjectId) -> Error {
        let label: Arc<str> = self.object(id).map_or("?", Object::label).into();
        Error::file(&label, "has no debug info")
    }
}

/// The name of a function without what compilers append to that of a copy or a part (`.constprop.0`,
/// `.isra.0`, `.part.0`, `.cold`, `.llvm.123`).
pub fn base_name(name: &str) -> &str {
    name.find('.')
        .filter(|dot| *dot > 0)
        .and_then(|dot| name.get(..dot))
        .unwrap_or(name)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        // What is kept is complete before it is put in; what a failed thread left behind is sound.
        Err(poisoned) => poisoned.into_inner(),
    }
}
