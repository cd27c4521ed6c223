//! Finding rule files and reading them, within limits and in one order.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    complaint::{Complaint, Report},
    place::{Origin, Place, Sources},
    yaml::MAX_FILE,
};

/// Folders in folders: deeper than this is a mistake.
const MAX_FOLDERS: usize = 32;

/// A file that was read; its text is in the sources.
#[derive(Clone, Debug)]
pub struct Read {
    pub path: PathBuf,
    pub source: u32,
}

/// Every rule file below `roots`, sorted by path; a file that is reached twice counts once.
pub fn rule_files(roots: &[PathBuf], sources: &mut Sources, report: &mut Report) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for root in roots {
        let mut walk = Walk { found: &mut found, seen: &mut seen, failed: Vec::new() };
        let before = walk.found.len();
        match fs::metadata(root) {
            Ok(meta) if meta.is_dir() => walk.folder(root, 0),
            Ok(_) => walk.file(root.clone()),
            Err(error) => walk.failed.push((root.clone(), error)),
        }
        let (empty, failed) = (walk.found.len() == before, walk.failed);
        if empty && failed.is_empty() {
            let place = nowhere(root, sources);
            report.add(
                Complaint::warning("no rule files here")
                    .hint("rule files end in `.yaml` or `.yml`")
                    .at(place),
            );
        }
        for (path, error) in failed {
            let place = nowhere(&path, sources);
            report.add(Complaint::error(words(&error)).at(place));
        }
    }
    found.into_iter().collect()
}

struct Walk<'a> {
    found: &'a mut BTreeSet<PathBuf>,
    /// What paths really lead to.
    seen: &'a mut BTreeSet<PathBuf>,
    failed: Vec<(PathBuf, io::Error)>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) {
        if depth > MAX_FOLDERS {
            self.failed.push((folder.to_owned(), io::Error::other("folders are nested too deeply")));
            return;
        }
        if !self.is_new(folder) {
            return;
        }
        let entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => return self.failed.push((folder.to_owned(), error)),
        };
        let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| !is_hidden(path)) {
            match fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => self.folder(&path, depth + 1),
                Ok(_) if is_rule_file(&path) => self.file(path),
                Ok(_) => {}
                Err(error) if is_rule_file(&path) => self.failed.push((path, error)),
                Err(_dangling_link_that_is_no_rule_file) => {}
            }
        }
    }

    fn file(&mut self, path: PathBuf) {
        if self.is_new(&path) {
            self.found.insert(path);
        }
    }

    /// Links may lead to one place from several, or round in a circle.
    fn is_new(&mut self, path: &Path) -> bool {
        self.seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
    }
}

/// Editors' and Kubernetes' own files (`..data`) are not for us; what they link to is found beside them.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn is_rule_file(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let rules = name.ends_with(".yaml") || name.ends_with(".yml");
    rules && !name.ends_with(".test.yaml") && !name.ends_with(".test.yml")
}

/// Reads one file into the sources.
pub fn read(path: &Path, sources: &mut Sources) -> Result<Read, Complaint> {
    let text = read_text(path).map_err(|complaint| complaint.at(nowhere(path, sources)))?;
    let source = sources.add(path.display().to_string(), text, Origin::File);
    Ok(Read { path: path.to_owned(), source })
}

pub fn read_text(path: &Path) -> Result<String, Complaint> {
    use io::Read as _;
    let file = fs::File::open(path).map_err(|error| Complaint::error(words(&error)))?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX) + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(|error| Complaint::error(words(&error)))?;
    if bytes.len() > MAX_FILE {
        return Err(Complaint::error("the file is larger than 1 MiB").hint("split it into several files"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        Complaint::error(format!("line {line} is not UTF-8")).hint("save the file as UTF-8")
    })
}

/// A place that is a whole file, of which there is no text to show.
fn nowhere(path: &Path, sources: &mut Sources) -> Place {
    Place::new(sources.add(path.display().to_string(), "", Origin::File), 0, 0)
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        io::ErrorKind::IsADirectory => "this is a folder, not a file".to_owned(),
        _ => format!("it cannot be read: {error}"),
    }
}
