//! Reads the settings, layer by layer, and checks what they mean.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{
    Settings, blot,
    complaint::{Complaint, Complaints, Report},
    files,
    layers::{self, Layer},
    mistakes::read_whole,
    near,
    node::{Node, Value},
    place::{Origin, Place, Sources},
    settings_build::Builder,
    settings_form::SECTIONS,
    yaml,
};

/// What holds where nothing else is said.
const DEFAULTS: &str = "\
rules: [rules]
store: { sqlite: { path: var/highwater.db } }
display: { timezone: UTC }
server: { listen: \"127.0.0.1:7585\" }
telemetry: { level: info, format: text }
";

/// Defaults, then `paths` in their order, then `HIGHWATER_…`, then `overrides` (`server.listen` → text): the later ones win.
///
/// A secret that stands in a file as plain text is a mistake, unless `allow_literal`.
pub fn load(
    paths: &[PathBuf],
    overrides: &BTreeMap<String, String>,
    allow_literal: bool,
) -> Result<Settings, Complaints> {
    let mut loader = Loader::new(paths);
    let environment = layers::environment(&mut loader.sources, &mut loader.report);
    loader.finish(environment, overrides, allow_literal)
}

/// The same with a given environment: names without `HIGHWATER_`, in small letters.
pub fn load_with(
    paths: &[PathBuf],
    variables: &[(String, String)],
    overrides: &BTreeMap<String, String>,
    allow_literal: bool,
) -> Result<Settings, Complaints> {
    let mut loader = Loader::new(paths);
    let environment = layers::environment_of(variables, &mut loader.sources, &mut loader.report);
    loader.finish(environment, overrides, allow_literal)
}

struct Loader {
    sources: Sources,
    report: Report,
    layers: Vec<Layer>,
}

impl Loader {
    fn new(paths: &[PathBuf]) -> Self {
        let mut loader = Self { sources: Sources::default(), report: Report::default(), layers: Vec::new() };
        let source = loader.sources.add("the defaults", DEFAULTS, Origin::BuiltIn);
        loader.add(DEFAULTS, source);
        for path in paths {
            loader.file(path);
        }
        loader
    }

    fn file(&mut self, path: &Path) {
        let outcome = files::read_text(path);
        let place = |sources: &mut Sources, text: String| {
            Place::new(sources.add(path.display().to_string(), text, Origin::File), 0, 0)
        };
        match outcome {
            Ok(text) => {
                let place = place(&mut self.sources, blot::blot_lines(&text));
                self.add(&text, place.source);
            }
            Err(complaint) => {
                let place = place(&mut self.sources, String::new());
                self.report.add(complaint.at(place));
            }
        }
    }

    fn add(&mut self, text: &str, source: u32) {
        let Some(node) = self.report.take(yaml::parse(text, source)) else { return };
        blot::blot_nodes(&node, &mut self.sources);
        match node.value {
            Value::Map(_) => self.layers.push(Layer { node }),
            _ => self.report.add(
                Complaint::error(format!("expected settings, found {}", node.kind()))
                    .hint("they begin with `clusters:`")
                    .at(node.head()),
            ),
        }
    }

    fn finish(
        mut self,
        environment: Layer,
        overrides: &BTreeMap<String, String>,
        allow_literal: bool,
    ) -> Result<Settings, Complaints> {
        if self.report.has_errors() {
            return Err(self.report.finish(self.sources));
        }
        self.layers.push(environment);
        self.layers.push(layers::command_line(overrides, &mut self.sources));
        let merged = layers::merge(std::mem::take(&mut self.layers), &mut self.report);
        self.complain_of_strangers(&merged);
        let sections = Sections { node: &merged, report: &mut self.report, sources: &self.sources };
        let settings = Builder::new(sections, allow_literal).build();
        match settings {
            Some(mut settings) if !self.report.has_errors() => {
                settings.defaults.sources = self.sources;
                Ok(settings)
            }
            _ => Err(self.report.finish(self.sources)),
        }
    }

    fn complain_of_strangers(&mut self, merged: &Node) {
        let Value::Map(entries) = &merged.value else { return };
        for (key, _) in entries.iter().filter(|(key, _)| !SECTIONS.contains(&key.text.as_str())) {
            let mut complaint = Complaint::error(format!("unknown key `{}`", key.text)).at(key.place);
            complaint.hint = near::hint(&key.text, SECTIONS);
            self.report.add(complaint);
        }
    }
}

/// The merged settings, read section by section, so that one mistake does not hide others.
pub struct Sections<'a> {
    pub node: &'a Node,
    pub report: &'a mut Report,
    sources: &'a Sources,
}

