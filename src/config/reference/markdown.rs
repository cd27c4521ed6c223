//! A JSON schema as a page for people: one table per map of keys.

use std::collections::VecDeque;

use serde_json::{Map, Value};

/// A page in the making.
pub struct Page<'a> {
    out: String,
    definitions: Option<&'a Map<String, Value>>,
    root: &'a Value,
    /// Sections still to be written: a heading, and what it is about.
    queue: VecDeque<(String, &'a Value)>,
    /// What has a section, and its heading, in their order.
    done: Vec<(String, String)>,
    /// The key whose kinds have examples, and they.
    examples: Option<(&'a str, &'a [(&'static str, &'static str)])>,
    /// Words at the end of a section, by its heading.
    notes: Vec<(&'a str, String)>,
}

impl<'a> Page<'a> {
    pub fn new(title: &str, intro: &str, root: &'a Value) -> Self {
        let out = format!(
            "<!-- Made from the types in src/: run the tests with HIGHWATER_BLESS=1 to write it anew. -->\n\n# {title}\n\n{intro}\n"
        );
        let definitions = root.get("$defs").and_then(Value::as_object);
        Self {
            out,
            definitions,
            root,
            queue: VecDeque::new(),
            done: Vec::new(),
            examples: None,
            notes: Vec::new(),
        }
    }

    pub fn examples(mut self, key: &'a str, examples: &'a [(&'static str, &'static str)]) -> Self {
        self.examples = Some((key, examples));
        self
    }

    pub fn note(mut self, heading: &'a str, words: String) -> Self {
        self.notes.push((heading, words));
        self
    }

    pub fn finish(mut self) -> String {
        self.section(self.root);
        while let Some((heading, schema)) = self.queue.pop_front() {
            self.out.push_str(&format!("\n## {heading}\n"));
            self.section(schema);
            for (_, words) in self.notes.iter().filter(|(about, _)| *about == heading) {
                self.out.push_str(&format!("\n{words}\n"));
            }
        }
        self.out
    }

    fn section(&mut self, schema: &'a Value) {
        if let Some(description) = text(schema, "description") {
            self.out.push_str(&format!("\n{description}\n"));
        }
        if let Some(variants) = schema.get("oneOf").and_then(Value::as_array) {
            self.kinds(variants);
        }
        match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => self.table(schema, properties),
            None if schema.get("oneOf").is_none() => self.out.push_str("\nNo keys.\n"),
            None => {}
        }
    }

    fn table(&mut self, schema: &'a Value, properties: &'a Map<String, Value>) {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        self.out.push_str("\n| key | type | default | |\n|---|---|---|---|\n");
        for (key, property) in properties {
            let kind = self.kind(property, key);
            let default = match property.get("default") {
                _ if required.contains(&key.as_str()) => "required".to_owned(),
                Some(Value::Null) | None => String::new(),
                Some(Value::String(text)) => format!("`{text}`"),
                Some(value) => format!("`{}`", flow(value)),
            };
            let words = cell(text(property, "description").unwrap_or_default());
            self.out.push_str(&format!("| `{key}` | {kind} | {default} | {words} |\n"));
        }
    }

    /// An enum: one row per kind, and a section for what each holds.
    fn kinds(&mut self, variants: &'a [Value]) {
        self.out.push_str("\n| kind | holds | |\n|---|---|---|\n");
        for variant in variants {
            let words = text(variant, "description").unwrap_or_default();
            if let Some(name) = variant.get("const").and_then(Value::as_str) {
                self.out.push_str(&format!("| `{name}` | | {} |\n", cell(words)));
                continue;
            }
            let Some(properties) = variant.get("properties").and_then(Value::as_object) else { continue };
            for (name, property) in properties {
                let holds = self.kind(property, name);
                let words =
                    cell(self.words_of(property).unwrap_or(words).split("\n\n").next().unwrap_or_default());
                self.out.push_str(&format!("| `{name}` | {holds} | {words} |\n"));
            }
        }
        self.show_examples(variants);
    }

    fn show_examples(&mut self, variants: &[Value]) {
        let Some((key, examples)) = self.examples else { return };
        let ours = |(name, _): &&(&str, &str)| {
            variants.iter().any(|variant| variant.pointer(&format!("/properties/{name}")).is_some())
        };
        let shown: Vec<_> = examples.iter().filter(ours).collect();
        if shown.is_empty() {
            return;
        }
        self.out.push_str("\n```yaml\n");
        for (name, example) in shown {
            let line = if key == "check" {
                format!("check: {{ {example} }}")
            } else {
                format!("my-{name}: {{ {example} }}")
            };
            self.out.push_str(&format!("{line}\n"));
        }
        self.out.push_str("```\n");
    }

    fn words_of(&self, property: &'a Value) -> Option<&'a str> {
        text(property, "description").or_else(|| text(self.definition(property)?.1, "description"))
    }

    fn definition(&self, schema: &'a Value) -> Option<(&'a str, &'a Value)> {
        let name = schema.get("$ref")?.as_str()?.rsplit('/').next()?;
        self.definitions?.get_key_value(name).map(|(name, schema)| (name.as_str(), schema))
    }

    /// The type of a value in words; what has keys of its own gets its section.
    fn kind(&mut self, schema: &'a Value, key: &str) -> String {
        if let Some((name, definition)) = self.definition(schema) {
            return self.named(name, definition, key);
        }
        if let Some(either) = schema.get("anyOf").and_then(Value::as_array) {
            let real = either.iter().filter(|one| one.get("type").and_then(Value::as_str) != Some("null"));
            return real.map(|one| self.kind(one, key)).collect::<Vec<_>>().join(" or ");
        }
        let names: Vec<&str> = match schema.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect()
            }
            _ => return "anything".to_owned(),
        };
        names.into_iter().map(|name| self.plain(name, schema, key)).collect::<Vec<_>>().join(" or ")
    }

    fn plain(&mut self, name: &str, schema: &'a Value, key: &str) -> String {
        match name {
            "string" => "text".to_owned(),
            "boolean" => "true or false".to_owned(),
            "integer" | "number" => "number".to_owned(),
            "array" => match schema.get("items") {
                Some(items) => format!("list of {}", self.kind(items, key)),
                None => "list".to_owned(),
            },
            _ => match schema.get("additionalProperties").filter(|below| below.is_object()) {
                Some(below) => format!("map of names to {}", self.kind(below, key)),
                None => "map".to_owned(),
            },
        }
    }

    fn named(&mut self, name: &str, definition: &'a Value, key: &str) -> String {
        let no_keys = definition.get("additionalProperties") == Some(&Value::Bool(false));
        let has_keys = no_keys || definition.get("properties").is_some() || definition.get("oneOf").is_some();
        if !has_keys {
            return match (name, definition.get("anyOf")) {
                (_, Some(_)) => self.kind(definition, key),
                ("Duration", _) => "duration".to_owned(),
                ("Secret", _) => "secret".to_owned(),
                ("Filter", _) => "query object or text".to_owned(),
                ("Bytes", _) => "amount of storage".to_owned(),
                _ => self.kind(definition, key),
            };
        }
        let heading = heading(name, key);
        let known = self.done.iter().position(|(done, _)| done == name);
        let at = known.unwrap_or_else(|| {
            self.done.push((name.to_owned(), heading.clone()));
            self.queue.push_back((heading.clone(), definition));
            self.done.len() - 1
        });
        format!("[{heading}](#{})", self.anchor(at))
    }

    /// Where a link leads to: of several sections of one heading, those after the first have a number.
    fn anchor(&self, at: usize) -> String {
        let heading = &self.done[at].1;
        let fine = |c: &char| c.is_alphanumeric() || *c == '_' || *c == '-';
        let anchor: String = heading.to_lowercase().chars().filter(fine).collect();
        match self.done[..at].iter().filter(|(_, other)| other == heading).count() {
            0 => anchor,
            before => format!("{anchor}-{before}"),
        }
    }
}

/// Sections are called by the key they stand below; what several keys share, by what it is.
fn heading(name: &str, key: &str) -> String {
    match name {
        "CronForm" => "cron".to_owned(),
        "MissingLong" => "missing".to_owned(),
        "LevelForm" => "level".to_owned(),
        "RuleForm" => "rule".to_owned(),
        "ClusterForm" => "cluster".to_owned(),
        _ => key.to_owned(),
    }
}

/// Words on the one line that a table leaves them.
fn cell(words: &str) -> String {
    words.replace('\n', " ").replace('|', "\\|")
}

/// A value as one line of YAML.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

fn text<'a>(schema: &'a Value, key: &str) -> Option<&'a str> {
    schema.get(key).and_then(Value::as_str)
}
