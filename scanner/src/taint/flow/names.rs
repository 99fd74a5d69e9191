//! What names of a file stand for: its imports, functions and classes.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::super::ir::{FunctionId, Module, NameId};

/// A map by texts out of the file: its seed is not known to whoever wrote them.
type Texts<K, V> = HashMap<K, V, RandomState>;

/// The names of a file, by their text.
#[derive(Debug)]
pub(super) struct Names<'a> {
    module: &'a Module,
    imports: Texts<&'a str, &'a str>,
    /// A module all of whose names are brought in, if there is one alone.
    star: Option<&'a str>,
    functions: Texts<&'a str, FunctionId>,
    /// Methods by class and name.
    methods: Texts<(&'a str, &'a str), FunctionId>,
    /// Methods by name, if one class alone has it.
    lone_methods: Texts<&'a str, Option<FunctionId>>,
    classes: Texts<&'a str, usize>,
    ids: Texts<&'a str, NameId>,
}

impl<'a> Names<'a> {
    pub(super) fn of(module: &'a Module) -> Self {
        let mut names = Self {
            module,
            imports: Texts::default(),
            star: None,
            functions: Texts::default(),
            methods: Texts::default(),
            lone_methods: Texts::default(),
            classes: Texts::default(),
            ids: Texts::default(),
        };
        for (index, name) in module.names.iter().enumerate() {
            names.ids.insert(name, NameId(u32::try_from(index).unwrap_or(u32::MAX)));
        }
        let mut stars = 0;
        for import in &module.imports {
            let (local, path) = (module.name(import.local), module.name(import.path));
            if local.is_empty() {
                stars += 1;
                names.star = (stars == 1).then_some(path);
            } else {
                names.imports.insert(local, path);
            }
        }
        for (index, function) in module.functions.iter().enumerate() {
            let id = FunctionId(u32::try_from(index).unwrap_or(u32::MAX));
            let name = module.name(function.name);
            if name.is_empty() {
                continue;
            }
            match function.class {
                Some(class) => {
                    names.methods.insert((module.name(class), name), id);
                    let lone = names.lone_methods.entry(name).or_insert(Some(id));
                    *lone = lone.filter(|known| *known == id);
                }
                None => {
                    names.functions.insert(name, id);
                }
            }
        }
        let classes = module.classes.iter().enumerate();
        names.classes = classes.map(|(index, class)| (module.name(class.name), index)).collect();
        names
    }

    /// What a name that is no variable stands for.
    pub(super) fn path_of(&self, name: &str) -> String {
        match (self.imports.get(name), self.star) {
            (Some(path), _) => (*path).to_owned(),
            (None, Some(star)) if !self.is_own(name) => format!("{star}.{name}"),
            _ => name.to_owned(),
        }
    }

    /// What a type as written stands for: its first part by the imports.
    pub(super) fn type_path(&self, written: &str) -> String {
        let bare = written.trim_start_matches(['*', '&', ' ']);
        let (first, rest) = bare.split_once('.').map_or((bare, ""), |(first, rest)| (first, rest));
        let first = self.path_of(first);
        if rest.is_empty() {
            first
        } else {
            format!("{first}.{rest}")
        }
    }

    fn is_own(&self, name: &str) -> bool {
        self.functions.contains_key(name) || self.classes.contains_key(name)
    }

    pub(super) fn function(&self, name: &str) -> Option<FunctionId> {
        self.functions.get(name).copied()
    }

    pub(super) fn has_classes(&self) -> bool {
        !self.classes.is_empty()
    }

    pub(super) fn is_class(&self, name: &str) -> bool {
        self.classes.contains_key(name)
    }

    /// The method of a class, or of the classes of this file that it extends.
    pub(super) fn method(&self, class: &str, name: &str) -> Option<FunctionId> {
        let mut class = class;
        // A chain of bases may be a ring.
        for _ in 0..8 {
            if let Some(found) = self.methods.get(&(class, name)) {
                return Some(*found);
            }
            let bases = &self.module.classes.get(*self.classes.get(class)?)?.bases;
            class = bases
                .iter()
                .map(|base| self.module.name(*base))
                .find(|base| self.is_class(base))?;
        }
        None
    }

    /// The method of that name, if one class alone has it.
    pub(super) fn lone_method(&self, name: &str) -> Option<FunctionId> {
        self.lone_methods.get(name).copied().flatten()
    }

    /// What a function's class extends of other files, as paths.
    pub(super) fn bases_of(&self, class: NameId) -> Vec<String> {
        let class = self
            .classes
            .get(self.module.name(class))
            .and_then(|&index| self.module.classes.get(index));
        class
            .map(|class| self.foreign_bases(self.module.name(class.name)))
            .unwrap_or_default()
    }

    /// The foreign classes that a class of this file extends, through others of this file.
    pub(super) fn foreign_bases(&self, class: &str) -> Vec<String> {
        let mut foreign = Vec::new();
        let mut own = vec![class];
        // A chain of bases may be a ring.
        for _ in 0..8 {
            let classes = own
                .iter()
                .filter_map(|class| self.module.classes.get(*self.classes.get(class)?));
            let bases: Vec<&str> = classes
                .flat_map(|class| &class.bases)
                .map(|base| self.module.name(*base))
                .collect();
            own = bases.iter().copied().filter(|base| self.is_class(base)).collect();
            foreign.extend(
                bases
                    .iter()
                    .filter(|base| !self.is_class(base))
                    .map(|base| self.type_path(base)),
            );
        }
        foreign
    }

    /// Whether the file brings in anything of one of these packages.
    pub(super) fn brings_in(&self, packages: &[String]) -> bool {
        let paths = || self.imports.values().copied().chain(self.star);
        let of = |path: &str, package: &str| {
            path.strip_prefix(package)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/', '_']))
        };
        packages.is_empty() || packages.iter().any(|package| paths().any(|path| of(path, package)))
    }

    /// The module all of whose names are brought in.
    pub(super) fn star(&self) -> Option<&'a str> {
        self.star
    }

    /// The id of a name that the file has.
    pub(super) fn id_of(&self, name: &str) -> Option<NameId> {
        self.ids.get(name).copied()
    }
}
