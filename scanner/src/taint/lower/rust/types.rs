//! What a file says of its types: which of them hold no text, which are whose.

use std::collections::{HashMap, HashSet};

use super::{ExprId, NameId, Node, Rust, children, fields, span};

/// Types that no text is in, whatever they were made from.
const NUMBERS: [&str; 37] = [
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
    "bool",
    "NonZeroU8",
    "NonZeroU16",
    "NonZeroU32",
    "NonZeroU64",
    "NonZeroUsize",
    "NonZeroI32",
    "NonZeroI64",
    "Uuid",
    "Ulid",
    "ObjectId",
    "IpAddr",
    "Ipv4Addr",
    "Ipv6Addr",
    "SocketAddr",
    "NaiveDate",
    "NaiveDateTime",
    "DateTime",
    "Duration",
    "Decimal",
    "BigDecimal",
    "Date",
    "OffsetDateTime",
];
/// Types that are used like what is in them.
const TRANSPARENT: [&str; 21] = [
    "Option",
    "Result",
    "Box",
    "Arc",
    "Rc",
    "Mutex",
    "RwLock",
    "RefCell",
    "Cell",
    "Cow",
    "Pin",
    "Data",
    "State",
    "Extension",
    "LazyLock",
    "OnceLock",
    "OnceCell",
    "Lazy",
    "Weak",
    "BufReader",
    "BufStream",
];
/// Types of which nothing follows.
const PLAIN: [&str; 9] = [
    "String", "str", "Vec", "HashMap", "BTreeMap", "HashSet", "_", "Self", "char",
];
/// Bytes of a type that is looked into: it nests no deeper than that.
const MAX_TYPE: usize = 400;

/// What a file says of its types.
#[derive(Debug, Default)]
pub(super) struct Types {
    /// Enumerations without values: a name of a list.
    plain: HashSet<String>,
    /// The file's own types, in their order.
    pub(super) own: Vec<String>,
    /// For each own type, what it implements.
    pub(super) traits: HashMap<String, Vec<String>>,
    /// Fields by name, and whether every structure that has one says that it is a number.
    fields: HashMap<String, bool>,
    /// What else `Command` is called.
    pub(super) commands: HashSet<String>,
    /// What else types are called, with what they stand for: `Cbc` for `cbc::Encryptor<aes::Aes128>`.
    pub(super) aliases: HashMap<String, String>,
    /// The functions of the file, and how many parameters each has.
    pub(super) functions: HashMap<String, usize>,
}

impl Types {
    /// Whether a path makes a command by another name: `Run::new` after `use std::process::Command as Run`.
    pub(super) fn runs(&self, path: &str) -> bool {
        path.strip_suffix("::new")
            .is_some_and(|name| self.commands.contains(name))
    }

    /// Whether it is a name of a list of the file.
    pub(super) fn is_plain(&self, ty: &str) -> bool {
        self.plain.contains(ty)
    }

    pub(super) fn own_type(&mut self, name: &str) {
        if !self.own.iter().any(|own| own == name) {
            self.own.push(name.to_owned());
        }
    }
}

