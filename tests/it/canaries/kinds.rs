//! Every kind of sink by itself: its example, with a canary in the place of every secret, and a receiver of ours in the place of
//! its service.

use highwater::sinks::Kind;
use serde_json::{Map, Value, json};

/// Kinds that send nothing over HTTP, or where the cluster is told.
const LOCAL: [&str; 4] = ["elasticsearch", "file", "statsd", "stdout"];
/// The keys that say where a service is.
const PLACES: [&str; 5] = ["url", "api_url", "endpoint_url", "urls", "smtp"];

/// The sinks, and what has to be in the environment.
#[derive(Default)]
pub struct Kinds {
    pub sinks: Map<String, Value>,
    pub canaries: Vec<(String, String)>,
    /// Kinds that talk to the receiver.
    pub talking: Vec<&'static str>,
}

/// `every-KIND` for each kind; requests of a kind go below `/KIND`.
pub fn all(receiver: &str) -> Kinds {
    let mut kinds = Kinds::default();
    let signed = |kind: &str| kind.starts_with("cloudwatch") && !cfg!(feature = "aws");
    for (kind, example) in Kind::ALL.iter().filter(|(kind, _)| !signed(kind)) {
        let example: Value = serde_saphyr::from_str(example).expect("an example is YAML");
        let Value::Object(mut settings) = example[*kind].clone() else { panic!("{kind}: {example}") };
        for (key, value) in &mut settings {
            kinds.plant(receiver, (kind, key), value);
        }
        if !point(&mut settings, kind, receiver) && !LOCAL.contains(kind) {
            panic!("nobody knows where `{kind}` sends: name the key in `PLACES`");
        }
        if !LOCAL.contains(kind) && !settings.contains_key("smtp") {
            kinds.talking.push(kind);
        }
        kinds.sinks.insert(format!("every-{kind}"), json!({ *kind: settings }));
    }
    kinds
}

impl Kinds {
    /// A canary in the place of every reference to a secret.
    fn plant(&mut self, receiver: &str, (kind, key): (&str, &str), value: &mut Value) {
        match value {
            Value::String(text) if text.contains("${env:") => {
                let name = format!("CANARY_{}_{}", kind.to_uppercase(), key.to_uppercase());
                let reference = format!("${{env:{name}}}");
                *text =
                    if key.ends_with("url") { format!("{receiver}/{kind}/{reference}") } else { reference };
                self.canaries.push((name, format!("canary-{kind}-{}-c0de", key.replace('_', "-"))));
            }
            Value::Object(fields) => {
                fields.iter_mut().for_each(|(inner, value)| self.plant(receiver, (kind, inner), value));
            }
            _ => {}
        }
    }
}

/// Every address that a kind has leads to us; none may lead to a real service. Says whether there is one.
fn point(settings: &mut Map<String, Value>, kind: &str, receiver: &str) -> bool {
    let known = properties(kind);
    // a whole URL that is secret leads to us already, and wants no other beside it
    let whole =
        |(key, value): (&String, &Value)| key.ends_with("_url") && value.to_string().contains("${env:CANARY");
    if settings.iter().any(whole) {
        return true;
    }
    for key in PLACES.iter().filter(|key| known.iter().any(|name| name == *key)) {
        let planted = settings.get(*key).is_some_and(|value| value.to_string().contains("${env:CANARY"));
        let place = match *key {
            "urls" => json!([format!("{receiver}/{kind}")]),
            "smtp" => json!("smtp://watcher@127.0.0.1:1"),
            _ => json!(format!("{receiver}/{kind}")),
        };
        if !planted {
            settings.insert((*key).to_owned(), place);
        }
    }
    let is_place = |key: &String| PLACES.contains(&key.as_str()) || key.ends_with("_url");
    settings.keys().any(is_place)
}

/// The keys of a kind, as its schema has them.
fn properties(kind: &str) -> Vec<String> {
    let schema = serde_json::to_value(schemars::schema_for!(Kind)).expect("JSON");
    let variants = schema["oneOf"].as_array().expect("kinds");
    let found = variants.iter().find_map(|variant| variant["properties"].get(kind));
    let found = found.unwrap_or_else(|| panic!("no schema of `{kind}`"));
    let name = found["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    let form = name.map_or(found, |name| &schema["$defs"][name]);
    form["properties"].as_object().map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
}
