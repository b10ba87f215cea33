//! What the rules see of a source file: what it names, defines, implements and says, without its tests.
//!
//! `syn` reads the file. Within macros it sees words only, so paths in there are found as words with `::` between.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::visit::{self, Visit};

use crate::words::{is_word, paths, tokens};

/// Names of a path: `["crate", "model", "User"]`.
pub type Path = Vec<String>;

/// One source file.
pub struct Source {
    /// Below `src`: `guest/room.rs`.
    pub file: String,
    /// The module that it is: `["guest", "room"]`.
    pub place: Path,
    /// Words and signs; texts leave none.
    pub tokens: Vec<String>,
    /// Every path of two names or more, from the crate's root where it is one of the crate's.
    pub paths: BTreeSet<Path>,
    /// What a `use` calls what, each from the crate's root.
    pub names: BTreeMap<String, Path>,
    /// Names of structs, enums, unions, traits and aliases.
    pub types: Vec<String>,
    /// Inherent `impl`s.
    pub impls: Vec<Impl>,
    /// The whole doc comment of each thing that has one.
    pub docs: Vec<String>,
    /// Results that a statement throws away by `unwrap_or_default()`.
    pub thrown_away: usize,
}

/// An inherent `impl`.
pub struct Impl {
    /// Of which type, as it is written.
    pub of: Path,
    /// Each method, with the own ones that it calls by `self.` or `Self::`.
    pub methods: BTreeMap<String, BTreeSet<String>>,
}

impl Source {
    /// Reads the text of `file`, a path below `src`.
    pub fn read(file: &str, text: &str) -> Self {
        let mut place: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if place.last().is_some_and(|name| name == "mod") {
            place.pop();
        }
        let mut syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        without_tests(&mut syntax.items);
        let mut source = Self {
            file: file.to_owned(),
            tokens: tokens(syntax.to_token_stream()),
            paths: BTreeSet::new(),
            names: BTreeMap::new(),
            types: Vec::new(),
            impls: Vec::new(),
            docs: Vec::new(),
            thrown_away: 0,
            place,
        };
        let mut reader = Reader { inside: source.place.clone(), source: &mut source };
        reader.visit_file(&syntax);
        source.root_paths();
        source
    }

    /// The module of the first level that it belongs to.
    pub fn module(&self) -> &str {
        self.place.first().map_or("", String::as_str)
    }

    /// The modules of the first level that are named from the crate's root.
    pub fn modules_used(&self) -> BTreeSet<&str> {
        let own = |path: &&Path| path[0] == "crate";
        self.paths.iter().filter(own).filter_map(|path| path.get(1)).map(String::as_str).collect()
    }

    /// The first name of every path that is not one of the crate.
    pub fn libraries_used(&self) -> BTreeSet<&str> {
        let foreign = |name: &&str| !matches!(*name, "crate" | "Self") && !self.names.contains_key(*name);
        self.paths
            .iter()
            .map(|path| path[0].as_str())
            .filter(foreign)
            .chain(self.libraries_imported())
            .collect()
    }

    /// The first name of every `use` of something foreign.
    pub fn libraries_imported(&self) -> BTreeSet<&str> {
        self.names.values().map(|path| path[0].as_str()).filter(|name| *name != "crate").collect()
    }

    /// Whether it has a module of this name.
    pub fn declares(&self, name: &str) -> bool {
        self.tokens.windows(2).any(|pair| pair[0] == "mod" && pair[1] == name)
    }

    /// Whether this path, or this word, is written anywhere.
    pub fn mentions(&self, path: &str) -> bool {
        let wanted = tokens(path.parse().expect("words of Rust"));
        self.tokens.windows(wanted.len()).any(|window| window == wanted.as_slice())
    }

    /// The fields of what `tracing::info!` and louder ones say: the words that stand before the sentence.
    pub fn fields_told(&self) -> BTreeSet<String> {
        let mut fields = BTreeSet::new();
        for at in 0..self.tokens.len() {
            let loud = matches!(self.word(at + 2), "info" | "warn" | "error");
            if self.word(at) == "tracing" && loud && self.word(at + 3) == "!" {
                self.fields(at + 5, &mut fields);
            }
        }
        fields
    }

    /// A part that is empty was a text: the sentence.
    fn fields(&self, mut at: usize, fields: &mut BTreeSet<String>) {
        loop {
            if matches!(self.word(at), "%" | "?") {
                at += 1;
            }
            if !is_word(self.word(at)) {
                return;
            }
            fields.insert(self.word(at).to_owned());
            let mut depth = 0;
            while at < self.tokens.len() && (depth > 0 || !matches!(self.word(at), "," | ")")) {
                match self.word(at) {
                    "(" => depth += 1,
                    ")" => depth -= 1,
                    _ => {}
                }
                at += 1;
            }
            at += 1;
        }
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", String::as_str)
    }

    /// Paths that begin with a name of a `use`, or with a module declared here, from the root.
    fn root_paths(&mut self) {
        let rooted = std::mem::take(&mut self.paths).into_iter().map(|path| {
            let begins = match self.names.get(&path[0]) {
                Some(begins) => begins.clone(),
                None if path[0] != "crate" && self.declares(&path[0]) => under(&self.place, &path[0]),
                None => vec![path[0].clone()],
            };
            begins.into_iter().chain(path.into_iter().skip(1)).collect()
        });
        self.paths = rooted.collect();
    }
}

