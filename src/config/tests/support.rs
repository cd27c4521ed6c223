//! A folder of files, loaded as the program would.

use std::{collections::BTreeMap, fs, path::Path};

use tempfile::TempDir;

use crate::config::{Complaints, Loaded, Settings, load_rules, load_with};

/// Two clusters and two sinks.
pub const SETTINGS: &str = "\
clusters:
  main: { urls: [http://127.0.0.1:9200] }
  logs: { urls: [http://127.0.0.1:9201] }
sinks:
  alerts: { stdout: {} }
  pager: { stdout: {} }
defaults: { notify: [alerts], clusters: [main] }
";

pub struct Folder(pub TempDir);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where files are, without the folder that differs from run to run.
    pub fn shorten(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.path().display()), "")
            .replace(&self.path().display().to_string(), ".")
    }

    pub fn settings(&self, text: &str) -> Settings {
        self.write("settings/highwater.yaml", text.as_bytes());
        let path = self.path().join("settings/highwater.yaml");
        let mut settings = load_with(&[path], &[], &BTreeMap::new(), false).unwrap();
        settings.rules = vec![self.path().join("rules")];
        settings
    }

    pub fn load(&self) -> Result<Loaded, Complaints> {
        load_rules(&self.settings(SETTINGS))
    }
}

/// What is said of one rule file.
pub fn said(text: &str) -> String {
    let folder = Folder::new(&[("rules/a.yaml", text)]);
    let complaints = match folder.load() {
        Ok(loaded) => loaded.warnings,
        Err(complaints) => complaints,
    };
    folder.shorten(&complaints.to_string())
}

/// What is said of a settings file.
pub fn said_of_settings(text: &str, variables: &[(&str, &str)]) -> String {
    let folder = Folder::new(&[("highwater.yaml", text)]);
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let path = folder.path().join("highwater.yaml");
    match load_with(&[path], &variables, &BTreeMap::new(), false) {
        Ok(settings) => format!("{settings:#?}"),
        Err(complaints) => folder.shorten(&complaints.to_string()),
    }
}
