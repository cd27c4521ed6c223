//! All rule files at once: read, checked together, and every mistake told in one go.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use super::{
    Routing, Settings,
    complaint::{Complaint, Complaints, Report},
    defaults, files,
    mistakes::read_whole,
    near,
    node::{Node, Value},
    place::{Origin, Place, Sources},
    read::read,
    routes_lint,
    rule::{Rule, RuleSet},
    rule_build::{self, UNREACHABLE, World, Written},
    rule_form::{DefaultsForm, RuleForm},
    scripts, yaml,
};
use crate::model::identity;

/// A set of rules, and what was remarked on the way.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub set: RuleSet,
    pub warnings: Complaints,
    /// Changes with the text of the files, and with nothing else.
    pub hash: u64,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// The rule that exists for every cluster, as a file would have it.
const BUILT_IN: &str = "\
id: elasticsearch-unreachable
summary: Elasticsearch does not answer
check: { elasticsearch_unreachable: {} }
schedule: every 15s
";

/// The sinks that keep numbers.
fn keepers_of(settings: &Settings) -> Vec<String> {
    let keepers = settings.sinks.iter().filter(|(_, sink)| sink.keeps_numbers());
    keepers.map(|(name, _)| name.clone()).collect()
}

/// Reads every rule file that the settings name. All mistakes are told together.
pub fn load_rules(settings: &Settings) -> Result<Loaded, Complaints> {
    let mut loader = Loader {
        world: World {
            clusters: settings.clusters.keys().cloned().collect(),
            scripted: scripts::allowed(settings),
            sinks: settings.sinks.keys().cloned().collect(),
            keepers: keepers_of(settings),
            routed: !settings.routing.routes.is_empty(),
            zone: settings.timezone.name().to_owned(),
            defaults: settings.defaults.form.clone(),
        },
        sources: settings.defaults.sources.clone(),
        report: Report::default(),
        rules: BTreeMap::new(),
        disabled: Vec::new(),
        seen: BTreeMap::new(),
        texts: Vec::new(),
    };
    let files = loader.files(&settings.rules);
    loader.built_in();
    loader.finish(files, &settings.routing)
}

/// The hash that [`load_rules`] would come to, without understanding the files; `None` where one cannot be read.
pub fn rules_hash(settings: &Settings) -> Option<u64> {
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let files = files::rule_files(&settings.rules, &mut sources, &mut report);
    let texts: Result<Vec<String>, Complaint> = files.iter().map(|path| files::read_text(path)).collect();
    let texts = texts.ok().filter(|_| !report.has_errors())?;
    Some(hash(texts.iter().map(String::as_str)))
}

/// By content, in no order: a file that only moved changes nothing, a copy of one does.
fn hash<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_unstable();
    identity::spread(&texts)
}

struct Loader {
    world: World,
    sources: Sources,
    report: Report,
    rules: BTreeMap<String, Arc<Rule>>,
    disabled: Vec<String>,
    /// Where each id was written first.
    seen: BTreeMap<String, Place>,
    texts: Vec<u32>,
}

impl Loader {
    fn files(&mut self, roots: &[PathBuf]) -> Vec<PathBuf> {
        let files = files::rule_files(roots, &mut self.sources, &mut self.report);
        for path in &files {
            let outcome = files::read(path, &mut self.sources);
            let Some(file) = self.report.take(outcome) else { continue };
            self.texts.push(file.source);
            self.file(&file);
        }
        if self.seen.is_empty() && !self.report.has_errors() {
            let names: Vec<String> = roots.iter().map(|root| format!("`{}`", root.display())).collect();
            self.report.add(
                Complaint::error(format!("there is no rule at all in {}", names.join(", ")))
                    .hint("write one, or point `rules` of the settings elsewhere"),
            );
        }
        files
    }

