//! Folders that come, go, move and change their rules, and the watches that follow them.

use super::*;

#[test]
fn nothing_in_a_fresh_folder_is_missed() {
    let mut watched = Watched::new(|_| {}, all);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let root = watched.root();
            scope.spawn(move || {
                for n in 0..50 {
                    write(root.join(format!("w{worker}/n{n}/b/c/f")), "text");
                }
            });
        }
    });
    let expected: HashSet<_> =
        (0..4).flat_map(|worker| (0..50).map(move |n| format!("w{worker}/n{n}/b/c/f"))).collect();
    watched.until("each file is reported as finished", |seen| {
        let finished: HashSet<_> =
            seen.events.iter().filter(|event| event.finished).map(|event| event.path.to_string()).collect();
        expected.is_subset(&finished)
    });
}