impl Sections<'_> {
    /// A section that is not there reads as an empty one.
    pub fn read<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let empty = Node::empty_map(Place::default());
        let node = self.node.get(name).unwrap_or(&empty);
        self.report.take_all(read_whole(node))
    }

    /// The entries of a section of names, each read by itself.
    pub fn read_all<T: DeserializeOwned>(&mut self, name: &str) -> Vec<(String, Place, T)> {
        let entries = match self.node.entry(name) {
            None => return Vec::new(),
            Some((_, Node { value: Value::Map(entries), .. })) => entries,
            Some((key, _)) => {
                let message = format!("expected a map of names below `{name}`");
                self.report.add(Complaint::error(message).at(key.place));
                return Vec::new();
            }
        };
        let mut all = Vec::new();
        for (key, value) in entries {
            let placed = |all: Vec<Complaint>| all.into_iter().map(|one| one.at(key.place)).collect();
            let outcome = read_whole(value).map_err(placed);
            all.extend(self.report.take_all(outcome).map(|item| (key.text.clone(), key.place, item)));
        }
        all
    }

    /// All names of a section, whatever they stand for.
    pub fn names(&self, section: &str) -> Vec<String> {
        let Some(Node { value: Value::Map(entries), .. }) = self.node.get(section) else { return Vec::new() };
        entries.iter().map(|(key, _)| key.text.clone()).collect()
    }

    /// Where the key stands that a complaint begins with, if it is one right below `path`.
    pub fn place_of(&self, path: &[&str], complaint: &str) -> Option<Place> {
        let (key, _) = complaint.strip_prefix('`')?.split_once('`')?;
        let above = path.iter().try_fold(self.node, |node, name| node.get(name))?;
        above.get(key).map(|_| self.place(&[path, &[key]].concat()))
    }

    /// The items of a section that is a list, each read by itself; `None` where there is no such section.
    pub fn read_list<T: DeserializeOwned>(&mut self, name: &str) -> Option<(Place, Vec<(Place, T)>)> {
        let (key, node) = self.node.entry(name)?;
        let Value::List(items) = &node.value else {
            let complaint =
                Complaint::error(format!("expected a list below `{name}`, found {}", node.kind()));
            self.report.add(complaint.at(key.place));
            return None;
        };
        let mut all = Vec::new();
        for item in items {
            all.extend(self.report.take_all(read_whole(item)).map(|form| (item.head(), form)));
        }
        Some((key.place, all))
    }

    /// Where the value of a path stands; of the last part that is there.
    pub fn place(&self, path: &[&str]) -> Place {
        let mut node = self.node;
        let mut place = node.head();
        for name in path {
            let Some((key, below)) = node.entry(name) else { return place };
            place = if matches!(below.value, Value::Scalar { .. }) { below.place } else { key.place };
            node = below;
        }
        place
    }

    /// Whether a value was written where others can read it: in a file, or on the command line, but not in the environment.
    pub fn is_open(&self, place: Place) -> bool {
        let open = |origin| matches!(origin, Origin::File | Origin::CommandLine);
        self.sources.get(place.source).is_some_and(|source| open(source.origin))
    }
}
