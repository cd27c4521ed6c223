use std::{fs, os::unix::fs::PermissionsExt};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const SOON: Duration = Duration::from_secs(20);

fn journal(folder: &TempDir, rotate: u64, keep: u32) -> Journal {
    Journal { path: folder.path().join("alerts.jsonl"), rotate, keep }
}

fn line(n: usize, length: usize) -> String {
    format!("{{\"version\":1,\"n\":{n},\"text\":\"{}\"}}", "x".repeat(length))
}

fn numbered(to: &Journal, n: u32) -> PathBuf {
    format!("{}.{n}", to.path.display()).into()
}

/// The numbers of all lines, the oldest first. Every line has to be whole.
fn told(to: &Journal) -> Vec<usize> {
    let rotated = (1..=to.keep + 3).rev().map(|n| numbered(to, n));
    let files = rotated.chain([to.path.clone()]).filter(|path| path.exists());
    files.flat_map(|path| numbers(&path)).collect()
}

fn numbers(path: &Path) -> Vec<usize> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let number = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["n"].as_u64().unwrap();
    text.lines().map(|line| number(line) as usize).collect()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// What may happen between two lines.
#[derive(Clone, Debug)]
enum Event {
    Line(usize),
    /// A new process over the same file.
    Restart,
    /// Killed while it wrote: so much of a line is there.
    Torn(usize),
    /// Killed while it rotated: the files were moved, the newest not yet.
    HalfRotated,
    /// `logrotate` took the file away.
    Taken,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0_usize..300).prop_map(Event::Line),
        1 => Just(Event::Restart),
        1 => (1_usize..200).prop_map(Event::Torn),
        1 => Just(Event::HalfRotated),
        1 => Just(Event::Taken),
    ];
    prop::collection::vec(event, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn no_line_is_lost_or_torn_whatever_happens_between_two(events in events(), rotate in 1_u64..2000) {
        let folder = tempfile::tempdir().unwrap();
        let to = journal(&folder, rotate, 500);
        let taken = folder.path().join("taken");
        let mut lines = Lines::new(SOON);
        let (mut written, mut elsewhere) = (0, Vec::new());
        for event in events {
            match event {
                Event::Line(length) => {
                    let answer = run(lines.append(&to, &line(written, length)));
                    prop_assert_eq!(answer, Answer::Written);
                    written += 1;
                }
                Event::Restart => lines = Lines::new(SOON),
                Event::Torn(length) => {
                    if !fs::read(&to.path).unwrap_or_default().ends_with(b"\n") {
                        continue; // nobody writes behind a torn line before it is mended
                    }
                    let torn = line(99, 300);
                    let mut file = fs::OpenOptions::new().append(true).create(true).open(&to.path).unwrap();
                    file.write_all(&torn.as_bytes()[..length]).unwrap();
                }
                Event::HalfRotated => {
                    let last = (1..).find(|n| !numbered(&to, *n).exists()).unwrap();
                    for n in (1..last).rev() {
                        fs::rename(numbered(&to, n), numbered(&to, n + 1)).unwrap();
                    }
                }
                Event::Taken => {
                    run(lines.append(&to, &line(written, 0)));
                    written += 1;
                    fs::rename(&to.path, &taken).unwrap();
                    elsewhere.extend(numbers(&taken));
                }
            }
        }
        run(lines.append(&to, &line(written, 0)));
        let mut all = told(&to);
        for files in [&all, &elsewhere] {
            prop_assert!(files.is_sorted(), "{files:?}");
        }
        all.extend(elsewhere);
        all.sort_unstable();
        prop_assert_eq!(all, (0..=written).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn no_file_is_longer_than_it_may_be_and_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let to = journal(&folder, 1000, 3);
    let lines = Lines::new(SOON);
    for n in 0..100 {
        assert_eq!(lines.append(&to, &line(n, 100)).await, Answer::Written);
    }
    let files: Vec<PathBuf> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4);
    assert!(files.iter().all(|path| fs::metadata(path).unwrap().len() <= 1000));
    let kept = told(&to);
    assert_eq!(kept, (100 - kept.len()..100).collect::<Vec<_>>());
    let fewer = Journal { keep: 1, ..to };
    for n in 100..110 {
        lines.append(&fewer, &line(n, 100)).await;
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "what is kept no longer is taken away");
}

#[tokio::test]
async fn a_line_that_is_longer_than_a_file_may_be_is_written_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let to = journal(&folder, 50, 5);
    let lines = Lines::new(SOON);
    for n in 0..3 {
        assert_eq!(lines.append(&to, &line(n, 200_000)).await, Answer::Written);
    }
    assert_eq!(told(&to), [0, 1, 2]);
}

