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

fn watches_tell(number: u64, open: impl Fn(EventSink) -> Box<dyn Watches>) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::create_dir_all(root.join("a/b")).expect("made");
    std::os::unix::fs::symlink("a", root.join("link")).expect("linked");
    let pending = Arc::new(Pending::default());
    let sink = EventSink::new(Arc::clone(&pending), Clock::start(), Arc::new(Cookies::new(number)));
    let cookies = Arc::clone(&sink.cookies);
    let mut watches = open(sink);
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

#[cfg(target_os = "linux")]
fn by_inotify(sink: EventSink) -> Box<dyn Watches> {
    Box::new(inotify::Inotify::open(sink).expect("opened"))
}

fn by_notify(sink: EventSink) -> Box<dyn Watches> {
    Box::new(with_notify::Notify::open(sink).expect("opened"))
}

#[cfg(target_os = "linux")]
#[test]
fn the_native_watches_tell() {
    watches_tell(1, by_inotify);
}

#[test]
fn those_of_notify_tell_as_well() {
    watches_tell(2, by_notify);
}

/// Watches that refused a link and followed it. How many there are of one folder that is reached in two ways.
fn count_after_links(number: u64, open: impl Fn(EventSink) -> Box<dyn Watches>) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("a")).expect("made");
    fs::write(folder.path().join("f"), "text").expect("written");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("a", &link).expect("linked");
    let sink = EventSink::new(Arc::default(), Clock::start(), Arc::new(Cookies::new(number)));
    let mut watches = open(sink);
    for wrong in [&link, &folder.path().join("f"), &folder.path().join("missing")] {
        assert!(matches!(watches.add(wrong, Links::Refuse), Err(Failure::Gone)), "{}", wrong.display());
    }
    assert_eq!(watches.count(), 0);
    assert!(watches.add(&link, Links::Follow).is_ok());
    assert!(watches.add(&folder.path().join("a"), Links::Refuse).is_ok());
    watches.count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_is_followed_only_where_it_was_named() {
    assert_eq!(count_after_links(3, by_inotify), 1, "one folder, one watch");
}

#[test]
fn a_link_is_followed_only_where_it_was_named_by_notify_as_well() {
    assert_eq!(count_after_links(4, by_notify), 2);
}

/// Reads what is said until places are to be looked at. Whether they are.
fn places_are_told(pending: &Pending) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if !pending.is_empty() && pending.wait(None).places {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[cfg(target_os = "linux")]
fn moved_places_are_told(number: u64, open: impl Fn(EventSink) -> Box<dyn Watches>) {
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path().canonicalize().expect("it is there");
    let root = top.join("above/root");
    fs::create_dir_all(&root).expect("made");
    let pending = Arc::new(Pending::default());
    let cookies = Arc::new(Cookies::new(number));
    let mut watches = open(EventSink::new(Arc::clone(&pending), Clock::start(), cookies));
    watches.add(&root, Links::Follow).expect("watched");
    watches.watch_above(&root);
    fs::rename(top.join("above"), top.join("elsewhere")).expect("renamed");
    assert!(places_are_told(&pending), "a folder above was renamed");
    // Another one in the same place has a watch of its own.
    fs::create_dir_all(&root).expect("made");
    watches.add(&root, Links::Follow).expect("watched");
    watches.watch_above(&root);
    fs::write(root.join("f"), "text").expect("written");
    until(&pending, &root.join("f"), |flags| flags.closed);
    fs::rename(top.join("above"), top.join("again")).expect("renamed");
    assert!(places_are_told(&pending), "the other one was renamed");
}

#[cfg(target_os = "linux")]
#[test]
fn that_a_folder_above_is_renamed_is_told() {
    moved_places_are_told(5, by_inotify);
    moved_places_are_told(6, by_notify);
}

/// notify ends the watches below a folder that is moved, and says so of that folder alone.
#[test]
fn a_folder_that_was_away_for_a_moment_is_watched_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("it is there");
    fs::create_dir_all(root.join("a/b")).expect("made");
    let pending = Arc::new(Pending::default());
    let cookies = Arc::new(Cookies::new(9));
    let mut watches = by_notify(EventSink::new(Arc::clone(&pending), Clock::start(), cookies));
    for folder in [root.clone(), root.join("a"), root.join("a/b")] {
        watches.add(&folder, Links::Follow).expect("watched");
    }
    fs::rename(root.join("a"), root.join("z")).expect("renamed");
    until(&pending, &root.join("z"), |flags| flags.moved_in);
    fs::rename(root.join("z"), root.join("a")).expect("renamed");
    until(&pending, &root.join("a"), |flags| flags.moved_in);
    watches.add(&root.join("a/b"), Links::Follow).expect("watched");
    fs::write(root.join("a/b/f"), "text").expect("written");
    until(&pending, &root.join("a/b/f"), |flags| flags.closed);
}

fn permissions_are_told(number: u64, open: impl Fn(EventSink) -> Box<dyn Watches>) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).expect("made");
    let pending = Arc::new(Pending::default());
    let cookies = Arc::new(Cookies::new(number));
    let mut watches = open(EventSink::new(Arc::clone(&pending), Clock::start(), cookies));
    watches.add_permissions(folder.path());
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).expect("set");
    assert!(places_are_told(&pending), "a folder may be readable now");
}

#[test]
fn that_a_folder_may_be_readable_is_told() {
    #[cfg(target_os = "linux")]
    permissions_are_told(7, by_inotify);
    permissions_are_told(8, by_notify);
}
