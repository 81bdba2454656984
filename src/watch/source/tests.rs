//! What both kinds of watches have to do, and what is said when there are none.

use std::fs;
use std::time::{Duration, Instant};

use super::*;
use crate::watch::pending::EventFlags;

fn source() -> Source {
    Source::new(WatchChoice::Native, Arc::default(), Clock::start(), Arc::new(Cookies::new(0)))
}

#[test]
fn what_does_not_work_is_said_with_its_remedy() {
    let mut source = source();
    let said = |source: &Source| source.problem(|folder| folder.to_string_lossy().into());
    assert_eq!(said(&source), None);
    source.note_unreadable(Path::new("b"), &io::Error::from(io::ErrorKind::PermissionDenied));
    source.note_unreadable(Path::new("c"), &io::Error::from(io::ErrorKind::NotFound));
    assert_eq!(said(&source).as_deref(), Some("not watched: b: permission denied"));
    source.note_unreadable(Path::new("a"), &io::Error::from(io::ErrorKind::PermissionDenied));
    assert_eq!(said(&source).as_deref(), Some("not watched: a and 1 more: permission denied"));
    source.note_unwatched([Path::new("d")]);
    source.watch([Path::new("e")], Links::Refuse);
    let problem = said(&source);
    let problem = problem.as_deref().unwrap_or_default();
    assert!(problem.starts_with("2 of 2 folders are not watched: out of inotify watches"), "{problem}");
    assert!(problem.contains("sudo sysctl fs.inotify.max_user_watches="), "{problem}");
    assert_eq!(source.refusal(std::iter::empty()), None, "native was chosen by hand");
}

/// Reads what is said until it says this of the path.
fn until(pending: &Pending, path: &Path, says: impl Fn(EventFlags) -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if !pending.is_empty()
            && pending.wait(None).path_events.iter().any(|event| event.path == path && says(event.flags))
        {
            return;
        }
        assert!(Instant::now() < end, "nothing was said of {}", path.display());
        std::thread::yield_now();
    }
}

fn watches_tell<N: Watches>(number: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::create_dir_all(root.join("a/b")).expect("made");
    std::os::unix::fs::symlink("a", root.join("link")).expect("linked");
    let pending = Arc::new(Pending::default());
    let sink =
        EventSink { pending: Arc::clone(&pending), clock: Clock::start(), cookies: Arc::new(Cookies::new(number)) };
    let cookies = Arc::clone(&sink.cookies);
    let mut watches = N::open(sink).expect("opened");
    for folder in [root.to_path_buf(), root.join("a"), root.join("a/b")] {
        watches.add(&folder, Links::Refuse).expect("watched");
    }
    assert!(watches.add(&root.join("missing"), Links::Refuse).is_err());
    assert_eq!(watches.count(), 3);

    fs::write(root.join("a/f"), "text").expect("written");
    until(&pending, &root.join("a/f"), |flags| flags.closed);
    fs::rename(root.join("a/f"), root.join("a/b/g")).expect("renamed");
    until(&pending, &root.join("a/b/g"), |flags| flags.moved_in);
    watches.renew(&root.join("a/b"), Links::Refuse).expect("watched");
    fs::remove_file(root.join("a/b/g")).expect("removed");
    until(&pending, &root.join("a/b/g"), |flags| flags.removed);

    // A folder under another name.
    fs::rename(root.join("a"), root.join("z")).expect("renamed");
    until(&pending, &root.join("z"), |flags| flags.moved_in);
    watches.forget(&root.join("a"));
    watches.remove(vec![root.join("a"), root.join("a/b")]);
    for folder in [root.join("z"), root.join("z/b")] {
        watches.add(&folder, Links::Refuse).expect("watched");
    }
    fs::write(root.join("z/b/f"), "text").expect("written");
    until(&pending, &root.join("z/b/f"), |flags| flags.closed);

    let cookie = cookies.folder().and_then(|folder| watches.add_cookies(folder)).and_then(|()| cookies.bake());
    let (_, complete) = pending.wait_for_cookie(cookie.expect("baked"), Duration::from_secs(20));
    assert!(complete);
    cookies.close();

    fs::remove_dir_all(root.join("z")).expect("removed");
    until(&pending, &root.join("z"), |flags| flags.removed);
    assert!(pending.is_empty() || pending.wait(None).path_events.iter().all(|event| event.path.starts_with(root)));
}

#[test]
fn the_native_watches_tell() {
    watches_tell::<Native>(1);
}

#[test]
fn those_of_notify_tell_as_well() {
    watches_tell::<with_notify::Notify>(2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_is_followed_only_where_it_was_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("a")).expect("made");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("a", &link).expect("linked");
    let sink = EventSink { pending: Arc::default(), clock: Clock::start(), cookies: Arc::new(Cookies::new(3)) };
    let mut watches = inotify::Inotify::open(sink).expect("opened");
    assert!(matches!(watches.add(&link, Links::Refuse), Err(Failure::Gone)));
    assert!(watches.add(&link, Links::Follow).is_ok());
    assert!(watches.add(&folder.path().join("a"), Links::Refuse).is_ok());
    assert_eq!(watches.count(), 1, "one folder, one watch");
}
