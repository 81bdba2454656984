//! The dashboard, by eye and by key.

use crate::harness::{Dash, Project};

/// The house itself: what a program leaves changed is found, whatever it is.
mod the_harness {
    use super::*;

    #[test]
    fn sees_what_a_program_draws_and_how_it_ends() {
        let project = Project::empty();
        let mut dash =
            Dash::start_program(&project, "/bin/sh", (40, 10), &["-c", "printf 'é 世界\\n'; read x; echo bye; exit 3"]);
        dash.wait_for_text("é 世界");
        dash.keys("\r");
        let ended = dash.wait_exit();
        assert_eq!((ended.code, ended.last_line.as_str()), (Some(3), "bye"));
    }

    #[test]
    #[should_panic(expected = "left behind")]
    fn finds_a_process_that_is_left() {
        let project = Project::empty();
        let script = "setsid sh -c 'echo > up; exec sleep 60' & until [ -e up ]; do :; done";
        Dash::start_program(&project, "/bin/sh", (40, 10), &["-c", script]).wait_exit();
    }

    #[test]
    #[should_panic(expected = "the terminal is not as it was")]
    fn finds_a_hidden_cursor() {
        let project = Project::empty();
        Dash::start_program(&project, "/bin/sh", (40, 10), &["-c", "printf '\\033[?25l'"]).wait_exit();
    }

    #[test]
    #[should_panic(expected = "the terminal is not as it was")]
    fn finds_a_terminal_that_does_not_echo() {
        let project = Project::empty();
        Dash::start_program(&project, "/bin/sh", (40, 10), &["-c", "stty -echo"]).wait_exit();
    }
}
