//! What there is to take over: files in folders, read within limits.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::{
    cli::stop::Stop,
    config,
    import::{Source, merged},
};

const MAX_FILE: u64 = 1024 * 1024;
const MAX_FILES: usize = 10_000;
const MAX_FOLDERS: usize = 32;

/// Everything that was read.
pub struct Found {
    pub global: Map<String, Value>,
    pub sources: Vec<Source>,
}

/// A `config.yaml` in the folder of rules or beside it.
pub fn config_of(folder: &Path) -> Option<PathBuf> {
    let beside = folder.canonicalize().ok()?.parent().map(Path::to_path_buf);
    let folders = [Some(folder.to_path_buf()), beside];
    let candidates = folders.into_iter().flatten().map(|folder| folder.join("config.yaml"));
    candidates.into_iter().find(|path| path.is_file() && is_global(path))
}

/// A rule may be called so, too.
fn is_global(path: &Path) -> bool {
    read(path).is_ok_and(|value| value.get("type").is_none() && value.get("run_every").is_some())
}

pub fn folder(folder: &Path, config: Option<&Path>) -> Result<Found, Stop> {
    let global = match config.map(|path| (path, read(path))) {
        None => Map::new(),
        Some((_, Ok(Value::Object(global)))) => global,
        Some((path, Ok(_))) => return Err(Stop::Io(format!("`{}` is no map of options", path.display()))),
        Some((path, Err(why))) => return Err(Stop::Io(format!("`{}`: {why}", path.display()))),
    };
    let mut files = BTreeSet::new();
    let flat = global.get("scan_subdirectories") == Some(&Value::Bool(false));
    let depth = if flat { MAX_FOLDERS } else { 0 };
    walk(folder, depth, &mut files).map_err(|why| Stop::Io(format!("`{}`: {why}", folder.display())))?;
    files.retain(|path| Some(path.as_path()) != config && !same(path, config));
    if files.is_empty() {
        return Err(Stop::Io(format!(
            "there is no rule in `{}`; they end in .yaml or .yml",
            folder.display()
        )));
    }
    Ok(Found { global, sources: sources(folder, &files) })
}

/// Files that others are built on, and that are no rules themselves, are not told.
fn sources(folder: &Path, files: &BTreeSet<PathBuf>) -> Vec<Source> {
    let imported = RefCell::new(BTreeSet::new());
    let mut sources = Vec::new();
    for path in files {
        let reader = |wanted: &Path| {
            if wanted != path {
                imported.borrow_mut().insert(wanted.canonicalize().unwrap_or_default());
            }
            read(wanted)
        };
        let shown = path.strip_prefix(folder).unwrap_or(path).display().to_string();
        sources.push((path, Source { file: shown, rule: merged(path, &reader) }));
    }
    let imported = imported.into_inner();
    let is_base = |path: &Path, source: &Source| {
        let typed = source.rule.as_ref().is_ok_and(|rule| !rule.contains_key("type"));
        typed && path.canonicalize().is_ok_and(|path| imported.contains(&path))
    };
    sources.into_iter().filter(|(path, source)| !is_base(path, source)).map(|(_, source)| source).collect()
}

fn same(path: &Path, config: Option<&Path>) -> bool {
    let config = config.and_then(|path| path.canonicalize().ok());
    config.is_some() && path.canonicalize().ok() == config
}

fn walk(folder: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|why| why.to_string())? {
        let path = entry.map_err(|why| why.to_string())?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // mounted configuration has folders like `..data`, which hold everything once more
        if path.is_dir() && !name.starts_with("..") && depth < MAX_FOLDERS {
            walk(&path, depth + 1, files)?;
        } else if path.is_file() && (name.ends_with(".yaml") || name.ends_with(".yml")) {
            files.insert(path);
        }
        if files.len() > MAX_FILES {
            return Err(format!("more than {MAX_FILES} files"));
        }
    }
    Ok(())
}

/// One file of YAML. What is no regular file, or too large, is not read.
fn read(path: &Path) -> Result<Value, String> {
    let meta = fs::metadata(path).map_err(|why| why.to_string())?;
    if !meta.is_file() {
        return Err("it is no file".to_owned());
    }
    if meta.len() > MAX_FILE {
        return Err("it is larger than 1 MiB".to_owned());
    }
    let bytes = fs::read(path).map_err(|why| why.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    config::plain(&text)
}
