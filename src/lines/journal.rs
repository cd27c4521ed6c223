//! A file of whole lines that is rotated: `path`, then `path.1` to `path.keep`, the oldest last.
//!
//! Several processes may write one file: each line is written under the file's lock, and by whoever sees that the file is still
//! the one at its path. So rotation and `logrotate` lose nothing. A line that was cut off by a crash was never confirmed, and is
//! sent again: its beginning is taken away before the next line.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::sinks::Journal;

/// So often the file may be moved away under our hands before we give up.
const ROUNDS: usize = 8;
/// How our lines begin.
const OURS: &[u8] = b"{\"version\":";
/// Read at once while the beginning of a line is looked for.
const CHUNK: u64 = 64 * 1024;

/// A file that is open for lines.
#[derive(Debug)]
pub struct Opened {
    file: File,
    /// As long as this, it ends with a whole line.
    whole: Option<u64>,
}

/// Writes `line`, which ends with a line's end.
pub fn append(kept: &mut Option<Opened>, to: &Journal, line: &[u8]) -> io::Result<()> {
    for _ in 0..ROUNDS {
        let mut opened = match kept.take().filter(|opened| opened.is_at(&to.path)) {
            Some(opened) => opened,
            None => Opened::new(&to.path)?,
        };
        let _locked = Lock::of(&opened.file)?;
        if !opened.is_at(&to.path) {
            continue;
        }
        let length = opened.mend()?;
        if length > 0 && length + line.len() as u64 > to.rotate {
            opened.file.sync_all()?;
            shift(&to.path, to.keep)?;
            continue;
        }
        opened.write(line, length)?;
        *kept = Some(opened);
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::ResourceBusy, "somebody keeps moving it away"))
}

impl Opened {
    fn new(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| no_folder(folder, &error))?;
        }
        if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
            let why = "it is no regular file; name a file as `path`";
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?;
        Ok(Self { file, whole: None })
    }

    fn is_at(&self, path: &Path) -> bool {
        let (Ok(ours), Ok(there)) = (self.file.metadata(), fs::metadata(path)) else { return false };
        (ours.dev(), ours.ino()) == (there.dev(), there.ino())
    }

    /// Makes the file end with a whole line; the answer is its length.
    fn mend(&mut self) -> io::Result<u64> {
        let length = self.file.metadata()?.len();
        if length == 0 || self.whole == Some(length) {
            return Ok(length);
        }
        let begin = self.start_of_last_line(length)?;
        if begin == length {
            return Ok(length);
        }
        let mut head = vec![0; OURS.len().min(usize::try_from(length - begin).unwrap_or(usize::MAX))];
        self.file.seek(SeekFrom::Start(begin))?;
        self.file.read_exact(&mut head)?;
        if OURS.starts_with(&head) {
            self.file.set_len(begin)?;
            return Ok(begin);
        }
        // somebody else's words: they stay
        self.file.write_all(b"\n")?;
        Ok(length + 1)
    }

    /// Behind the last line's end.
    fn start_of_last_line(&mut self, length: u64) -> io::Result<u64> {
        let mut end = length;
        while end > 0 {
            let start = end.saturating_sub(CHUNK);
            let mut chunk = vec![0; usize::try_from(end - start).unwrap_or_default()];
            self.file.seek(SeekFrom::Start(start))?;
            self.file.read_exact(&mut chunk)?;
            if let Some(at) = chunk.iter().rposition(|byte| *byte == b'\n') {
                return Ok(start + at as u64 + 1);
            }
            end = start;
        }
        Ok(0)
    }

    /// Whole or not at all: what a full disk took of it goes again.
    fn write(&mut self, line: &[u8], before: u64) -> io::Result<()> {
        if let Err(error) = self.file.write_all(line) {
            // if even this fails, the next line's writer mends it
            let _cut = self.file.set_len(before);
            self.whole = None;
            return Err(error);
        }
        self.whole = Some(before + line.len() as u64);
        Ok(())
    }
}

/// Among processes; it ends with this value, or with the process. A file system that knows no locks has one writer.
struct Lock(File);

impl Lock {
    fn of(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        match file.lock() {
            Err(error) if error.kind() != ErrorKind::Unsupported => Err(error),
            _ => Ok(Self(file)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // closed files hold no lock: nothing is left to do where this fails
        let _unlocked = self.0.unlock();
    }
}

/// Moves every file one further, from the first gap on: a rotation that was cut off left one, and loses nothing.
fn shift(path: &Path, keep: u32) -> io::Result<()> {
    let gap = (1..=keep).find(|n| !numbered(path, *n).exists()).unwrap_or(keep);
    for n in (1..gap).rev() {
        fs::rename(numbered(path, n), numbered(path, n + 1))?;
    }
    fs::rename(path, numbered(path, 1))?;
    let mut beyond = keep + 1;
    while numbered(path, beyond).is_file() {
        fs::remove_file(numbered(path, beyond))?;
        beyond += 1;
    }
    sync_folder(path);
    Ok(())
}

fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

/// So that the new names outlive a power cut. Not every file system lets a folder be synced.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _synced = File::open(folder).and_then(|folder| folder.sync_all());
}

/// What waiting does not mend.
pub fn is_of_settings(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::AlreadyExists
            | ErrorKind::InvalidFilename
            | ErrorKind::InvalidInput
    )
}

/// What is wrong, and what to do about it.
pub fn words(error: &io::Error) -> String {
    let words = match error.kind() {
        _ if error.get_ref().is_some() => return error.to_string(),
        ErrorKind::PermissionDenied => {
            "no permission; let the user that runs highwater write there, or name another `path`"
        }
        ErrorKind::ReadOnlyFilesystem => "its file system is read-only; name another `path`",
        ErrorKind::IsADirectory => "it is a folder; name a file in it as `path`",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a part of its path is a file and no folder; name another `path`"
        }
        ErrorKind::NotFound => "its folder is not there; make it, or name another `path`",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "there is no room left; delete something, or set `rotate` and `keep` lower"
        }
        kind => return kind.to_string(),
    };
    words.to_owned()
}

fn no_folder(folder: &Path, error: &io::Error) -> io::Error {
    let words = words(error);
    io::Error::new(
        error.kind(),
        format!("its folder `{}` is missing and cannot be made: {words}", folder.display()),
    )
}
