//! Settings come in layers: defaults, files, environment, command line. figment decides what wins; every value keeps its place.

use std::collections::BTreeMap;

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::Env,
    value::{Dict, Map, Value as Found},
};

use super::{
    complaint::{Complaint, Report},
    near,
    node::{Key, Node, Value},
    place::{Origin, Place, Sources},
    settings_form::SECTIONS,
    yaml,
};

pub const PREFIX: &str = "HIGHWATER_";

/// What one origin says, as it was written. Scalars keep their text on the way through figment.
#[derive(Clone, Debug)]
pub struct Layer {
    pub node: Node,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("a layer of settings")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        match plain(&self.node) {
            Found::Dict(_, dict) => Ok(Profile::Default.collect(dict)),
            _ => Ok(Map::new()),
        }
    }
}

fn plain(node: &Node) -> Found {
    match &node.value {
        Value::Scalar { text, .. } => Found::from(text.as_str()),
        Value::List(items) => Found::from(items.iter().map(plain).collect::<Vec<_>>()),
        Value::Map(entries) => {
            let dict: Dict = entries.iter().map(|(key, value)| (key.text.clone(), plain(value))).collect();
            Found::from(dict)
        }
    }
}

/// One tree out of all layers, the later ones winning.
pub fn merge(layers: Vec<Layer>, report: &mut Report) -> Node {
    let figment = layers.iter().cloned().fold(Figment::new(), Figment::merge);
    let merged = match figment.find_value("") {
        Ok(merged) => merged,
        Err(error) => {
            report.add(Complaint::error(error.to_string()));
            return Node::empty_map(Place::default());
        }
    };
    let nodes: Vec<&Node> = layers.iter().map(|layer| &layer.node).collect();
    rebuild(&merged, &nodes)
}

/// The merged value with the places of what won: the last layer that says something here.
fn rebuild(merged: &Found, layers: &[&Node]) -> Node {
    let Some(winner) = layers.last() else { return Node::empty_map(Place::default()) };
    let Found::Dict(_, dict) = merged else { return (*winner).clone() };
    let mut entries = Vec::new();
    for (name, value) in dict {
        let found: Vec<(&Key, &Node)> = layers.iter().filter_map(|layer| layer.entry(name)).collect();
        let Some((key, _)) = found.last() else { continue };
        let below: Vec<&Node> = found.iter().map(|(_, node)| *node).collect();
        entries.push(((*key).clone(), rebuild(value, &below)));
    }
    entries.sort_by_key(|(key, _): &(Key, Node)| key.place);
    Node { place: winner.place, value: Value::Map(entries) }
}

/// `HIGHWATER_SERVER__LISTEN`: the settings of the environment.
pub fn environment(sources: &mut Sources, report: &mut Report) -> Layer {
    let variables = Env::prefixed(PREFIX);
    let pairs: Vec<(String, String)> =
        variables.iter().map(|(name, value)| (name.to_string(), value)).collect();
    environment_of(&pairs, sources, report)
}

/// The same, of given variables; names without their prefix, in small letters.
pub fn environment_of(pairs: &[(String, String)], sources: &mut Sources, report: &mut Report) -> Layer {
    let mut node = Node::empty_map(Place::default());
    for (name, text) in pairs {
        let path: Vec<&str> = name.split("__").collect();
        let shown = format!("{PREFIX}{}", name.to_uppercase());
        let place = Place::new(sources.add(&shown, "", Origin::Environment), 0, 0);
        match is_setting(&path) {
            Ok(false) => {}
            Ok(true) => put(&mut node, &path, value(text, place), place),
            Err(complaint) => report.add(complaint.at(place)),
        }
    }
    Layer { node }
}

/// A variable without `__` may be another program's or another part's; one that looks like a slip is a mistake.
fn is_setting(path: &[&str]) -> Result<bool, Complaint> {
    let [only] = path else { return Ok(true) };
    if SECTIONS.contains(only) {
        return Ok(true);
    }
    match near::nearest(only, SECTIONS) {
        Some(near) => {
            Err(Complaint::error(format!("unknown key `{only}`")).hint(format!("did you mean `{near}`?")))
        }
        None => Ok(false),
    }
}

/// `server.listen`: the settings of the command line.
pub fn command_line(overrides: &BTreeMap<String, String>, sources: &mut Sources) -> Layer {
    let mut node = Node::empty_map(Place::default());
    for (name, text) in overrides {
        let path: Vec<&str> = name.split('.').collect();
        let place =
            Place::new(sources.add(format!("`{name}` of the command line"), "", Origin::CommandLine), 0, 0);
        put(&mut node, &path, value(text, place), place);
    }
    Layer { node }
}

/// Lists and maps as YAML; everything else is the text itself, so that no password is ever retyped.
fn value(text: &str, place: Place) -> Node {
    let flow = text.trim_start().starts_with(['[', '{']);
    match yaml::parse(text, place.source) {
        Ok(mut node) if flow => {
            moved(&mut node, place);
            node
        }
        _ => Node::any(text, place),
    }
}

fn moved(node: &mut Node, place: Place) {
    node.place = place;
    match &mut node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter_mut().for_each(|item| moved(item, place)),
        Value::Map(entries) => {
            for (key, value) in entries {
                key.place = place;
                moved(value, place);
            }
        }
    }
}

fn put(into: &mut Node, path: &[&str], value: Node, place: Place) {
    let Some((first, rest)) = path.split_first() else {
        *into = value;
        return;
    };
    if !matches!(into.value, Value::Map(_)) {
        *into = Node::empty_map(place);
    }
    let Value::Map(entries) = &mut into.value else { return };
    let known = entries.iter().position(|(key, _)| key.text == *first);
    let at = known.unwrap_or_else(|| {
        entries.push((Key { place, text: (*first).to_owned() }, Node::empty_map(place)));
        entries.len() - 1
    });
    if let Some((_, below)) = entries.get_mut(at) {
        put(below, rest, value, place);
    }
}