fn under(place: &[String], name: &str) -> Path {
    std::iter::once("crate")
        .chain(place.iter().map(String::as_str))
        .chain([name])
        .map(str::to_owned)
        .collect()
}

struct Reader<'a> {
    source: &'a mut Source,
    /// The module that is being read, a `mod` with a body included.
    inside: Path,
}

impl Reader<'_> {
    /// From the crate's root, if it says so by `crate`, `self` or `super`.
    fn rooted(&self, path: &[String]) -> Path {
        let mut place = self.inside.clone();
        let mut rest = path;
        match rest.first().map(String::as_str) {
            Some("crate" | "coguestd") => place.clear(),
            Some("self") => {}
            Some("super") => {
                place.pop();
            }
            _ => return path.to_vec(),
        }
        rest = &rest[1..];
        while rest.first().is_some_and(|name| name == "super") {
            place.pop();
            rest = &rest[1..];
        }
        std::iter::once("crate".to_owned()).chain(place).chain(rest.iter().cloned()).collect()
    }

    fn path(&mut self, path: &[String]) {
        if path.len() > 1 {
            let path = self.rooted(path);
            self.source.paths.insert(path);
        }
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(before, item)),
            syn::UseTree::Glob(_) => self.path(&[before, &["*".to_owned()]].concat()),
            syn::UseTree::Name(name) if name.ident == "self" => self.import(before, before.last().cloned()),
            syn::UseTree::Name(name) => self.import(&with(&name.ident), Some(name.ident.to_string())),
            syn::UseTree::Rename(name) if name.ident == "self" => {
                self.import(before, Some(name.rename.to_string()));
            }
            syn::UseTree::Rename(name) => self.import(&with(&name.ident), Some(name.rename.to_string())),
        }
    }

    fn import(&mut self, path: &[String], name: Option<String>) {
        self.path(path);
        if let Some(name) = name {
            let mut path = self.rooted(path);
            // A module of its own, imported or given on: `pub use contract::Input`.
            if self.source.declares(&path[0]) {
                path = [under(&self.inside, &path[0]), path[1..].to_vec()].concat();
            }
            self.source.names.insert(name, path);
        }
    }

    fn doc(&mut self, attributes: &[syn::Attribute]) {
        let mut text = String::new();
        for attribute in attributes {
            let syn::Meta::NameValue(pair) = &attribute.meta else { continue };
            let syn::Expr::Lit(value) = &pair.value else { continue };
            let syn::Lit::Str(line) = &value.lit else { continue };
            if pair.path.is_ident("doc") {
                text = text + &line.value() + "\n";
            }
        }
        if !text.is_empty() {
            self.source.docs.push(text);
        }
    }

    fn attributes(&mut self, item: &syn::Item) {
        let name = match item {
            syn::Item::Struct(item) => Some(&item.ident),
            syn::Item::Enum(item) => Some(&item.ident),
            syn::Item::Union(item) => Some(&item.ident),
            syn::Item::Trait(item) => Some(&item.ident),
            syn::Item::Type(item) => Some(&item.ident),
            _ => None,
        };
        self.source.types.extend(name.map(ToString::to_string));
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_file(&mut self, file: &'ast syn::File) {
        // A `use` may stand below what it serves.
        for item in &file.items {
            if let syn::Item::Use(item) = item {
                self.visit_item_use(item);
            }
        }
        self.doc(&file.attrs);
        file.items.iter().for_each(|item| self.visit_item(item));
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        self.attributes(item);
        self.doc(attributes_of(item));
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inside.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.inside.pop();
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let (None, syn::Type::Path(of)) = (&item.trait_, &*item.self_ty) {
            let methods = item.items.iter().filter_map(|item| match item {
                syn::ImplItem::Fn(method) => Some((method.sig.ident.to_string(), own_calls(method))),
                _ => None,
            });
            self.source.impls.push(Impl { of: names(&of.path), methods: methods.collect() });
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.doc(&item.attrs);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.doc(&item.attrs);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.doc(&field.attrs);
        visit::visit_field(self, field);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.doc(&variant.attrs);
        visit::visit_variant(self, variant);
    }

    /// `pub(in crate::media)` says who may see, and uses nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(&names(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        paths(&tokens(called.tokens.clone())).iter().for_each(|path| self.path(path));
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        if let syn::Stmt::Expr(syn::Expr::MethodCall(call), Some(_)) = statement {
            self.source.thrown_away += usize::from(call.method == "unwrap_or_default");
        }
        visit::visit_stmt(self, statement);
    }
}

fn names(path: &syn::Path) -> Path {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// The methods of its own type that a method calls.
fn own_calls(method: &syn::ImplItemFn) -> BTreeSet<String> {
    let words = tokens(method.block.to_token_stream());
    let calls = words.windows(4).filter(|four| {
        matches!((&*four[0], &*four[1]), ("self", ".") | ("Self", "::"))
            && matches!(&*four[3], "(" | ")" | ",")
    });
    calls.map(|four| four[2].clone()).collect()
}

fn without_tests(items: &mut Vec<syn::Item>) {
    items.retain(|item| !is_test(attributes_of(item)));
    for item in items {
        match item {
            syn::Item::Mod(syn::ItemMod { content: Some((_, items)), .. }) => without_tests(items),
            syn::Item::Impl(item) => item.items.retain(|item| match item {
                syn::ImplItem::Fn(item) => !is_test(&item.attrs),
                _ => true,
            }),
            _ => {}
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

fn attributes_of(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