#[tokio::test]
async fn two_processes_may_write_one_file_while_it_is_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let to = journal(&folder, 700, 900);
    let (one, other) = (Lines::new(SOON), Lines::new(SOON));
    let write = async |lines: &Lines, begin: usize| {
        for n in (begin..400).step_by(2) {
            assert_eq!(lines.append(&to, &line(n, n % 200)).await, Answer::Written);
        }
    };
    tokio::join!(write(&one, 0), write(&other, 1));
    let mut all = told(&to);
    all.sort_unstable();
    assert_eq!(all, (0..400).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_others_wrote_into_the_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let to = journal(&folder, 1000, 2);
    fs::write(&to.path, "notes of a person").unwrap();
    assert_eq!(Lines::new(SOON).append(&to, "{}").await, Answer::Written);
    assert_eq!(fs::read_to_string(&to.path).unwrap(), "notes of a person\n{}\n");
}

#[tokio::test]
async fn a_torn_line_longer_than_one_look_back_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let to = journal(&folder, 1 << 30, 2);
    let torn = line(1, 300_000);
    fs::write(&to.path, format!("{}\n{}", line(0, 10), &torn[..200_000])).unwrap();
    assert_eq!(Lines::new(SOON).append(&to, &torn).await, Answer::Written);
    assert_eq!(told(&to), [0, 1]);
}

#[tokio::test]
async fn a_full_disk_is_waited_for_and_a_wrong_path_is_a_matter_of_settings() {
    let lines = Lines::new(SOON);
    let append = async |path: &Path| {
        let to = Journal { path: path.to_owned(), rotate: 1000, keep: 1 };
        lines.append(&to, "{}").await
    };
    let folder = tempfile::tempdir().unwrap();
    let Answer::Unsent(why) = append(folder.path()).await else { panic!("a folder is no file") };
    assert!(why.contains("it is no regular file"), "{why}");
    let Answer::Unsent(why) = append(Path::new("/dev/full")).await else { panic!("a device is no file") };
    assert!(why.starts_with("cannot write `/dev/full`"), "{why}");
    fs::write(folder.path().join("a"), "").unwrap();
    let below = append(&folder.path().join("a/b/c.jsonl")).await;
    assert!(matches!(below, Answer::Unsent(_)), "{below:?}");
    let Answer::Unsent(why) = below else { unreachable!() };
    assert!(
        why.contains("is missing and cannot be made: a part of its path is a file and no folder; name"),
        "{why}"
    );
    for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::NotFound]
    {
        let words = journal::words(&kind.into());
        assert!(words.contains("; ") && words.contains("`path`"), "{words}");
    }
    assert_eq!(append(&folder.path().join("new/folder/c.jsonl")).await, Answer::Written);
    assert!(!journal::is_of_settings(io::ErrorKind::StorageFull));
    assert!(!journal::is_of_settings(io::ErrorKind::QuotaExceeded));
    assert!(journal::is_of_settings(io::ErrorKind::PermissionDenied));
    let mode = fs::metadata(folder.path().join("new/folder/c.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "nobody else reads it");
}

#[tokio::test]
async fn a_reader_that_does_not_read_costs_one_thread_and_no_more_than_the_timeout() {
    struct Stuck(std::sync::mpsc::Receiver<()>);
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (release, stuck) = std::sync::mpsc::channel();
    let lines = Lines::to(Arc::new(Mutex::new(Stuck(stuck))), Duration::from_millis(20));
    for _ in 0..3 {
        assert_eq!(lines.print("x").await, Answer::Lost("nobody reads standard output".to_owned()));
    }
    // the one line that had begun; the others gave up before their turn
    for _ in 0..100 {
        release.send(()).unwrap();
    }
    let next = async { while lines.print("y").await != Answer::Written {} };
    timeout(SOON, next).await.unwrap();
}

#[tokio::test]
async fn datagrams_arrive_one_by_one_and_nobody_there_is_no_failure() {
    let receiver = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = receiver.local_addr().unwrap().to_string();
    let lines = Lines::new(SOON);
    let sent = ["a:1|c".to_owned(), "b:2|c\nc:3|c".to_owned()];
    assert_eq!(lines.send(&address, &sent).await, Answer::Written);
    for datagram in &sent {
        let mut got = [0; 100];
        let length = timeout(SOON, receiver.recv(&mut got)).await.unwrap().unwrap();
        assert_eq!(&got[..length], datagram.as_bytes());
    }
    drop(receiver);
    assert_eq!(lines.send(&address, &sent).await, Answer::Written);
    let Answer::Lost(why) = lines.send("nobody.invalid:8125", &sent).await else { panic!("no such host") };
    assert!(why.contains("nobody.invalid:8125"), "{why}");
}

#[tokio::test]
async fn an_address_that_nobody_knows_is_told_in_plain_words() {
    let said = Lines::new(SOON).send("no..such.host:8125", &["a:1|c".to_owned()]).await;
    let Answer::Lost(why) = said else { panic!("{said:?}") };
    assert!(why.starts_with("cannot send to `no..such.host:8125`: no machine of that name"), "{why}");
    assert!(why.contains("is `address` right"), "{why}");
}