    fn file(&mut self, file: &files::Read) {
        let text = self.sources.get(file.source).map(|source| source.text.clone()).unwrap_or_default();
        let Some(node) = self.report.take(yaml::parse(&text, file.source)) else { return };
        let Value::Map(entries) = &node.value else {
            self.report.add(
                Complaint::error(format!("expected a map with `rules`, found {}", node.kind()))
                    .hint("a rule file begins with `rules:`")
                    .at(node.head()),
            );
            return;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !["rules", "defaults"].contains(&key.text.as_str()))
        {
            let mut complaint = Complaint::error(format!("unknown key `{}`", key.text)).at(key.place);
            complaint.hint = near::hint(&key.text, ["rules", "defaults"]);
            self.report.add(complaint);
        }
        let defaults =
            node.get("defaults").and_then(|node| self.report.take_all(read_whole::<DefaultsForm>(node)));
        let defaults = defaults.unwrap_or_default();
        match node.entry("rules") {
            None if entries.is_empty() => {}
            None => self.report.add(Complaint::error("`rules` is missing").at(node.head())),
            Some((_, Node { value: Value::List(items), .. })) => {
                for item in items {
                    self.rule(item, &defaults, file);
                }
            }
            Some((key, other)) => {
                self.report.add(
                    Complaint::error(format!("expected a list of rules, found {}", other.kind()))
                        .hint("each rule begins with `- id: …`")
                        .at(key.place),
                );
            }
        }
    }

    fn rule(&mut self, node: &Node, defaults: &DefaultsForm, file: &files::Read) {
        let Some(mut form) = self.report.take_all(read_whole::<RuleForm>(node)) else {
            self.remember_unread(node);
            return;
        };
        let new = self.is_new(&form.id.value, form.id.place);
        if form.id.value == UNREACHABLE {
            defaults::fill(&mut form, &built_in_defaults());
        }
        defaults::fill(&mut form, defaults);
        defaults::fill(&mut form, &self.world.defaults);
        let (line, _) = self.sources.line_and_column(form.id.place);
        let written = Written { file: Some(file.path.clone()), line };
        let (id, enabled) = (form.id.value.clone(), form.enabled);
        let rule = rule_build::build(form, &self.world, written, &mut self.report);
        match rule {
            Some(rule) if enabled && new => drop(self.rules.insert(id, Arc::new(rule))),
            _ => self.disabled.extend((!enabled).then_some(id)),
        }
    }

    /// A rule with a mistake of form still takes its id, so that the set does not look empty.
    fn remember_unread(&mut self, node: &Node) {
        if let Some(Node { value: Value::Scalar { text, .. }, place }) = node.get("id") {
            self.is_new(&text.clone(), *place);
        }
    }

    fn is_new(&mut self, id: &str, place: Place) -> bool {
        let Some(first) = self.seen.get(id) else {
            self.seen.insert(id.to_owned(), place);
            return true;
        };
        let (line, column) = self.sources.line_and_column(*first);
        let name = self.sources.get(first.source).map_or("", |source| source.name.as_str());
        let complaint = Complaint::error(format!("the id `{id}` is taken"))
            .hint(format!("it is first written in {name}:{line}:{column}"));
        self.report.add(complaint.at(place));
        false
    }

    /// The rule that every cluster has, unless a file tunes it.
    fn built_in(&mut self) {
        if self.seen.contains_key(UNREACHABLE) {
            return;
        }
        let source = self.sources.add("the built-in rule", BUILT_IN, Origin::BuiltIn);
        let form = yaml::parse(BUILT_IN, source).and_then(|node| read::<RuleForm>(&node));
        let Some(mut form) = self.report.take(form) else { return };
        let DefaultsForm { notify, repeat, labels, .. } = self.world.defaults.clone();
        defaults::fill(&mut form, &DefaultsForm { notify, repeat, labels, ..DefaultsForm::default() });
        let written = Written { file: None, line: 0 };
        if let Some(rule) = rule_build::build(form, &self.world, written, &mut self.report) {
            self.rules.insert(UNREACHABLE.to_owned(), Arc::new(rule));
        }
    }

    fn finish(mut self, files: Vec<PathBuf>, routing: &Routing) -> Result<Loaded, Complaints> {
        let sources = self.texts.iter().filter_map(|source| self.sources.get(*source));
        let hash = hash(sources.map(|source| source.text.as_str()));
        // a rule may ask a service with a password, and a mistake shows the line
        self.texts.iter().for_each(|source| self.sources.blot_lines(*source));
        self.disabled.sort();
        let set = RuleSet { rules: self.rules, disabled: self.disabled };
        let failed = self.report.has_errors();
        if !failed {
            routes_lint::warn(routing, &set, &mut self.report);
        }
        let complaints = self.report.finish(self.sources);
        if failed {
            return Err(complaints);
        }
        Ok(Loaded { set, warnings: complaints, hash, files })
    }
}

fn built_in_defaults() -> DefaultsForm {
    let form = yaml::parse(BUILT_IN, 0).and_then(|node| read::<RuleForm>(&node)).ok();
    DefaultsForm { schedule: form.and_then(|form| form.schedule), ..DefaultsForm::default() }
}
