//! What becomes of what is open and selected when the file is read again and the services are others.

use super::*;
use crate::display::GlyphSet;
use crate::domain::Targets;
use crate::tui::fixture::{Bench, shop};

fn name(bench: &Bench) -> &str {
    let selected = bench.ui.selected(&bench.snapshot).expect("a service is selected");
    bench.snapshot.services[selected].name.as_str()
}

/// The file is read again, without the service that is selected.
fn remove(bench: &mut Bench, name: &str) {
    bench.snapshot.services.retain(|service| service.name != name.into());
}

#[test]
fn what_is_open_is_about_the_service_that_it_was_opened_for() {
    // The menu, and the palette with what it finds first for these texts.
    for keys in ["RR", "RF", "Rd", "R⏎", ":restart⏎", ":stop⏎", ":kill⏎", ":restart_force⏎", ":sel api⏎"] {
        let (open, choose) = keys.split_at(1);
        let mut bench = Bench::shop(80, 24);
        bench.press(open);
        bench.frame();
        remove(&mut bench, "api");
        bench.frame();
        let choose = choose.replace('R', "r");
        assert_eq!(bench.press(&choose), [], "{keys}");
        let text = bench.text();
        assert!(text.contains("nothing done: api is no longer in the group"), "{keys}\n{text}");

        // Another order changes nothing.
        let mut bench = Bench::shop(80, 24);
        bench.press(open);
        bench.snapshot.services.reverse();
        bench.frame();
        let asked = bench.press(&choose);
        assert_eq!(name(&bench), "api", "{keys}");
        assert!(asked.iter().all(|command| format!("{command:?}").contains("\"api\"")), "{keys}: {asked:?}");
    }
    let mut bench = Bench::shop(80, 24);
    bench.press("R");
    remove(&mut bench, "api");
    assert_eq!(bench.press("a"), [Command::Restart { targets: Targets::All, force: false }], "it is about no service");
}

#[test]
fn a_key_is_for_the_service_that_was_selected_or_for_none() {
    for keys in ["r", "x", "X", "s", "R", "d", "i"] {
        let mut bench = Bench::shop(80, 24);
        bench.frame();
        remove(&mut bench, "api");
        // The user has not seen that yet.
        assert_eq!(bench.press(keys), [], "{keys}");
        assert_eq!(bench.ui.panels.over(), None);
        bench.frame();
        assert_eq!(name(&bench), "db");
        assert_eq!(bench.press("x"), [Command::Stop(Targets::one(&"db".into()))]);
    }
    let mut bench = Bench::shop(80, 24);
    remove(&mut bench, "api");
    assert!(bench.text().contains("api is no longer in the group · selected db"), "{}", bench.text());
    // Nothing was ever selected: what was shown first is meant, wherever it stands now.
    let mut bench = Bench::new(shop(), 80, 24, GlyphSet::Unicode);
    bench.frame();
    bench.snapshot.services.reverse();
    assert_eq!(bench.press("x"), [Command::Stop(Targets::one(&"db".into()))]);
}

#[test]
fn the_details_of_a_service_that_is_gone_stay_open_and_say_so() {
    let mut bench = Bench::shop(80, 24);
    bench.press("d");
    remove(&mut bench, "api");
    let text = bench.text();
    assert!(text.contains("no longer in the group") && text.contains("─ api ─"), "{text}");
    assert_eq!(bench.press("q"), [], "a key for the details stops no group");
}