impl Rust<'_> {
    /// Notes an enumeration of which no variant has a value.
    pub(super) fn find_enum(&mut self, node: Node<'_>) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let name = self.source.text(name).into_owned();
        let variants = node.child_by_field_name("body").map(children).unwrap_or_default();
        if variants
            .iter()
            .all(|variant| variant.child_by_field_name("body").is_none())
        {
            self.types.plain.insert(name.clone());
        }
        self.types.own_type(&name);
    }

    /// Notes the fields of a structure; enumerations are known before.
    pub(super) fn find_fields(&mut self, node: Node<'_>) {
        let Some(list) = node
            .child_by_field_name("body")
            .filter(|body| body.kind() == "field_declaration_list")
        else {
            return;
        };
        for field in children(list) {
            let (Some(name), Some(ty)) = (field.child_by_field_name("name"), field.child_by_field_name("type")) else {
                continue;
            };
            let number = self.is_number(ty);
            let name = self.source.text(name).into_owned();
            let known = self.types.fields.entry(name).or_insert(true);
            *known &= number;
        }
    }

    pub(super) fn class_is_plain(&self) -> bool {
        self.class.as_deref().is_some_and(|class| self.types.is_plain(class))
    }

    /// Notes what else a type is called, if that says more.
    pub(super) fn find_alias(&mut self, node: Node<'_>) {
        let parts = [node.child_by_field_name("name"), node.child_by_field_name("type")];
        let [Some(name), Some(ty)] = parts else { return };
        let named = matches!(ty.kind(), "generic_type" | "scoped_type_identifier" | "type_identifier");
        if named && ty.byte_range().len() <= MAX_TYPE && node.child_by_field_name("type_parameters").is_none() {
            let ty = self.source.text(ty).into_owned();
            self.types.aliases.insert(self.source.text(name).into_owned(), ty);
        }
    }

    /// A path with what its first name stands for: `Cbc::new` is `cbc::Encryptor<aes::Aes128>::new`.
    pub(super) fn unaliased(&self, path: &str) -> Option<String> {
        let (first, rest) = path.split_once("::")?;
        let stands_for = self.types.aliases.get(first)?;
        Some(format!("{stands_for}::{rest}"))
    }

    /// The types that a path is made with, as paths: of `cbc::Encryptor<aes::Aes128>::new` that is `aes::Aes128`.
    pub(super) fn made_with(path: &str) -> Vec<String> {
        let Some((_, inside)) = path.split_once('<') else {
            return Vec::new();
        };
        let words = inside.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':'));
        let named = words.map(|word| word.trim_matches(':')).filter(|word| {
            let last = word.rsplit("::").next().unwrap_or(word);
            last.starts_with(char::is_uppercase)
                && last.len() > 1
                && !PLAIN.contains(&last)
                && !TRANSPARENT.contains(&last)
        });
        named.map(str::to_owned).take(4).collect()
    }

    pub(super) fn is_number_field(&self, name: &str) -> bool {
        self.types.fields.get(name).copied().unwrap_or_default()
    }

    /// Whether a type holds no text: a number, a truth, a name of a list.
    pub(super) fn is_number(&self, ty: Node<'_>) -> bool {
        if ty.byte_range().len() > MAX_TYPE {
            return false;
        }
        match ty.kind() {
            "primitive_type" | "type_identifier" | "scoped_type_identifier" => {
                let text = self.source.text(ty);
                let last = text.rsplit("::").next().unwrap_or(&text);
                NUMBERS.contains(&last) || self.types.plain.contains(last)
            }
            "reference_type" => ty.child_by_field_name("type").is_some_and(|ty| self.is_number(ty)),
            "generic_type" => {
                let name = self.last_name(ty);
                let inside = self.type_arguments(ty);
                match &*name {
                    "DateTime" | "Date" => true,
                    "Vec" | "HashSet" | "BTreeSet" => inside.iter().all(|ty| self.is_number(*ty) && !self.is_byte(*ty)),
                    name if TRANSPARENT.contains(&name) => inside.first().is_some_and(|ty| self.is_number(*ty)),
                    _ => false,
                }
            }
            "tuple_type" => children(ty).iter().all(|ty| self.is_number(*ty)),
            _ => false,
        }
    }

    fn is_byte(&self, ty: Node<'_>) -> bool {
        self.source.text(ty) == "u8"
    }

    pub(super) fn type_arguments<'t>(&self, ty: Node<'t>) -> Vec<Node<'t>> {
        let list = ty
            .child_by_field_name("type_arguments")
            .map(children)
            .unwrap_or_default();
        list.into_iter().filter(|ty| ty.kind() != "lifetime").collect()
    }

    fn last_name(&self, ty: Node<'_>) -> String {
        let name = ty.child_by_field_name("type").unwrap_or(ty);
        let text = self.source.text(name);
        text.rsplit("::").next().unwrap_or(&text).to_owned()
    }

    /// A type with dots, without references, what it is wrapped in, and type arguments; what is made of numbers alone
    /// says so: `Path<u32>` is `Path.number`.
    pub(super) fn type_text(&self, ty: Node<'_>) -> String {
        match ty.kind() {
            "reference_type" | "pointer_type" => self.inner_text(ty.child_by_field_name("type")),
            "dynamic_type" | "abstract_type" => self.inner_text(ty.child_by_field_name("trait")),
            "bounded_type" => self.inner_text(children(ty).first().copied()),
            "generic_type" => {
                let name = self.last_name(ty);
                let inside = self.type_arguments(ty);
                if TRANSPARENT.contains(&&*name) {
                    return self.inner_text(inside.first().copied());
                }
                let path = self.inner_text(ty.child_by_field_name("type"));
                let numbers = !inside.is_empty() && inside.iter().all(|ty| self.is_number(*ty) && !self.is_byte(*ty));
                if numbers { format!("{path}.number") } else { path }
            }
            "primitive_type" | "type_identifier" | "identifier" | "scoped_type_identifier" | "scoped_identifier" => {
                let text = self.source.text(ty);
                let own = self.class.as_deref().filter(|_| text == "Self");
                own.map_or_else(|| self.dotted(&text), str::to_owned)
            }
            _ => String::new(),
        }
    }

    fn inner_text(&self, ty: Option<Node<'_>>) -> String {
        let bounded = ty.filter(|ty| ty.byte_range().len() <= MAX_TYPE);
        bounded.map(|ty| self.type_text(ty)).unwrap_or_default()
    }

    /// A path with dots, from the file's own modules on: `self::db::Pool` is `Pool` where `db` stands in the file.
    pub(super) fn dotted(&self, path: &str) -> String {
        let mut parts = path
            .split("::")
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .peekable();
        let mut from_here = false;
        while parts
            .next_if(|part| matches!(*part, "self" | "super") && path.contains("::") || self.modules.contains(*part))
            .is_some()
        {
            from_here = true;
        }
        let parts: Vec<&str> = parts.collect();
        let mut parts = match parts.as_slice() {
            ["crate", rest @ ..] if rest.first().is_some_and(|part| self.is_here(part)) => rest.to_vec(),
            _ => parts,
        };
        parts.retain(|part| !(from_here && self.modules.contains(*part)));
        if let Some(first @ &mut ("core" | "alloc")) = parts.first_mut() {
            *first = "std";
        }
        let parts: Vec<&str> = parts
            .iter()
            .map(|part| part.split('<').next().unwrap_or(part))
            .collect();
        parts.join(".")
    }

    fn is_here(&self, name: &str) -> bool {
        self.modules.contains(name) || self.types.functions.contains_key(name)
    }

    /// A type, if anything follows of it.
    pub(super) fn telling(&mut self, ty: Node<'_>) -> Option<NameId> {
        let text = self.type_text(ty);
        let named = text.starts_with(|c: char| c.is_alphabetic()) && !self.is_number(ty);
        (named && !PLAIN.contains(&&*text)).then(|| self.source.build.name(&text))
    }

    /// A value of which nothing but a number is left.
    pub(super) fn as_number(&mut self, value: ExprId, node: Node<'_>) -> ExprId {
        self.call_of("as", "number", &[value], node)
    }

    pub(super) fn call_of(&mut self, object: &str, name: &str, args: &[ExprId], node: Node<'_>) -> ExprId {
        let at = span(node);
        let object = self.source.build.name_expr(object, at);
        let name = self.source.build.name(name);
        let callee = self.source.build.expr(super::ExprKind::Attr { object, name }, at);
        self.source.build.call(callee, args, at)
    }

    /// The names of a structure's fields with their types.
    pub(super) fn typed_fields<'t>(&self, node: Node<'t>) -> Vec<(Node<'t>, Node<'t>)> {
        let list = node.child_by_field_name("body").map(children).unwrap_or_default();
        list.into_iter()
            .filter_map(|field| {
                Some((
                    fields(field, "name").first().copied()?,
                    field.child_by_field_name("type")?,
                ))
            })
            .collect()
    }
}
